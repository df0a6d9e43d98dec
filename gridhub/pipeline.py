"""The story in one screen: ingest every feed, link, assemble, publish, report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Engine

from connectors.connection import Connection, from_environment
from connectors.errors import DeliveryRefused
from connectors.landed import LandedBatch
from connectors.landing import Landing
from connectors.registry import connector_for
from contracts.model import Contract
from contracts.reader import load_contracts
from expectations.verdict import Verdict
from gridhub import scale
from gridhub.ahead import side_by_side
from gridhub.errors import NeedsDecision, UnknownFeed
from gridhub.figures import StageFigures
from gridhub.memory import give_back
from gridhub.settings import Settings
from warehouse import alerts, batches, embedded, engine, load, quarantine, schema


class Hub:
    """The product over one set of settings. ``resolve`` turns a connection id into a connection."""

    def __init__(self, settings: Settings, resolve: Callable[[str], Connection] | None = None) -> None:
        self.settings = settings
        self.resolve = resolve or from_environment()

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The feeds under contract, by name."""
        return load_contracts(*([self.settings.contracts] if self.settings.contracts else []))

    @cached_property
    def engine(self) -> Engine:
        """The warehouse, started if it is the embedded one, its schema as the contracts say."""
        url = self.settings.database_url or embedded.EmbeddedServer(self.settings.home).start()
        made = engine.engine_for(url)
        schema.upgrade(made, self.contracts)
        return made

    @cached_property
    def landing(self) -> Landing:
        """The folder of immutable batches."""
        return Landing(self.settings.landing)

    # -- the stages --------------------------------------------------------------------

    def ingest(self, feed: str) -> StageFigures:
        """Fetch, land, validate and load what is new of a feed, and what an earlier run left landed.

        A refused delivery is kept and reported, and the next one is read. Raises NeedsDecision if a batch is
        held at a gate, connectors.errors.ConnectorError if the source can't be read.
        """
        started, contract, total = time.monotonic(), self._contract(feed), Counter()
        with batches.ingesting(self.engine, feed):
            for landed in batches.not_loaded(self.engine, self.landing.complete(feed)):
                total.update(self.accept(contract, landed))
            connection, connector = self.resolve(contract.connection), connector_for(contract)
            fetched_at = datetime.now(UTC)
            for read in connector.plan(contract, connection, batches.watermark(self.engine, feed)):
                try:
                    landed = self.landing.land(contract, connection, connector, read, fetched_at=fetched_at)
                except DeliveryRefused as refusal:
                    batches.refuse(self.engine, contract, refusal, fetched_at)
                    total["refused"] += 1
                    continue
                if landed is not None:
                    total.update(self.accept(contract, landed))
            batches.note_read(self.engine, feed, fetched_at)
        return StageFigures(f"ingest {feed}", time.monotonic() - started, dict(total))

    def ingest_many(self, feeds: Iterable[str] | None = None) -> StageFigures:
        """Every feed (default: all), two side by side; the first failure is raised after the rest ran."""
        started, total, failure = time.monotonic(), Counter(), None
        for outcome in side_by_side(self.tried, feeds or self.contracts):
            if isinstance(outcome, Exception):
                failure = failure or outcome
            else:
                total.update(outcome.numbers)
        if failure:
            raise failure
        return StageFigures("ingest", time.monotonic() - started, dict(total))

    def tried(self, feed: str) -> StageFigures | Exception:
        """:meth:`ingest`, its failure returned instead of raised: one feed's never holds up another."""
        try:
            return self.ingest(feed)
        except Exception as error:
            return error

    def ingesting(self) -> bool:
        """Whether an ingest of any feed is under way, here or in another process."""
        return batches.any_ingesting(self.engine)

    def link(self, *, anew: bool = False) -> StageFigures:
        """Resolve addresses that are new, then work out who is who; ``anew``: without anything an earlier run left."""
        return _timed("link", lambda: self._linked(last=True, anew=anew))

    def link_ahead(self, *, first: bool) -> list[dict]:
        """As :meth:`link`, but pairs worth sharing out are laid out and not scored: the chunks for :meth:`score_chunk`, then
        to be called again. An empty list: all is linked. ``first``: of a run, so that what an earlier one left is removed."""
        from linkage.chunks import ChunksWaiting

        if first:
            scale.sweep(self.settings)
        try:
            self._linked(last=False)
        except ChunksWaiting as laid_out:
            return [{"round_folder": laid_out.round_folder, "chunk": k} for k in range(laid_out.chunks)]
        return []

    def score_chunk(self, round_folder: str, chunk: int) -> StageFigures:
        """Score one chunk that :meth:`link_ahead` laid out."""
        return _timed("score", lambda: {"pairs_kept": scale.score_chunk(self.settings, round_folder, chunk)})

    def _linked(self, *, last: bool, anew: bool = False) -> dict:
        from linkage.store import link
        from places.store import resolve_addresses

        given = {"threads": self.settings.threads, "memory_mb": self.settings.memory_mb, "contracts": self.contracts, "folder": self.settings.home / "linkage"}
        places: dict[str, float] = {}
        with scale.scorer(self.settings, last=last) as score:
            linked = link(self.engine, **given, score=score, anew=anew, first=lambda: places.update(resolve_addresses(self.engine).counts()))
        return places | linked.counts()

    def assemble(self, *, anew: bool = False) -> StageFigures:
        """Households of three kinds, surviving values, profiles, then what rules across feeds find; only changes are written. ``anew``:
        without anything an earlier assembly left."""
        from profiles.findings import CrossRules, judge_cross_rules
        from profiles.store import assemble

        today, threads = self.settings.today, self.settings.threads
        given = {"threads": threads, "memory_mb": self.settings.memory_mb, "contracts": self.contracts, "known": self.settings.known, "anew": anew}

        def work() -> dict:
            judging = CrossRules(self.engine, today, threads=threads)
            figures = assemble(self.engine, today, **given, beside=judging).counts()
            return figures | judge_cross_rules(self.engine, today, judging=judging).counts()

        return _timed("assemble", work)

    def publish(self) -> StageFigures:
        """Each recipient's extract, as its agreement says."""
        from contracts.agreements import load_agreements
        from publish.extracts import publish

        out, today = self.settings.out / "extracts", self.settings.today
        given = {"contracts": self.contracts, "threads": self.settings.threads}
        return _timed("publish", lambda: publish(self.engine, load_agreements(), out, today, **given).counts())

    def report(self) -> StageFigures:
        """The supervisors' page, ``out/report/index.html``, and beside it what each department got wrong in its own data."""
        from reports.departments import write_department_lists
        from reports.page import write_report

        out = self.settings.out / "report"
        asked = {"language": self.settings.language, "today": self.settings.today}

        def work() -> dict:
            page = write_report(self.engine, self.contracts, out, **asked)
            lists = write_department_lists(self.engine, self.contracts, self.settings.out / "departments")
            return {"page": f"out/report/{page.name}", "department_lists": len(lists)}

        return _timed("report", work)

    def watch(self) -> StageFigures:
        """Raise an alert for each late feed and each sick cluster or drifted comparison of the linkage; clear what passed."""
        from linkage.watch import watch_linkage

        def work() -> dict:
            late, linkage = alerts.watch_freshness(self.engine, self.contracts, datetime.now(UTC)), watch_linkage(self.engine)
            return late | linkage | {name: late[name] + linkage[name] for name in ("raised", "cleared")}

        return _timed("watch", work)

    # -- one batch ---------------------------------------------------------------------

    def verdicts(self, contract: Contract, landed: LandedBatch) -> dict[str, Verdict]:
        """What validation says of each record table of a landed batch."""
        from expectations.verdicts import verdicts_of

        released = quarantine.is_release(self.engine, landed)
        return verdicts_of(contract, landed, today=self.settings.today, released=released)

    def accept(self, contract: Contract, landed: LandedBatch) -> dict[str, int]:
        """Validate and load one landed batch; its counts. Raises NeedsDecision if a gate holds it."""
        from expectations.gates import judge_gates

        verdicts = self.verdicts(contract, landed)
        if not batches.approved(self.engine, landed.batch_id):
            history = batches.gate_history(self.engine, contract, landed)
            if findings := judge_gates(contract, verdicts[contract.table.name], history):
                batches.hold(self.engine, contract, landed, findings)
                kinds = ", ".join(dict.fromkeys(finding.kind for finding in findings))
                raise NeedsDecision(
                    f"{contract.feed}: batch {landed.batch_id} is held at a gate ({kinds}); "
                    f"see: gridhub gate show {landed.batch_id}"
                )
        return load.load_batch(self.engine, contract, landed, verdicts).counts()

    def _contract(self, feed: str) -> Contract:
        if feed not in self.contracts:
            raise UnknownFeed(f"{feed}: no such feed; `gridhub feeds` lists them")
        return self.contracts[feed]


def _timed(stage: str, work: Callable[[], dict]) -> StageFigures:
    started = time.monotonic()
    give_back()
    return StageFigures(stage, numbers=work(), seconds=time.monotonic() - started)
