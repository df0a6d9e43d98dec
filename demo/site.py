"""One machine's site: embedded database, simulated county and Airflow, started and stopped together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
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

    @property
    def server(self) -> EmbeddedServer:
        """The warehouse's server; Airflow's own database stands beside the warehouse."""
        return EmbeddedServer(self.home)

    @property
    def airflow(self) -> LocalAirflow:
        """Airflow with the county's connections, once the county has been served; starts nothing."""
        environ = {"GRIDHUB_HOME": str(self.home), **self.county.environment()}
        # SQLAlchemy's default driver is another one than the lock's.
        url = self.server.url("airflow").replace("postgresql://", "postgresql+psycopg2://", 1)
        return LocalAirflow(self.home / "airflow", url, environ)

    def start(self, say: Say, components: tuple[str, ...] = COMPONENTS, new_day: bool = False) -> None:
        """Start what is not running; with ``new_day`` a county that was reported on lives one more day first.
        Raises what the parts raise."""
        self.server.start()
        self.server.ensure_database("airflow", durable=False)
        exchange = self.server.ensure_database("exchange")
        say("• embedded PostgreSQL")
        with ThreadPoolExecutor(1) as beside:  # Airflow's tables are made while the county is
            migrated = beside.submit(self.airflow.migrate)
            self._county(say, new_day, exchange)
            migrated.result()
        self.airflow.start(components)
        say("• Airflow")

    def _county(self, say: Say, new_day: bool, exchange: str) -> None:
        if not self.county.exists():
            self.county.make()
            say(f"• a county of {self.county.persons:,} persons (synthetic)")
        elif new_day and (self.home / "out" / "report").exists():
            self.county.advance()
            say("• the county lived one more day")
        self.county.serve(exchange)
        say("• its departments: HTTP, SQL, SFTP, files")

    def stop(self) -> None:
        """Stop all; nothing is lost."""
        LocalAirflow(self.home / "airflow", "", {}).stop()
        self.county.stop()
        self.server.stop()

    @contextmanager
    def running(self, components: tuple[str, ...], say: Say) -> Iterator[None]:
        """The site for the length of a block; what ``make up`` left running goes on running after it."""
        left_running = LocalAirflow(self.home / "airflow", "", {}).running()
        try:
            self.start(say, components, new_day=True)
            yield
        finally:
            if not left_running:
                self.stop()
