"""The container files keep step with the code: compose reads its file, the image holds every room, secrets are named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
REQUIRED = ("GRIDHUB_DATABASE_PASSWORD", "GRIDHUB_ADMIN_PASSWORD", "GRIDHUB_SECRET_KEY", "GRIDHUB_JWT_SECRET", "GRIDHUB_FERNET_KEY")


def compose(*arguments: str, **environ: str) -> subprocess.CompletedProcess:
    """The real compose binary of the lock; it needs no engine to check a file."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GRIDHUB_")}
    command = [str(Path(sys.executable).parent / "docker-compose"), "-f", str(COMPOSE), "--env-file", os.devnull, *arguments]
    return subprocess.run(command, env=clean | environ, cwd=ROOT, capture_output=True, text=True, check=False)


def test_compose_accepts_the_file_with_and_without_the_county():
    secrets = {name: "x" for name in REQUIRED}
    for profile in ((), ("--profile", "county")):
        done = compose(*profile, "config", "--services", **secrets)
        assert done.returncode == 0, done.stderr
        services = set(done.stdout.split())
        expected = {"postgres", "init", "api-server", "scheduler", "dag-processor", "triggerer"}
        assert services == (expected | {"county"} if profile else expected)


def test_compose_refuses_to_start_without_a_secret():
    for missing in REQUIRED:
        done = compose("config", "--quiet", **{name: "x" for name in REQUIRED if name != missing})
        assert done.returncode != 0 and missing in done.stderr


def test_every_variable_of_the_compose_file_is_documented():
    names = set(re.findall(r"\$\{(GRIDHUB_[A-Z_]+)", COMPOSE.read_text(encoding="utf-8")))
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert names >= set(REQUIRED)
    assert {name for name in names if name not in settings} == set()
    assert {name for name in REQUIRED if f"{name}=" not in example} == set()


def test_the_image_holds_every_room():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY ") and len(line.split()) == 3}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = {pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert rooms | {"dags"} <= copied
    assert not any(line.startswith("# syntax") for line in lines), "it would make every build ask a registry"


def test_pools_are_the_departments_connections():
    from contracts.reader import load_contracts

    pools = yaml.safe_load((ROOT / "dags" / "config" / "pools.json").read_text(encoding="utf-8"))
    assert set(pools) == {contract.connection for contract in load_contracts().values()}
