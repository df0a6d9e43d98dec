"""Tables laid down as Parquet for other processes to score: private folders, files that appear whole, only what is compared.

They hold people's data in comparable form, so nobody but the user who runs gridhub may read them, and whoever lays them removes them.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from linkage.model import Model
from linkage.scoring import frequency_columns


def private_folder(folder: Path) -> Path:
    """``folder``, made with its parents, readable by its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def write_table(con: duckdb.DuckDBPyConnection, path: Path, query: str) -> None:
    """The rows of ``query`` as a Parquet file that is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    con.execute(f"COPY ({query}) TO {_quoted(part)} (FORMAT parquet, COMPRESSION zstd)")
    part.rename(path)


def read_table(con: duckdb.DuckDBPyConnection, name: str, path: Path, where: str = "") -> None:
    """Make the temporary table ``name`` from a Parquet file, or from several by a pattern, of the rows ``where`` says."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM read_parquet({_quoted(path)}) {where}")


def compared_columns(con: duckdb.DuckDBPyConnection, model: Model) -> dict[str, str]:
    """Of ``entity``: the columns that some level reads, and the id, with their DuckDB types. The rest stays at home."""
    import sqlglot
    from sqlglot import exp

    named = {"unique_id", *frequency_columns(model)}
    for level in (level for c in model.comparisons for level in c.levels if level.sql != "ELSE"):
        named |= {column.name[:-2] for column in sqlglot.parse_one(level.sql, read="duckdb").find_all(exp.Column)}
    described = con.execute("SELECT column_name, column_type FROM (DESCRIBE entity)").fetchall()
    return {name: kind for name, kind in described if name in named}


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
