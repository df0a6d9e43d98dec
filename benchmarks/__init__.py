"""Benchmarks; a package of its own because recordlinkage installs one of the same name, which would win over a folder without this file."""
