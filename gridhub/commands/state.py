"""``gridhub feeds`` and ``gridhub doctor``: what is set up, and whether it works."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import version

import typer

from gridhub import decisions
from gridhub.commands.output import JsonFlag, hub, show

PACKAGES = ("apache-airflow", "great-expectations", "duckdb", "splink", "pyarrow", "sqlalchemy", "pandas")


def feeds(as_json: JsonFlag = False) -> None:
    """The feeds under contract: department, connection, how and when they come."""
    show(
        (
            {
                "feed": c.feed,
                "title": c.title,
                "department": c.department,
                "connection": c.connection,
                "connector": c.connector,
                "mode": str(c.mode),
                "schedule": c.schedule,
            }
            for c in hub().contracts.values()
        ),
        as_json,
    )


def doctor(as_json: JsonFlag = False) -> None:
    """Connections, database, disk and versions; exit code 1 if something needs a person."""
    story = hub()
    checks = [{"check": "python", "ok": True, "detail": platform.python_version()}]
    checks += [{"check": name, "ok": True, "detail": version(name)} for name in PACKAGES]
    checks.append(_check("database", lambda: story.engine.dialect.server_version_info and "PostgreSQL answers"))
    story.settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(story.settings.home).free / 1e9
    checks.append({"check": "disk", "ok": free > 2, "detail": f"{free:.0f} GB free"})
    for connection in sorted({c.connection for c in story.contracts.values()}):
        checks.append(_check(f"connection {connection}", lambda c=connection: decisions.probe(story, c)))
    show(checks, as_json)
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)


def _check(name: str, work) -> dict:
    try:
        return {"check": name, "ok": True, "detail": str(work())}
    except Exception as error:  # a doctor reports whatever is wrong
        return {"check": name, "ok": False, "detail": f"{type(error).__name__}: {error}".splitlines()[0]}


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(feeds)
    app.command()(doctor)
