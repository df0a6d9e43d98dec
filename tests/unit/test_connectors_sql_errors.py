"""What a department's database says, and whether trying again can help: by its words, for the exception's class does not tell."""

from __future__ import annotations

import pytest
from sqlalchemy import exc

from connectors.errors import AuthenticationRefused, PermanentError, TransientError
from connectors.sql_engine import translated

SAID = {
    "(1142, \"SELECT command denied to user 'hub'@'10.0.0.7' for table 'GA_HJRK'\")": AuthenticationRefused,
    "(1045, \"Access denied for user 'hub'@'10.0.0.7' (using password: YES)\")": AuthenticationRefused,
    "(3118, \"Access denied for user 'hub'. Account is locked.\")": AuthenticationRefused,
    'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "hub", database "ga", no encryption': AuthenticationRefused,
    'FATAL:  role "hub" is not permitted to log in': AuthenticationRefused,
    "ORA-01031: insufficient privileges": AuthenticationRefused,
    'FATAL:  database "ga" does not exist': PermanentError,
    "(1054, \"Unknown column 'GXSJ' in 'field list'\")": PermanentError,
    'near "FORM": syntax error': PermanentError,
    "server does not support SSL, but SSL was required": PermanentError,
    "no such function: unistr": PermanentError,
    "database is locked": TransientError,
    "unable to open database file": TransientError,
    "(2013, 'Lost connection to MySQL server during query')": TransientError,
    "could not connect to server: Connection refused": TransientError,
    "FATAL:  the database system is starting up": TransientError,
    "canceling statement due to conflict with recovery": TransientError,
    "deadlock detected": TransientError,
}


@pytest.mark.parametrize("said", SAID)
def test_an_operational_error_is_tried_again_only_where_that_can_help(said: str) -> None:
    def ask() -> None:
        raise exc.OperationalError("SELECT", {}, Exception(said))

    with pytest.raises((PermanentError, TransientError)) as caught:
        translated("psb_register, page 1", ask)
    assert type(caught.value) is SAID[said]
    assert "10.0.0.7" not in str(caught.value) and "hub" not in str(caught.value)
