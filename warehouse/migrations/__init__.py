"""Alembic's environment: the versions of schema ``hub``."""
