"""``python -m simulator``: the county's command."""

from simulator.cli import app

app(prog_name="python -m simulator")
