"""Gates (闸门): a batch that loses or changes too much waits for a person before it touches the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from contracts.model import Contract, Mode
from expectations.verdict import Verdict

_INCREMENT_JUDGED = 0.1  # share of the rows that stand from which an increment's value mix says something


@dataclass(frozen=True)
class GateHistory:
    """What the warehouse knows from before this batch.

    ``rows``: open ``present`` rows of the main table per partition (sheet name; ``None`` where the
    contract has no partition), empty before the first load. ``mix``: per mix field the number of
    open rows of each value (text; ``None`` for null). ``delivered``: the partitions seen in the
    delivery (the manifest's), an empty sheet too; ``None``: those that rows came from.
    """

    rows: Mapping[str | None, int] = field(default_factory=dict)
    mix: Mapping[str, Mapping[str | None, int]] = field(default_factory=dict)
    delivered: frozenset[str] | None = None


@dataclass(frozen=True)
class GateFinding:
    """Why a batch is held. ``share`` and ``threshold`` lie between 0 and 1; the texts carry no personal value."""

    kind: str  # lost | quarantined | mix | rule
    share: float
    threshold: float
    text: str  # Chinese, one line
    text_en: str
    partition: str | None = None
    column: str | None = None  # mix: the field; rule: the rule's id

    def as_dict(self) -> dict:
        """For ``hub.batch.findings``."""
        return {k: v for k, v in self.__dict__.items() if v is not None}


def judge_gates(contract: Contract, verdict: Verdict, history: GateHistory) -> list[GateFinding]:
    """The gates a batch of a feed's main table fails; empty: it may be loaded.

    Only a snapshot can lose rows (in the other modes absence means nothing). A partition that is
    not in the delivery at all is no loss: an absent school closes nothing. Below ``gate.least``
    rows no share is judged.
    """
    return [
        *_quarantined(contract, verdict),
        *(_lost(contract, verdict, history) if contract.mode is Mode.SNAPSHOT else ()),
        *_mix(contract, verdict, history),
        *(
            GateFinding("rule", 1.0, 0.0, f"整批规则未通过: {rule}", f"a rule about the whole batch is broken: {rule}", column=rule)
            for rule in verdict.failed_batch_rules
        ),
    ]


def _quarantined(contract: Contract, verdict: Verdict) -> list[GateFinding]:
    landed = verdict.accepted.num_rows + verdict.quarantined.num_rows
    if landed < contract.gate.least:
        return []
    share = verdict.quarantined.num_rows / landed
    if share <= contract.gate.quarantined:
        return []
    limit = contract.gate.quarantined
    return [
        GateFinding(
            "quarantined", share, limit,
            f"隔离行占比{share:.1%}, 上限{limit:.1%}({verdict.quarantined.num_rows}/{landed}行)",
            f"{share:.1%} of the rows are quarantined, at most {limit:.1%} may be ({verdict.quarantined.num_rows} of {landed})",
        )
    ]


def _lost(contract: Contract, verdict: Verdict, history: GateHistory) -> list[GateFinding]:
    now = _distinct_keys(verdict, by_partition=contract.partition is not None)
    delivered = now if history.delivered is None else history.delivered
    limit, findings = contract.gate.lost, []
    for partition, before in sorted(history.rows.items(), key=lambda item: item[0] or ""):
        if before < contract.gate.least or (contract.partition is not None and partition not in delivered):
            continue
        share = 1 - now.get(partition, 0) / before
        if share > limit:
            where, where_en = (f"“{partition}”", f" of {partition}") if partition else ("", "")
            findings.append(
                GateFinding(
                    "lost", share, limit,
                    f"{where}比上次全量少{share:.1%}, 上限{limit:.1%}({before}行→{now.get(partition, 0)}行)",
                    f"{share:.1%} of the rows{where_en} are missing against the last full snapshot,"
                    f" at most {limit:.1%} may be ({before} to {now.get(partition, 0)})",
                    partition=partition,
                )
            )
    return findings


def _distinct_keys(verdict: Verdict, *, by_partition: bool) -> dict[str | None, int]:
    """Keys present per partition: a key sent twice is one record, and a key that was quarantined is lost."""
    if not by_partition:
        return {None: pc.count_distinct(verdict.accepted["record_key"]).as_py()}
    grouped = verdict.accepted.select(["_partition", "record_key"]).group_by("_partition")
    counted = grouped.aggregate([("record_key", "count_distinct")])
    return dict(zip(counted["_partition"].to_pylist(), counted["record_key_count_distinct"].to_pylist(), strict=True))


def _mix(contract: Contract, verdict: Verdict, history: GateHistory) -> list[GateFinding]:
    """Total variation distance (half the sum of absolute differences of the shares) per mix field.

    A day's news is no sample of what stands (those who just moved in rent more often), so an increment is
    judged only from a tenth of the rows there are.
    """
    findings, limit = [], contract.gate.mix
    share_judged = 0.0 if contract.mode is Mode.SNAPSHOT else _INCREMENT_JUDGED
    for name in contract.gate.mix_fields:
        before = history.mix.get(name, {})
        rows_before = sum(before.values())
        enough = max(contract.gate.least, share_judged * rows_before)
        if rows_before < contract.gate.least or verdict.accepted.num_rows < enough:
            continue
        counted = pc.value_counts(pc.cast(verdict.accepted[name], pa.string()))
        now = {item["values"]: item["counts"] / verdict.accepted.num_rows for item in counted.to_pylist()}
        share = 0.5 * sum(abs(now.get(v, 0) - before.get(v, 0) / rows_before) for v in {*now, *before})
        if share > limit:
            title = contract.table.field(name).title
            findings.append(
                GateFinding(
                    "mix", share, limit,
                    f"“{title}”的取值分布与以往相差{share:.1%}, 上限{limit:.1%}",
                    f"the value mix of {name} differs from before by {share:.1%}, at most {limit:.1%} may",
                    column=name,
                )
            )
    return findings
