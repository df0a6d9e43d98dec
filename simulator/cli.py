"""The simulated county's command: make a county, serve it, let it live a day, stop it."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from simulator.serve.state import (
    CountyFolder,
    ServeError,
    ServeState,
    is_serving,
    load_state,
    save_state,
    with_options,
)

app = typer.Typer(help="A county that plays the departments over real transports.", no_args_is_help=True,
                  pretty_exceptions_show_locals=False)  # fmt: skip
Dir = Annotated[Path, typer.Option("--dir", help="the county's folder", file_okay=False)]


def _folder(path: Path) -> CountyFolder:
    return CountyFolder(path.absolute())


def _fail(error: ServeError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(1)


@app.command()
def make(
    dir: Dir,
    persons: Annotated[int, typer.Option(min=50, help="people living in the town")] = 5000,
    seed: Annotated[int, typer.Option(help="the same seed makes the same county")] = 2026,
    noise: Annotated[float, typer.Option(min=0, help="scales every rate of dirty data; 0 = clean")] = 1.0,
    start: Annotated[str | None, typer.Option(help="the county's first day, ISO; default 30 days ago")] = None,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="leave a county that is there as it is")] = False,
) -> None:
    """Make a county anew: the truth, and what every department knows of it."""
    from simulator.county.make import make_county

    folder = _folder(dir)
    if if_missing and (folder.serve / "seed").exists():
        return
    if is_serving(folder):
        raise _fail(ServeError(f"{folder.root}: is being served; stop it first"))
    for old in (folder.offers_db, folder.pending, folder.serve / "published", folder.serve / "seed"):
        old.unlink(missing_ok=True)
    for old in (folder.exchange_db.parent, folder.sftp_root, folder.edu_drop, folder.org_directory):
        shutil.rmtree(old, ignore_errors=True)
    folder.root.mkdir(parents=True, exist_ok=True)
    options = {} if start is None else {"start": date.fromisoformat(start)}
    figures = make_county(folder.root, persons, seed, noise, **options)
    folder.serve.mkdir(exist_ok=True)
    (folder.serve / "seed").write_text(str(seed))
    typer.echo(figures)


@app.command()
def serve(
    dir: Dir,
    faults: Annotated[bool, typer.Option("--faults", help="break connections, files and pages, by the seed")] = False,
    port: Annotated[int, typer.Option(help="HTTP port, SFTP on the next; 0: free ones, kept for later starts")] = 0,
    background: Annotated[bool, typer.Option("--background", help="return when all servers answer")] = False,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    public_host: Annotated[str | None, typer.Option("--public-host", "--name", help="host name that connections.env gives")] = None,
    exchange_url: Annotated[
        str | None,
        typer.Option(envvar="SIMULATOR_EXCHANGE_URL", help="owner's PostgreSQL URL for the exchange database"),
    ] = None,
    token_seconds: Annotated[int, typer.Option(min=1, help="life of a market API token")] = 1800,
    fault_seed: Annotated[int | None, typer.Option(help="seed of the faults; default: the county's")] = None,
    fault_delay: Annotated[float, typer.Option(help="seconds until a faulty delivery is put right")] = 10.0,
    resume: Annotated[bool, typer.Option("--resume", hidden=True)] = False,
) -> None:
    """Serve the county until SIGTERM; prints the path of connections.env. Serving twice changes nothing."""
    from simulator.serve.server import answers, run, start, stop

    folder = _folder(dir)
    try:
        before = load_state(folder)
        state = before or ServeState()
        if not resume:
            state = with_options(
                state,
                faults=faults,
                host=host,
                public_host=public_host or ("127.0.0.1" if host == "0.0.0.0" else host),
                exchange_url=exchange_url,
                token_seconds=token_seconds,
                fault_seed=_seed(folder) if fault_seed is None else fault_seed,
                fault_delay=fault_delay,
                http_port=port or None,
                sftp_port=port + 1 if port else None,
            )
            if state == before and answers(folder):
                typer.echo(folder.connections)
                return
            stop(folder)
            save_state(folder, state)
        if background:
            typer.echo(start(folder))
        else:
            run(folder, state)
    except ServeError as error:
        raise _fail(error) from None


@app.command()
def stop(dir: Dir) -> None:
    """Stop the county's servers."""
    from simulator.serve.server import stop as stop_servers

    try:
        typer.echo("stopped" if stop_servers(_folder(dir)) else "was not running")
    except ServeError as error:
        raise _fail(error) from None


@app.command()
def advance(
    dir: Dir, days: Annotated[int, typer.Option(min=1, help="days to live; the transports follow once")] = 1
) -> None:
    """Let the county live, complete what a fault held back, and publish what is new; running servers pick it up."""
    from simulator.county.advance import advance as live
    from simulator.serve.publish import publish, put_right

    folder = _folder(dir)
    figures = live(folder.root, days)
    state = load_state(folder)
    try:
        if state is not None:
            put_right(folder, everything=True)
        if state is not None and is_serving(folder):  # else the next start publishes
            publish(folder, state)
    except ServeError as error:
        raise _fail(error) from None
    typer.echo(figures)


@app.command()
def settle(dir: Dir) -> None:
    """Complete at once the deliveries that faults hold back."""
    from simulator.serve.publish import put_right

    typer.echo(put_right(_folder(dir), everything=True))


@app.command()
def status(dir: Dir) -> None:
    """One line of JSON: the county's clock, whether its servers answer, and how many deliveries faults hold back."""
    from simulator.serve.delivery import pending
    from simulator.serve.publish import county_moment
    from simulator.serve.server import answers

    folder = _folder(dir)
    try:
        moment = county_moment(folder)
    except ServeError as error:
        raise _fail(error) from None
    state = load_state(folder)
    found = {
        "moment": moment,
        "serving": answers(folder),
        "pending": pending(folder),
        "faults": bool(state and state.faults),
        "http_port": state.http_port if state else 0,
        "sftp_port": state.sftp_port if state else 0,
        "connections": str(folder.connections) if folder.connections.exists() else None,
    }
    typer.echo(json.dumps(found))


def _seed(folder: CountyFolder) -> int:
    kept = folder.serve / "seed"
    return int(kept.read_text()) if kept.exists() else 0
