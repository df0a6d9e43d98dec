"""``gridhub export …``: who is who and who lives with whom, as CSV for other systems and for checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridhub.commands.output import console, hub, in_a_folder

app = typer.Typer(no_args_is_help=True, help="CSV files of persons and households (导出).")
File = Annotated[Path, typer.Argument(dir_okay=False, help="the CSV file to write; its folder must be there")]


@app.command()
def crosswalk(file: File) -> None:
    """feed, source_key, person_id: the person of every record."""
    _write("crosswalk", file)


@app.command()
def households(file: File) -> None:
    """household_id, kind, person_id: the members of every household."""
    _write("households", file)


@app.command()
def attributes(file: File) -> None:
    """person_id, name, sex, birth_date, id_number, compound, building, unit, room."""
    _write("attributes", file)


def _write(what: str, file: Path) -> None:
    from reports.exports import export

    in_a_folder(file)
    rows = export(hub().engine, what, file)
    console.print(f"{rows:,} rows in {file}")
