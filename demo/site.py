"""One machine's site: embedded database, simulated county and Airflow, started and stopped together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from demo.airflow import COMPONENTS, LocalAirflow
from demo.county import County
from warehouse.embedded import EmbeddedServer

Say = Callable[[str], None]


@dataclass(frozen=True)
class Site:
    """Everything under one ``GRIDHUB_HOME``."""

    home: Path
    county: County

    @cached_property
    def server(self) -> EmbeddedServer:
        return EmbeddedServer(self.home)

    @cached_property
    def airflow(self) -> LocalAirflow:
        """Airflow over its own database beside the warehouse."""
        self.server.start()
        environ = {"GRIDHUB_HOME": str(self.home), **self.county.environment()}
        # SQLAlchemy's default driver is another one than the lock's.
        url = self.server.ensure_database("airflow").replace("postgresql://", "postgresql+psycopg2://", 1)
        return LocalAirflow(self.home / "airflow", url, environ)

    def start(self, say: Say, components: tuple[str, ...] = COMPONENTS, new_day: bool = False) -> None:
        """Start what is not running; with ``new_day`` a county that was reported on lives one more day first.
        Raises what the parts raise."""
        say("• embedded PostgreSQL")
        self.server.start()
        if not self.county.exists():
            say(f"• a county of {self.county.persons:,} persons (synthetic)")
            self.county.make()
        elif new_day and (self.home / "out" / "report").exists():
            say("• the county lives one more day")
            self.county.advance()
        say("• its departments: HTTP, SQL, SFTP, files")
        self.county.serve(self.server.ensure_database("exchange"))
        say("• Airflow")
        self.airflow.start(components)

    def stop(self) -> None:
        """Stop all; nothing is lost."""
        if self.county.exists():
            if self.county.connections.exists():
                self.airflow.stop()
            self.county.stop()
        self.server.stop()

    @contextmanager
    def running(self, components: tuple[str, ...], say: Say) -> Iterator[None]:
        """The site for the length of a block."""
        try:
            self.start(say, components, new_day=True)
            yield
        finally:
            self.stop()
