"""``python -m demo run|up|down``: what ``make demo``, ``make up`` and ``make down`` call."""

from __future__ import annotations

import signal
import sys
import time
from typing import Annotated

import typer
from rich.console import Console

from demo.county import County
from demo.site import Say, Site
from demo.story import DemoFailed, live_one_day
from demo.summary import print_summary
from gridhub.settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console()

Persons = Annotated[int, typer.Option(help="inhabitants of the simulated county")]
Seed = Annotated[int, typer.Option(help="the same seed makes the same county")]
Noise = Annotated[float, typer.Option(help="how dirty the departments' data is; 0 is clean")]
Faults = Annotated[bool, typer.Option(help="let the transports fail as real ones do")]


def _with_seconds() -> Say:
    started = time.monotonic()
    return lambda text: console.print(f"{time.monotonic() - started:6.1f} s {text}")


def _site(persons: int, seed: int, noise: float, faults: bool) -> Site:
    home = Settings.from_environment().home
    return Site(home, County(home / "county", persons=persons, seed=seed, noise=noise, faults=faults))


@app.command()
def run(persons: Persons = 5000, seed: Seed = 2026, noise: Noise = 1.0, faults: Faults = False) -> None:
    """Play a county through Airflow; run again to live one more day."""
    site = _site(persons, seed, noise, faults)
    try:
        with site.running(components=("api-server", "scheduler", "dag-processor"), say=_with_seconds()):
            figures = live_one_day(site, console)
            print_summary(figures, console)
    except DemoFailed as failure:
        console.print(f"[red]{failure}[/red]")
        sys.exit(1)


@app.command()
def up(persons: Persons = 5000, seed: Seed = 2026, noise: Noise = 1.0, faults: Faults = False) -> None:
    """Leave Airflow's UI and the county running; print addresses and logins."""
    site = _site(persons, seed, noise, faults)
    site.start(say=_with_seconds())
    user, password = site.airflow.login
    print(f"Airflow    {site.airflow.url}   user {user}   password {password}")
    print(f"county     {site.county.folder}; its connections: {site.county.connections}")
    print(f"warehouse  {site.server.start_shown()}")
    print("Unpause and trigger DAGs in the UI, or run: make demo. Stop all with: make down")


@app.command()
def down() -> None:
    """Stop Airflow, the county and the embedded database."""
    _site(0, 0, 0, False).stop()
    console.print("stopped")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    app()
