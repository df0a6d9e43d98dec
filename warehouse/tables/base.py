"""What every table of schema ``hub`` shares."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData

metadata = MetaData(schema="hub")


def stamp(name: str, **options) -> Column:
    """A moment with a zone, as all moments here are."""
    return Column(name, DateTime(timezone=True), **options)
