"""The demonstration's closing page in the terminal: every feed reconciled, then what came of it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from demo.story import DayFigures
from gridhub.pipeline import Hub
from gridhub.settings import Settings
from warehouse.bulk import read_arrow

FEEDS = """
SELECT feed, count(*) FILTER (WHERE state = 'loaded') AS batches, sum(landed) AS landed,
       sum(inserted + changed + unchanged + superseded) AS accepted, sum(quarantined) AS quarantined,
       sum(value_issues) AS value_issues
FROM hub.batch GROUP BY feed ORDER BY feed
"""
TOTALS = {
    "persons": "SELECT count(*) AS n FROM hub.person WHERE recorded_to IS NULL",
    "households (residence)": "SELECT count(*) AS n FROM hub.household WHERE recorded_to IS NULL AND kind = 'residence'",
    "profiles": "SELECT count(*) AS n FROM hub.profile WHERE recorded_to IS NULL",
    "profile versions, all": "SELECT count(*) AS n FROM hub.profile",
    "extracts, all": "SELECT count(*) AS n FROM hub.extract",
    "addresses resolved to a room": "SELECT count(*) AS n FROM hub.address WHERE level = 'room'",
}


def print_summary(day: DayFigures, console: Console) -> None:
    """Print the summary of the site in ``GRIDHUB_HOME``, whose database runs."""
    settings = Settings.from_environment()
    hub = Hub(settings)
    try:
        feeds = read_arrow(hub.engine, FEEDS).to_pylist()
        totals = {label: read_arrow(hub.engine, sql)["n"][0].as_py() for label, sql in TOTALS.items()}
    finally:
        hub.engine.dispose()
    table = Table(title="landed = accepted + quarantined", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for column in ("feed", "batches", "landed", "accepted", "quarantined", "issues", "balanced"):
        table.add_column(column, justify="left" if column in ("feed", "balanced") else "right", no_wrap=True)
    for row in feeds:
        balanced = row["landed"] == row["accepted"] + row["quarantined"]
        numbers = [f"{int(row[c] or 0):,}" for c in ("batches", "landed", "accepted", "quarantined", "value_issues")]
        table.add_row(row["feed"], *numbers, "yes" if balanced else "[red]NO[/red]")
    console.print(table)
    for label, number in totals.items():
        console.print(f"{label:32} {number:>10,}")
    out = settings.out
    console.print(f"{'extracts in':32} {out / 'extracts'}", soft_wrap=True)  # a path is copied whole
    console.print(f"{'report':32} {out / 'report' / 'index.html'}", soft_wrap=True)
    console.print(
        f"[green]the day took {day.seconds:.0f} s through Airflow; run `make demo` again for the next day[/green]"
    )
