"""What the warehouse raises; the texts are one line, for a reader, without a person's value."""

from __future__ import annotations


class WarehouseError(Exception):
    """The warehouse could not do what was asked."""


class EmbeddedServerError(WarehouseError):
    """The embedded server could not be made, started or reached; the text says what to do."""


class SchemaError(WarehouseError):
    """The warehouse's tables and the code or a contract do not fit; the text names the table and column."""


class QueryError(WarehouseError):
    """A statement sent through ADBC failed; the text has PostgreSQL's message where that tells no value."""


class StatementRefused(QueryError):
    """PostgreSQL refuses the statement itself (a missing column, a wrong type, a right not given): it will again."""


class LoadError(WarehouseError):
    """A batch could not be loaded: nothing of it is in the warehouse."""


class BatchStateError(WarehouseError):
    """A batch or row is not in the state the action needs; the text names both."""
