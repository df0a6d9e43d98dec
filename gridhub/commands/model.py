"""``gridhub model …``: the trained linkage model (关联模型): train, show, back-test, activate; drift and cluster health."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import log2
from typing import Annotated, Any

import typer

from gridhub.commands.output import JsonFlag, console, hub, moment, show

app = typer.Typer(no_args_is_help=True, help="The trained linkage model (关联模型), and whether it still fits.")
Version = Annotated[str, typer.Argument(help="a version of `gridhub model show`")]


@app.command()
def train(as_json: JsonFlag = False) -> None:
    """Make a candidate from all that is in the warehouse. Links nothing: see backtest and activate."""
    from linkage.artefact import load
    from linkage.training_store import train_candidate

    story = hub()
    limits = {"threads": story.settings.threads, "memory_mb": story.settings.memory_mb}
    artefact = train_candidate(story.engine, at=datetime.now(UTC), **limits)
    figures = artefact.figures
    state = load(story.engine, artefact.version).state
    told = {"version": artefact.version, "state": state, **artefact.trained_on, **artefact.thresholds,
            "unlinkable": figures["unlinkables"]["share"], "blocking_loss": figures["blocking"]["loss"], "found": figures["blocking"]["found"]}
    if as_json:
        show([told], True)
    else:
        _card(told, "trained")


@app.command("show")
def show_model(
    version: Annotated[str | None, typer.Argument(help="a version; without one, all are listed")] = None,
    weights: Annotated[bool, typer.Option("--weights", help="the weight of every level, in bits")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Every version, or how one was trained, what it can't do and what became of it."""
    from linkage.artefact import events, listing, load

    engine = hub().engine
    if version is None:
        rows = [{**row, "trained_at": moment(row["trained_at"]), "trained_on": row["trained_on"]["mentions"]} for row in listing(engine)]
        show(rows, as_json, "trained models", "no model was trained yet; until then the model file's weights link")
        return
    stored = load(engine, version)
    artefact, happened = stored.artefact, events(engine, version)
    if as_json:
        document = {
            "version": version, "state": stored.state, "model_version": artefact.model_version, "trained_at": artefact.trained_at,
            "trained_on": artefact.trained_on, "thresholds": artefact.thresholds, "priors": artefact.priors, "weights": artefact.weights,
            "names": artefact.frequencies.num_rows, "figures": artefact.figures, "events": happened,
        }
        print(json.dumps(document, ensure_ascii=False, default=str))
        return
    if weights:
        _table(_weights(artefact.weights), f"{version}: weights in bits")
        return
    _tell(version, stored.state, artefact, happened)


@app.command()
def backtest(version: Version, as_json: JsonFlag = False) -> None:
    """A version against the decisions of people and against the model that links today. Changes nothing."""
    from linkage.training_store import backtest_version

    story = hub()
    figures = backtest_version(story.engine, version, threads=story.settings.threads, memory_mb=story.settings.memory_mb)
    if as_json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    _tell_backtest(version, figures)


@app.command()
def activate(
    version: Version,
    by: Annotated[str, typer.Option(help="who decides")],
    reason: Annotated[str, typer.Option(help="why; kept")],
    anyway: Annotated[bool, typer.Option("--anyway", help="even if it contradicts more decisions than the one that links today")] = False,
) -> None:
    """Let a version take over from the next `gridhub link` on. Back-tested first; refused if that is worse than today."""
    from linkage.training_store import activate_version

    story = hub()
    limits = {"threads": story.settings.threads, "memory_mb": story.settings.memory_mb}
    figures = activate_version(story.engine, version, by, reason, anyway=anyway, **limits)
    _tell_backtest(version, figures)
    console.print(f"{version} links from the next `gridhub link` on")


@app.command()
def drift(
    everything: Annotated[bool, typer.Option("--all", help="also what stayed as it was")] = False, as_json: JsonFlag = False
) -> None:
    """Whether the county still looks like the one the active model was trained on."""
    from linkage.artefact import load_active
    from linkage.drift import measure
    from linkage.limits import load_limits

    engine = hub().engine
    rows, notice = [each.as_row() for each in measure(engine)], load_limits()["psi_notice"].value
    if not (everything or as_json):
        rows = [r for r in rows if r["alarm"] or (r["kind"] in ("missing", "new_feed")) or (r["value"] or 0) >= notice]
    empty = "no drift" if load_active(engine) else "no model is active yet, there is nothing to compare with"
    show(rows, as_json, "drift against the training", empty)


@app.command()
def health(as_json: JsonFlag = False) -> None:
    """Whether persons look like persons: two numbers, two birth dates, bridges, weak and very large ones."""
    from linkage.health import examine
    from linkage.watch import CHECKS

    found = examine(hub().engine)
    if as_json:
        print(json.dumps(found.as_figures(), ensure_ascii=False))
        return
    console.print(f"{found.persons:,} persons of {found.records:,} records, the largest of {found.largest}; "
                  f"{found.twice_registered} registered twice under one number (双重户口)")
    _table([found.sizes], "persons by number of records")
    rows = [{"check": CHECKS[c.name][1], "persons": c.persons, "allowed": c.allowed, "alarm": c.alarm, "look at": " ".join(c.examples[:5])}
            for c in found.checks]
    _table(rows, "checks")


def _tell(version: str, state: str, artefact: Any, happened: list[dict[str, Any]]) -> None:
    figures = artefact.figures
    _card({"version": version, "state": state, "model file": artefact.model_version, "trained at": moment(artefact.trained_at),
           **artefact.trained_on, **artefact.thresholds}, "trained model")
    sessions = [{"session": name, **session} for name, session in figures.get("sessions", {}).items()]
    _table(sessions, "EM sessions", "weights as the model file has them: too few records to train")
    if "blocking" in figures:
        _tell_probes(figures)
    else:
        console.print("\na run trained it by the way; `gridhub model train` also asks what it can't do")
    _table([{"at": moment(e["recorded_from"]), "what": e["kind"], "by": e["decided_by"], "why": e["reason"]} for e in happened], "events")


def _tell_probes(figures: Mapping[str, Any]) -> None:
    blocking, unlinkables = figures["blocking"], figures["unlinkables"]
    _table(unlinkables["by_feed"], f"records without a usable ID; {_percent(unlinkables['share'])} could not even link to themselves", "none")
    _table([{k: row[k] for k in ("feed", "hidden", "unblocked", "linked", "wrong", "review")} for row in blocking["by_feed"]],
           f"hidden IDs: blocking loss {_percent(blocking['loss'])}, found again {_percent(blocking['found'])}", "no ID could be hidden")
    calibration = figures["calibration"]
    said = "fitted" if calibration["fitted"] else "too few to fit a curve, the model's own word stands"
    _table(_bins(figures["reliability"]), f"reliability of weights alone, {calibration['pairs']:,} labelled pairs ({said})", "no labelled pair")


def _tell_backtest(version: str, figures: Mapping[str, Any]) -> None:
    rows = [{"model": version, "contradicts": len(figures["contradicted"]), "persons": figures["persons"], "Brier": figures["brier"]},
            {"model": figures["against"], "contradicts": len(figures["active_contradicted"]), "persons": figures["active_persons"],
             "Brier": figures["active_brier"]}]
    few = "; too few to tell two models apart" if figures["few_decisions"] else ""
    _table(rows, f"against {figures['decisions']:,} decisions{few}")
    new = " ".join(f"D{number}" for number in figures["newly_contradicted"])
    console.print(f"pairs of records: {figures['pairs']:,} today, {figures['joined_pairs']:,} joined, {figures['parted_pairs']:,} parted; "
                  f"{figures['records_moved']:,} records would move" + (f"; newly contradicted: {new}" if new else ""))
    _table(_bins(figures["reliability"]), f"said and decided, {figures['weighed']:,} pairs it had to weigh", "no decided pair had to be weighed")


def _weights(weights: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[dict[str, Any]]:
    rows = [{"comparison": comparison, "level": level, "m": p["m"], "u": p["u"], "bits": round(log2(p["m"] / p["u"]), 2)}
            for comparison, levels in weights.items() for level, p in levels.items()]
    return sorted(rows, key=lambda row: (row["comparison"], -row["bits"]))


def _bins(reliability: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: row[k] for k in ("low", "high", "pairs", "said", "true", "few")} for row in reliability]


def _table(rows: list[dict[str, Any]], heading: str, empty: str = "nothing") -> None:
    """A table under a heading of its own line: as the table's title it would be broken to the width of few columns."""
    console.print(f"\n{heading}", highlight=False)
    show(rows, False, "", empty)


def _card(values: Mapping[str, Any], title: str) -> None:
    """One thing's values one below the other: a row of them would not fit a screen."""
    _table([{"what": name, "is": f"{value:,}" if isinstance(value, int | float) else value} for name, value in values.items()], title)


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.2f} %"
