"""Which connector reads a feed: by the contract's ``connector``. Adding a protocol is adding a line."""

from __future__ import annotations

from importlib import import_module

from connectors.base import Connector
from connectors.errors import PermanentError
from connectors.retry import Patience
from contracts.model import Contract

# Imported when used: SQLAlchemy and requests are not needed to read a folder.
CONNECTORS = {
    "sql": "connectors.sql:SqlConnector",
    "rest": "connectors.rest:RestConnector",
    "stream": "connectors.stream:StreamConnector",
    "drop": "connectors.drop:DropConnector",
}


def connector_for(contract: Contract, patience: Patience | None = None) -> Connector:
    """The connector of a feed. PermanentError where the contract names none there is."""
    named = CONNECTORS.get(contract.connector)
    if named is None:
        raise PermanentError(f"{contract.feed}: connector: one of {', '.join(CONNECTORS)} is expected")
    module, _, kind = named.partition(":")
    return getattr(import_module(module), kind)(patience or Patience())
