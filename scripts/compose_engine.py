"""A container engine for ``make test-compose``: the machine's own where one answers, else one of its own in a folder.

Where no registry can be reached, the two base images are made from Debian's packages under the names that Dockerfile
and compose file use; only ever in an engine of our own, so that no machine's images are taken the place of.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PACKAGES = ("docker.io", "debootstrap")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# How pip and uv find their way out inside a build, where the host says so.
WAYS_OUT = ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
DATABASE_DOCKERFILE = r"""
FROM python:3.11-slim
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql \
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ && mkdir -p /var/lib/postgresql/data \
    && chown postgres: /var/lib/postgresql/data && chmod 700 /var/lib/postgresql/data
COPY enter /usr/local/bin/enter
USER postgres
STOPSIGNAL SIGINT
CMD ["sh", "/usr/local/bin/enter"]
"""
DATABASE_ENTER = """
set -eu
data=/var/lib/postgresql/data
if [ ! -e "$data/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/secret
    initdb -D "$data" -U "$POSTGRES_USER" --pwfile=/tmp/secret -E UTF8 --locale=C -A scram-sha-256 --no-sync >/dev/null
    rm /tmp/secret
    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
    echo "local all all trust" > "$data/pg_hba.new" && cat "$data/pg_hba.conf" >> "$data/pg_hba.new"
    mv "$data/pg_hba.new" "$data/pg_hba.conf"
    pg_ctl -D "$data" -w -o "-c listen_addresses='' -k /tmp" start >/dev/null
    psql -q -h /tmp -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \\"$POSTGRES_DB\\""
    pg_ctl -D "$data" -w -m fast stop >/dev/null
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


class NoEngine(RuntimeError):
    """No container engine can be had here; the text says why."""


class Engine:
    """A container engine, its state in ``folder`` when it is our own. ``say`` is told of every step."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._process: subprocess.Popen | None = None
        self.environ = dict(os.environ) | {"DOCKER_BUILDKIT": "0", "DOCKER_CLI_HINTS": "false"}

    @property
    def own(self) -> bool:
        """Whether the engine was started by us."""
        return self._process is not None

    def start(self) -> None:
        """Find or start an engine. NoEngine when there is none to be had."""
        if shutil.which("docker") and self._answers():
            return self._say("the machine's own engine answers")
        if os.geteuid() != 0:
            raise NoEngine("none answers, and without root none can be started")
        if not shutil.which("dockerd"):
            self._install()
        socket = f"unix://{self._folder}/d.sock"
        command = ["dockerd", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"]
        command += ["--data-root", f"{self._folder}/root", "--exec-root", f"{self._folder}/exec"]
        log = (self._folder / "dockerd.log").open("ab")
        self._process = subprocess.Popen(
            [*command, "-H", socket, "-p", f"{self._folder}/d.pid"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        self.environ["DOCKER_HOST"] = socket
        self.environ.pop("DOCKER_CONTEXT", None)
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoEngine(f"dockerd does not start here: {_last_line(self._folder / 'dockerd.log')}")
            time.sleep(0.3)
        self._say("an engine of our own runs")

    def stop(self) -> None:
        """Stop our own engine, its containers first, and let go of its mounts; another's is left alone."""
        if self._process is None:
            return
        left = self.docker("ps", "-aq", check=False).split()
        if left:
            self.docker("rm", "-f", *left, check=False)
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        mounted = (line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines())
        for place in sorted((m for m in mounted if m.startswith(f"{self._folder}/")), reverse=True):
            subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)

    def docker(self, *arguments: str, check: bool = True, timeout: float = 1800) -> str:
        """One ``docker`` command's output. RuntimeError with its last lines when it fails."""
        done = subprocess.run(
            ["docker", *arguments], env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=timeout,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"docker {arguments[0]} failed:\n" + "\n".join(done.stdout.splitlines()[-25:]))
        return done.stdout

    def has_image(self, name: str) -> bool:
        """Whether the engine holds an image of that name."""
        return bool(self.docker("images", "-q", name).strip())

    def base_images(self) -> None:
        """``python:3.11-slim`` and ``postgres:16``: pulled, else made of Debian's packages."""
        missing = [name for name in ("python:3.11-slim", "postgres:16") if not self.has_image(name) and not self._pull(name)]
        if missing and not self.own:
            raise NoEngine(f"{', '.join(missing)} can't be pulled, and a machine's own engine is not given makeshift ones")
        if "python:3.11-slim" in missing:
            self._say("no registry: python:3.11-slim from Debian's packages")
            self._debian_base()
        if "postgres:16" in missing:
            self._say("no registry: postgres:16 stands for Debian's PostgreSQL")
            place = self._folder / "database"
            place.mkdir(exist_ok=True)
            (place / "Dockerfile").write_text(DATABASE_DOCKERFILE.lstrip(), encoding="utf-8")
            (place / "enter").write_text(DATABASE_ENTER.lstrip(), encoding="utf-8")
            self.build(place, "postgres:16")

    def build(self, context: Path, tag: str) -> None:
        """An image of the folder's Dockerfile, with the host's network: it reaches the package indexes as the host does."""
        self.docker("build", "--network", "host", "-t", tag, str(context), timeout=3600)

    # -- making do -----------------------------------------------------------------------

    def _pull(self, name: str) -> bool:
        try:
            done = subprocess.run(
                ["docker", "pull", "-q", name], env=self.environ, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=300,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def _install(self) -> None:
        if not shutil.which("apt-get"):
            raise NoEngine("no dockerd, and no apt-get to install it with")
        self._say(f"installing {' and '.join(PACKAGES)}")
        environ = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-qq"], env=environ, check=False, **quiet)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        if subprocess.run(command, env=environ, check=False, **quiet).returncode or not shutil.which("dockerd"):
            raise NoEngine("no dockerd, and it can't be installed")

    def _debian_base(self) -> None:
        if not shutil.which("debootstrap"):
            self._install()
        root, archive = self._folder / "rootfs", self._folder / "rootfs.tar"
        include = "ca-certificates,python3,python3-pip,python3-venv"
        with (self._folder / "debootstrap.log").open("wb") as log:
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={include}", "bookworm", str(root)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False,
            )  # fmt: skip
        if done.returncode:
            raise NoEngine(f"no base image: {_last_line(self._folder / 'debootstrap.log')}")
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        (root / "usr/bin/python").symlink_to("python3")
        shutil.copy(CERTIFICATES, root / str(CERTIFICATES).lstrip("/"))  # an inspecting proxy's too
        subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
        shutil.rmtree(root)
        environ = {"PIP_CERT": str(CERTIFICATES), "SSL_CERT_FILE": str(CERTIFICATES)}
        environ |= {name: os.environ[name] for name in WAYS_OUT if os.environ.get(name)}
        changes = [part for name, value in environ.items() for part in ("--change", f"ENV {name}={value}")]
        self.docker("import", *changes, str(archive), "python:3.11-slim")
        archive.unlink()

    def _answers(self) -> bool:
        done = subprocess.run(["docker", "info"], env=self.environ, capture_output=True, check=False, timeout=30)
        return done.returncode == 0


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
