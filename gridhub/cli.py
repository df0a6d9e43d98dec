"""The ``gridhub`` command: a thin way in; every command is one or two calls of the pipeline or a room."""

from __future__ import annotations

import sys

import typer

from gridhub.commands import batches, export, extracts, match, model, profile, quarantine, review, stages, state

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="One checked profile per household (一户一档) from what a county's departments know.",
)
stages.register(app)
state.register(app)
batches.register(app)
extracts.register(app)
match.register(app)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(profile.app, name="profile")
app.add_typer(model.app, name="model")
app.add_typer(review.app, name="review")
app.add_typer(export.app, name="export")


def main() -> None:
    """The console script: errors a reader can act on are one line, exit code 1."""
    from gridhub.commands.output import known_errors
    from gridhub.memory import collect_rarely

    collect_rarely()
    try:
        app()
    except known_errors() as error:
        print(f"gridhub: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
