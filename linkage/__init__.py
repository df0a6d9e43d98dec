"""Linkage (关联): who is who; clusters of mentions become stable persons."""
