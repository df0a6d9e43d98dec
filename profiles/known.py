"""What the last assembly worked out (已知), kept in a DuckDB file so that the next works out only what a change touches.

The file is a cache: without it, or where it does not belong to the warehouse's last assembly, everything is worked out
anew. It holds people's data and only its owner can read it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb

from warehouse.compute import write_for_next
from warehouse.snapshot import Horizon

CATALOG = "known"
NAME = "known.duckdb"


@dataclass(frozen=True)
class Standing:
    """What the file stands for."""

    token: str  # of the assembly in the warehouse (hub.assembly_run)
    signature: str  # of rules, SQL and contracts
    day: date
    horizon: Horizon
    directory: str  # digest of the directory of places
    orphans: int  # open links without a mention

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self) | {"day": self.day.isoformat()})

    @staticmethod
    def of(text: str) -> Standing:
        """Read back from :meth:`text`. ValueError, KeyError or TypeError where it is not one."""
        read = json.loads(text)
        return Standing(**read | {"day": date.fromisoformat(read["day"]), "horizon": Horizon(**read["horizon"])})


class Known:
    """The file of a folder, attached to one connection at a time; ``records``: how many an assembly of everything has."""

    def __init__(self, folder: Path, records: int = 0) -> None:
        self.path, self.records = folder / NAME, records

    def attach(self, con: duckdb.DuckDBPyConnection) -> Standing | None:
        """Attach the file, put what the log beside it says into its place, and use it; what it stands for. None, and nothing attached, if it
        is not there or not whole."""
        if not self.path.exists():
            return None
        self.path.parent.chmod(0o700)  # the log beside the file is readable by whoever gets into the folder
        try:
            self._attached(con)
            self.to_disk(con)
            (found,) = con.execute(f"SELECT standing FROM {CATALOG}.meta").fetchall()[0]
            standing = Standing.of(found)
        except (duckdb.Error, ValueError, KeyError, TypeError, IndexError):
            self.detach(con)
            return None
        con.execute(f"USE {CATALOG}")
        return standing

    def anew(self, con: duckdb.DuckDBPyConnection) -> None:
        """An empty file, attached and used."""
        self.detach(con)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.parent.chmod(0o700)  # what DuckDB writes beside its file is readable by whoever gets into the folder
        self.forget()
        self._attached(con)
        self.path.chmod(0o600)
        con.execute(f"USE {CATALOG}")

    def forget(self) -> None:
        """Remove the file, which nobody has attached."""
        for path in (self.path, self.path.with_name(f"{NAME}.wal")):
            path.unlink(missing_ok=True)

    def _attached(self, con: duckdb.DuckDBPyConnection) -> None:
        write_for_next(con, self.records)
        con.execute(f"ATTACH '{_quoted(self.path)}' AS {CATALOG}")

    def to_disk(self, con: duckdb.DuckDBPyConnection) -> None:
        """Put into the file what stands so far, so that the log beside it stays short."""
        con.execute(f"CHECKPOINT {CATALOG}")

    def remember(self, con: duckdb.DuckDBPyConnection, standing: Standing) -> None:
        """Say what the file stands for now."""
        con.execute("CREATE OR REPLACE TABLE meta AS SELECT CAST(? AS VARCHAR) AS standing", [standing.text()])

    def detach(self, con: duckdb.DuckDBPyConnection) -> None:
        """Let go of the file, if it is attached."""
        con.execute("USE memory")
        with contextlib.suppress(duckdb.Error):
            con.execute(f"DETACH {CATALOG}")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
