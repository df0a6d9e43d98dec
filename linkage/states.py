"""The state of a linkage run: which entity a mention stands in, why, and what was refused on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from linkage.clusters import REASONS, Constraints, cluster

# A person who decided and number evidence say who somebody is in spite of a birth date typed quite wrong.
_BY_NUMBER = ("decided_same", "masked_id_name", "masked_id_name_near", "id_prefix_name", "id_typo_name")


@dataclass
class Linking:
    """Mentions are 0 … n-1 (by feed and record key); ``label[i]`` is the smallest mention of i's entity."""

    label: np.ndarray
    constraints: Constraints
    rule: np.ndarray  # object: the pass that linked the mention, None = nothing yet
    probability: np.ndarray
    evidence: np.ndarray
    settled: np.ndarray  # bool: the mention's own valid ID
    conflicts: list[pa.Table] = field(default_factory=list)  # l, r (mentions), kind, probability, evidence

    @classmethod
    def start(cls, con: duckdb.DuckDBPyConnection, decisions: pa.Table) -> Linking:
        """From ``form`` and ``trusted``; registers ``decided`` (l, r, verdict)."""
        con.register("decision_in", decisions)
        con.execute(
            """CREATE OR REPLACE TEMP TABLE decided AS
               SELECT DISTINCT a.i AS l, b.i AS r, d.verdict FROM decision_in d
               JOIN form a ON a.feed = d.feed_l AND a.record_key = d.record_key_l
               JOIN form b ON b.feed = d.feed_r AND b.record_key = d.record_key_r WHERE a.i <> b.i ORDER BY ALL"""
        )
        con.unregister("decision_in")
        pairs = {
            "ids": "SELECT i, dense_rank() OVER (ORDER BY canonical) FROM trusted",
            "instances": "SELECT i, inst FROM form UNION ALL SELECT i, inst_card FROM form WHERE inst_card IS NOT NULL",
            # Two rows of the register with one valid ID are one person registered twice (双重户口); others are apart.
            "registers": """SELECT f.i, coalesce(n.code, -1 - f.i) FROM form f LEFT JOIN (
                                SELECT i, dense_rank() OVER (ORDER BY canonical) AS code FROM trusted) n USING (i)
                            WHERE f.feed = 'psb_register' AND NOT f.ended""",
            "births": """SELECT i, coalesce(t.canonical[7:14]::INT, f.birth_no) AS b
                         FROM form f LEFT JOIN trusted t USING (i) WHERE b IS NOT NULL""",
            "different": "SELECT l, r FROM decided WHERE verdict = 'different'",
        }
        read = {name: _pairs(con, sql) for name, sql in pairs.items()}
        count = con.execute("SELECT count(*) FROM form").fetchall()[0][0]
        settled = np.zeros(count, dtype=bool)
        settled[read["ids"][:, 0]] = True
        return cls(np.arange(count), Constraints(**read), np.full(count, None, dtype=object), np.ones(count),
                   np.full(count, None, dtype=object), settled)

    def join(self, left: np.ndarray, right: np.ndarray, weight: np.ndarray, probability: np.ndarray,
             rules: pa.ChunkedArray, evidence: pa.ChunkedArray | None) -> int:
        """Join entities (named by their smallest mention) along the edges; returns how many fewer entities there are."""
        rule = np.asarray(rules.to_pylist(), dtype=object)
        proof = np.asarray(evidence.to_pylist(), dtype=object) if evidence is not None else np.full(len(rule), None, dtype=object)
        self._forgive_births(left, right, rule)
        before = len(np.unique(self.label))
        compact, inverse = np.unique(self.label, return_inverse=True)
        found = cluster(len(compact), np.searchsorted(compact, self.label[left]), np.searchsorted(compact, self.label[right]),
                        weight, self._over(inverse))
        merged = compact[found.label][inverse]
        self._explain(left, right, weight, probability, rule, proof, found.refused)
        self._keep_refused(left, right, probability, rule, proof, found.refused)
        self.label = merged
        return before - len(np.unique(merged))

    def review(self, edges: pa.Table) -> None:
        """Pairs for a person to look at (l, r entities by their smallest mention)."""
        self._review = edges

    def _over(self, inverse: np.ndarray) -> Constraints:
        def lifted(pairs: np.ndarray) -> np.ndarray:
            return np.column_stack((inverse[pairs[:, 0]], pairs[:, 1])) if len(pairs) else pairs

        apart = self.constraints.different
        return Constraints(
            ids=lifted(self.constraints.ids), instances=lifted(self.constraints.instances), registers=lifted(self.constraints.registers),
            births=lifted(self.constraints.births),
            different=np.column_stack((inverse[apart[:, 0]], inverse[apart[:, 1]])) if len(apart) else apart)

    def _forgive_births(self, left: np.ndarray, right: np.ndarray, rule: np.ndarray) -> None:
        """The typed birth date of what a number links no longer speaks against it."""
        by_number = np.isin(rule.astype(str), _BY_NUMBER)
        ends = np.unique(np.concatenate((left[by_number], right[by_number])))
        forgiven = np.isin(self.label, ends) & ~self.settled
        births = self.constraints.births
        self.constraints = Constraints(**{**self.constraints.__dict__, "births": births[~forgiven[births[:, 0]]]})

    def _explain(self, left, right, weight, probability, rule, proof, refused) -> None:
        """Each mention says by what it came to the person: the strongest edge of the side that holds no valid ID."""
        used = np.flatnonzero(refused == 0)
        used = used[np.argsort(weight[used], kind="stable")]  # the strongest written last
        has_id = np.zeros(len(self.label), dtype=bool)
        np.logical_or.at(has_id, self.label, self.settled)
        which = np.full(len(self.label), -1, dtype=np.int64)  # by entity
        for mine, other in ((left, right), (right, left)):
            one, two = self.label[mine[used]], self.label[other[used]]
            moves = (~has_id[one]) | (has_id[two] & (one > two)) | (one == mine[used])
            which[one[moves]] = used[moves]
        edge = which[self.label]
        told = edge >= 0
        told &= ~(self.settled & (self.rule != None))  # noqa: E711  an own valid ID stays the reason
        self.rule[told], self.probability[told], self.evidence[told] = rule[edge[told]], probability[edge[told]], proof[edge[told]]

    def _keep_refused(self, left, right, probability, rule, proof, refused) -> None:
        against = np.flatnonzero(refused > 0)
        if len(against):
            self.conflicts.append(pa.table({
                "l": pa.array(left[against].astype(np.int32)), "r": pa.array(right[against].astype(np.int32)),
                "kind": pa.array([REASONS[k] for k in refused[against].tolist()], pa.string()),
                "probability": pa.array(probability[against].astype(np.float64)),
                "evidence": pa.array([f"{a} {b}" if b else a for a, b in zip(rule[against], proof[against], strict=True)], pa.string()),
            }))

    def all_conflicts(self) -> pa.Table:
        """l, r, kind, probability, evidence of what was refused, and of the last round's pairs for review."""
        review = getattr(self, "_review", None)
        tables = list(self.conflicts)
        if review is not None and review.num_rows:
            tables.append(pa.table({"l": review["l"], "r": review["r"], "kind": pa.array(["review"] * review.num_rows, pa.string()),
                                    "probability": review["probability"].cast(pa.float64()), "evidence": review["evidence"].cast(pa.string())}))
        schema = pa.schema([("l", pa.int32()), ("r", pa.int32()), ("kind", pa.string()), ("probability", pa.float64()), ("evidence", pa.string())])
        return pa.concat_tables([t.cast(schema) for t in tables]) if tables else schema.empty_table()


def _pairs(con: duckdb.DuckDBPyConnection, sql: str) -> np.ndarray:
    rows = con.sql(sql).to_arrow_table()
    if not rows.num_rows:
        return np.empty((0, 2), dtype=np.int64)
    return np.column_stack([column.to_numpy().astype(np.int64) for column in rows.columns])
