"""Every command, setting, connection and make target is documented, and nothing documented is missing."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import typer

from contracts.reader import load_contracts
from gridhub.cli import app
from gridhub.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def _commands(group: typer.core.TyperGroup, prefix: str = "gridhub") -> set[str]:
    found = set()
    for name, command in group.commands.items():
        path = f"{prefix} {name}"
        found |= _commands(command, path) if hasattr(command, "commands") else {path}
    return found


def test_every_command_is_documented_and_every_documented_one_exists():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    groups = {name for name, command in typer.main.get_command(app).commands.items() if hasattr(command, "commands")}
    told = set()
    for words in re.findall(r"`gridhub ([a-z]+(?: [a-z]+)?)", text):
        first, *rest = words.split()
        told.add(f"gridhub {first} {rest[0]}" if first in groups and rest else f"gridhub {first}")
    assert _commands(typer.main.get_command(app)) == told


def test_every_setting_is_documented_and_every_documented_one_is_read():
    read = set(re.findall(r"GRIDHUB_[A-Z_]+", (ROOT / "gridhub" / "settings.py").read_text(encoding="utf-8")))
    for name in ("docker-compose.yml", "dags/config/init.sh", ".env.example"):
        read |= set(re.findall(r"GRIDHUB_[A-Z_]+", (ROOT / name).read_text(encoding="utf-8")))
    told = set(re.findall(r"GRIDHUB_[A-Z_]+", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert read == told
    assert len(fields(Settings)) == 10, "a new setting: document it in docs/settings.md and count it here"


def test_no_other_module_reads_gridhub_variables():
    rooms = (
        "standards",
        "contracts",
        "connectors",
        "expectations",
        "warehouse",
        "places",
        "linkage",
        "profiles",
        "publish",
        "reports",
    )
    reads = re.compile(r"(environ|getenv)[^\n]*GRIDHUB_")
    readers = [
        path.relative_to(ROOT)
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if reads.search(path.read_text(encoding="utf-8"))
    ]
    assert readers == []


def test_every_connection_of_a_contract_is_documented():
    text = (ROOT / "docs" / "connections.md").read_text(encoding="utf-8")
    assert {c.connection for c in load_contracts().values()} <= set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))


def test_every_make_target_is_documented():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)) - {
        "help"
    }
    line = next(
        x
        for x in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
        if x.startswith("`make help`")
    )
    assert targets == set(re.findall(r"`([a-z-]+)`", line)) - {"make help"}
