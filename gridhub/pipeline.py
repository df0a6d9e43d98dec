"""The story in one screen: ingest every feed, link, assemble, publish, report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from connectors.connection import Connection, from_environment
from connectors.landing import LandedBatch, Landing
from connectors.registry import connector_for
from contracts.reader import load_contracts
from sqlalchemy import Engine

from contracts.model import Contract
from gridhub.errors import NeedsDecision, UnknownFeed
from gridhub.figures import StageFigures
from gridhub.settings import Settings
from warehouse import alerts, batches, embedded, engine, load, schema


class Hub:
    """The product over one set of settings. ``resolve`` turns a connection id into a connection."""

    def __init__(self, settings: Settings, resolve: Callable[[str], Connection] | None = None) -> None:
        self.settings = settings
        self.resolve = resolve or from_environment()

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        extra = [self.settings.contracts] if self.settings.contracts else []
        return load_contracts(*extra)

    @cached_property
    def engine(self) -> Engine:
        """The warehouse, started if it is the embedded one, its schema as the contracts say."""
        url = self.settings.database_url or embedded.EmbeddedServer(self.settings.home).start()
        made = engine.engine_for(url)
        schema.upgrade(made, self.contracts)
        return made

    @cached_property
    def landing(self) -> Landing:
        return Landing(self.settings.landing)

    # -- the stages --------------------------------------------------------------------

    def ingest(self, feed: str) -> StageFigures:
        """Fetch, land, validate and load what is new of a feed. NeedsDecision if a batch is held;
        connectors.errors.ConnectorError if the source can't be read."""
        started, contract = time.monotonic(), self._contract(feed)
        total: Counter = Counter()
        with batches.ingesting(self.engine, feed):
            for landed in batches.not_loaded(self.engine, self.landing.complete(feed)):
                total.update(self._accept(contract, landed))
            connection, connector = self.resolve(contract.connection), connector_for(contract)
            fetched_at = datetime.now(UTC)
            for read in connector.plan(contract, connection, batches.watermark(self.engine, feed)):
                landed = self.landing.land(contract, connection, connector, read, fetched_at=fetched_at)
                if landed is not None:
                    total.update(self._accept(contract, landed))
        return StageFigures(f"ingest {feed}", time.monotonic() - started, dict(total))

    def ingest_many(self, feeds: Iterable[str] | None = None) -> StageFigures:
        """Every feed (default: all), one after the other; the first failure is raised after the rest ran."""
        started, total, failure = time.monotonic(), Counter(), None
        for feed in feeds or self.contracts:
            try:
                total.update({k: v for k, v in self.ingest(feed).numbers.items()})
            except Exception as error:
                failure = failure or error
        if failure:
            raise failure
        return StageFigures("ingest", time.monotonic() - started, dict(total))

    def ingesting(self) -> bool:
        """Whether an ingest of any feed is under way, here or in another process."""
        return batches.any_ingesting(self.engine)

    def link(self) -> StageFigures:
        """Resolve addresses that are new, then work out who is who."""
        from linkage import store as linkage
        from places import store as places

        return _timed(
            "link", lambda: {**places.resolve_addresses(self.engine).counts(), **linkage.link(self.engine).counts()}
        )

    def assemble(self) -> StageFigures:
        """Households of three kinds, surviving values, profiles; only what changed gets a new version."""
        from profiles import store as profiles

        return _timed("assemble", lambda: profiles.assemble(self.engine, self.settings.today).counts())

    def publish(self) -> StageFigures:
        """Each recipient's extract, as its agreement says."""
        from contracts.agreements import load_agreements
        from publish.extracts import publish

        out = self.settings.out / "extracts"
        return _timed("publish", lambda: publish(self.engine, load_agreements(), out, self.settings.today).counts())

    def report(self) -> StageFigures:
        """The supervisors' page."""
        from reports.page import write_report

        return _timed(
            "report",
            lambda: {
                "page": str(
                    self._relative(
                        write_report(self.engine, self.contracts, self.settings.out / "report", self.settings.language)
                    )
                )
            },
        )

    def watch(self) -> StageFigures:
        """Raise an alert for each late feed, clear those that came."""
        return _timed("watch", lambda: alerts.watch_freshness(self.engine, self.contracts, datetime.now(UTC)))

    def run(self) -> list[StageFigures]:
        """The whole story in process."""
        return [self.ingest_many(), self.link(), self.assemble(), self.publish(), self.report()]

    # -- one batch ---------------------------------------------------------------------

    def verdicts(self, contract: Contract, landed: LandedBatch) -> dict:
        """What validation says of each record table of a landed batch."""
        from expectations.verdicts import verdicts_of

        return verdicts_of(contract, landed, today=self.settings.today)

    def _accept(self, contract: Contract, landed: LandedBatch) -> dict:
        from expectations.gates import judge_gates

        verdicts = self.verdicts(contract, landed)
        if not batches.approved(self.engine, landed.batch_id):
            findings = judge_gates(
                contract, verdicts[contract.table.name], batches.gate_history(self.engine, contract, landed)
            )
            if findings:
                batches.hold(self.engine, contract, landed, findings)
                raise NeedsDecision(
                    f"{contract.feed}: batch {landed.batch_id} is held at a gate "
                    f"({', '.join(f.kind for f in findings)}); see: gridhub gate show {landed.batch_id}"
                )
        return load.load_batch(self.engine, contract, landed, verdicts).counts()

    def _contract(self, feed: str) -> Contract:
        try:
            return self.contracts[feed]
        except KeyError:
            raise UnknownFeed(f"{feed}: no such feed; `gridhub feeds` lists them") from None

    def _relative(self, path: Path) -> Path:
        return path.relative_to(self.settings.home) if path.is_relative_to(self.settings.home) else path


def _timed(stage: str, work: Callable[[], dict]) -> StageFigures:
    started = time.monotonic()
    numbers = work()
    return StageFigures(stage, time.monotonic() - started, numbers)
