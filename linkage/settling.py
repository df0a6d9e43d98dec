"""Settling a stage: edges join entities to larger ones, only where something changed; what stood elsewhere stays as it was.

Stage 0 joins by what records say themselves, stage k by the pairs of round k. ``after_<stage>`` keeps for each mention its entity
``e`` (the entity's smallest mention), by which edge it came there, and whether its typed birth date still counts;
``edge_<stage>`` the edges, ``refused_<stage>`` what the world's rules refused. A component of the graph depends on nothing
outside it, so only components reached by a change are settled again, and the outcome equals settling all.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from linkage.clusters import REASONS, Constraints, cluster
from linkage.patch import is_empty

# A person who decided and number evidence say who somebody is in spite of a birth date typed quite wrong.
_BY_NUMBER = ("decided_same", "masked_id_name", "masked_id_name_near", "id_prefix_name", "id_typo_name")
_EDGE = "l BIGINT, r BIGINT, weight DOUBLE, probability DOUBLE, rule VARCHAR, evidence VARCHAR"

_TABLES = (
    "CREATE TABLE IF NOT EXISTS edge_{s} (" + _EDGE + ")",
    "CREATE TABLE IF NOT EXISTS after_{s} (i BIGINT, e BIGINT, rule VARCHAR, probability DOUBLE, evidence VARCHAR, told BOOLEAN, forgiven BOOLEAN)",
    "CREATE TABLE IF NOT EXISTS refused_{s} (l BIGINT, r BIGINT, kind VARCHAR, probability DOUBLE, evidence VARCHAR)",
)

_DECIDED_SQL = (
    "CREATE TABLE IF NOT EXISTS decided (l BIGINT, r BIGINT, verdict VARCHAR)",
    """CREATE OR REPLACE TEMP TABLE decided_now AS
       SELECT DISTINCT a.i AS l, b.i AS r, d.verdict FROM decision_in d
       JOIN form a ON a.feed = d.feed_l AND a.record_key = d.record_key_l
       JOIN form b ON b.feed = d.feed_r AND b.record_key = d.record_key_r WHERE a.i <> b.i""",
    """CREATE OR REPLACE TEMP TABLE redecided AS
       WITH moved AS ((FROM decided_now EXCEPT FROM decided) UNION ALL (FROM decided EXCEPT FROM decided_now))
       SELECT l AS i FROM moved UNION SELECT r FROM moved""",
    "DELETE FROM decided",
    "INSERT INTO decided FROM decided_now",
)


def update_decisions(con: duckdb.DuckDBPyConnection, decisions: pa.Table) -> int:
    """Bring ``decided`` (l, r, verdict) to ``decisions`` (feed_l, record_key_l, feed_r, record_key_r, verdict); ``redecided`` (i)
    names the mentions a decision was taken or undone about. Returns their number."""
    con.register("decision_in", decisions)
    for sql in _DECIDED_SQL:
        con.execute(sql)
    con.unregister("decision_in")
    return con.execute("SELECT count(*) FROM redecided").fetchall()[0][0]


def settle(con: duckdb.DuckDBPyConnection, stage: int, seeds: str) -> int:
    """Settle on top of the stage before, where edges changed or touch one of ``seeds`` (a query of mentions). ``edge_now`` has every edge
    that has an end in ``reweighed`` (i); the others stand as ``edge_<stage>`` has them. ``relabelled_<stage>`` (i, old, new) names whose
    entity is another one now, ``resettled_<stage>`` (i) those of whom anything else is. Returns how many fewer entities there are.
    """
    for sql in _TABLES:
        con.execute(sql.format(s=stage))
    before = "SELECT i, i AS e FROM form" if stage == 0 else f"SELECT i, e FROM after_{stage - 1}"
    _find_region(con, stage, before, seeds)
    _settle_region(con, stage)
    for sql in _WRITE:
        con.execute(sql.format(s=stage))
    # the smallest mention stands for each entity
    counts = con.execute(f"SELECT (SELECT count(*) FROM ({before}) WHERE i = e) - (SELECT count(*) FROM after_{stage} WHERE i = e)")
    return counts.fetchall()[0][0]


_SAME_EDGE = """n.l = o.l AND n.r = o.r AND n.rule = o.rule AND n.weight = o.weight AND n.probability = o.probability
    AND n.evidence IS NOT DISTINCT FROM o.evidence"""
_EDGES = (
    "CREATE OR REPLACE TEMP TABLE edge_before AS SELECT *, rowid AS row FROM edge_{s} WHERE l IN (FROM reweighed) OR r IN (FROM reweighed)",
    f"CREATE OR REPLACE TEMP TABLE edge_new AS FROM edge_now n ANTI JOIN edge_before o ON {_SAME_EDGE}",
    f"CREATE OR REPLACE TEMP TABLE edge_gone AS FROM edge_before o ANTI JOIN edge_now n ON {_SAME_EDGE}",
    "DELETE FROM edge_{s} WHERE rowid IN (SELECT row FROM edge_gone)",
    "INSERT INTO edge_{s} FROM edge_new",
)
_WRITE = (
    """CREATE OR REPLACE TEMP TABLE relabelled_{s} AS
       SELECT coalesce(n.i, o.i) AS i, o.e AS old, n.e AS new FROM settled_now n
       FULL JOIN (SELECT i, e FROM after_{s} WHERE i IN (FROM region UNION ALL FROM gone)) o ON o.i = n.i
       WHERE o.e IS DISTINCT FROM n.e""",
    "CREATE OR REPLACE TEMP TABLE after_before AS FROM after_{s} WHERE i IN (FROM region)",
    "DELETE FROM after_{s} WHERE i IN (FROM region UNION ALL FROM gone)",
    """CREATE OR REPLACE TEMP TABLE after_here AS
       SELECT n.i, n.e, coalesce(g.rule, b.rule) AS rule, coalesce(g.probability, b.probability) AS probability, CASE WHEN g.n IS NULL THEN b.evidence ELSE g.evidence END AS evidence,
              b.told OR g.n IS NOT NULL AS told, n.forgiven
       FROM settled_now n JOIN start b USING (i) LEFT JOIN edge_here g ON g.n = n.told_by""",
    "INSERT INTO after_{s} FROM after_here",
    "CREATE OR REPLACE TEMP TABLE resettled_{s} AS SELECT i FROM (FROM after_here EXCEPT FROM after_before)",
    "DELETE FROM refused_{s} WHERE l IN (FROM region UNION ALL FROM gone) OR r IN (FROM region UNION ALL FROM gone)",
    """INSERT INTO refused_{s} SELECT g.l, g.r, f.kind, g.probability, g.rule || coalesce(' ' || g.evidence, '')
       FROM refused_now f JOIN edge_here g USING (n)""",
)


def _start(stage: int) -> str:
    """A query of what settling starts from: the stage before, before the first every mention by itself."""
    alone = "SELECT i, i AS e, NULL::VARCHAR AS rule, 1.0::DOUBLE AS probability, NULL::VARCHAR AS evidence, false AS told, false AS forgiven FROM form"
    return alone if stage == 0 else f"FROM after_{stage - 1}"


# Whoever hangs together with the region: in one entity before this stage or after it as that was, or by an edge that came or was
# refused. Any other edge joined, so its ends are in one entity already.
_NEXT_SQL = """
CREATE OR REPLACE TEMP TABLE found AS
WITH met AS (SELECT l, r FROM edge_new UNION ALL SELECT l, r FROM refused_{s}),
near AS (SELECT r AS i FROM met WHERE l IN (FROM frontier) UNION SELECT l FROM met WHERE r IN (FROM frontier) UNION FROM frontier),
every AS (
    FROM near
    UNION SELECT i FROM ({before}) WHERE e IN (SELECT e FROM ({before}) WHERE i IN (FROM near))
    UNION SELECT i FROM after_{s} WHERE e IN (SELECT e FROM after_{s} WHERE i IN (FROM near)))
SELECT i FROM every WHERE i NOT IN (FROM region) AND i NOT IN (FROM gone)
"""


def _find_region(con: duckdb.DuckDBPyConnection, stage: int, before: str, seeds: str) -> None:
    """``region`` (i): the mentions of every component that a change reaches, by the edges as they are and as they were."""
    if is_empty(con, f"after_{stage}"):  # the first run: whom no edge reaches stays as he was
        con.execute(f"DELETE FROM edge_{stage}")
        con.execute(f"INSERT INTO edge_{stage} FROM edge_now")
        con.execute(f"""CREATE OR REPLACE TEMP TABLE region AS SELECT i FROM ({before})
                        WHERE e IN (SELECT e FROM ({before}) WHERE i IN (SELECT l FROM edge_now UNION ALL SELECT r FROM edge_now))""")
        con.execute(f"INSERT INTO after_{stage} {_start(stage)} WHERE i NOT IN (FROM region)")
        return
    for sql in _EDGES:
        con.execute(sql.format(s=stage))
    con.execute("CREATE OR REPLACE TEMP TABLE region (i BIGINT)")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE frontier AS
                    SELECT i FROM ({seeds} UNION SELECT unnest([l, r]) FROM (SELECT l, r FROM edge_new UNION ALL SELECT l, r FROM edge_gone) UNION FROM gone)""")
    while True:
        con.execute(_NEXT_SQL.format(s=stage, before=before))
        if not con.execute("INSERT INTO region FROM found").fetchall()[0][0]:
            return
        con.execute("CREATE OR REPLACE TEMP TABLE frontier AS FROM found")


def _settle_region(con: duckdb.DuckDBPyConnection, stage: int) -> None:
    """From ``region``: ``settled_now`` (i, e, told_by, forgiven), ``start`` (as ``after`` of the stage before), ``edge_here`` and ``refused_now``."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE start AS {_start(stage)} WHERE i IN (FROM region)")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE edge_here AS
                   SELECT row_number() OVER (ORDER BY l, r, rule) - 1 AS n, * FROM edge_{stage} WHERE l IN (FROM region)""")
    rows = con.sql("""SELECT s.i, s.e, s.told, s.forgiven, t.i IS NOT NULL AS settled FROM start s LEFT JOIN trusted t ON t.i = s.i
                      ORDER BY s.i""").fetchnumpy()
    edges = con.sql(f"SELECT l, r, weight, rule IN {_BY_NUMBER} AS by_number FROM edge_here ORDER BY n").fetchnumpy()
    mention, label = np.asarray(rows["i"]), np.asarray(rows["e"])
    settled, told, forgiven = (np.asarray(rows[name], dtype=bool) for name in ("settled", "told", "forgiven"))
    left, right, weight = (np.asarray(edges[name]) for name in ("l", "r", "weight"))
    by_number = np.asarray(edges["by_number"], dtype=bool)
    # The typed birth date of what a number links no longer speaks against it.
    forgiven |= np.isin(label, np.concatenate((left[by_number], right[by_number]))) & ~settled
    compact, inverse = np.unique(label, return_inverse=True)
    constraints = _constraints(con, mention, inverse, forgiven)
    found = cluster(len(compact), np.searchsorted(compact, left), np.searchsorted(compact, right), weight, constraints)
    merged = compact[found.label][inverse] if len(mention) else label
    told_by = _told_by(label, settled, told, left, right, weight, found.refused)
    refused = np.flatnonzero(found.refused > 0)
    con.register("settled_in", pa.table({"i": mention, "e": merged, "told_by": told_by, "forgiven": forgiven}))
    con.register("refused_in", pa.table({"n": refused, "kind": pa.array([REASONS[k] for k in found.refused[refused].tolist()], pa.string())}))
    con.execute("CREATE OR REPLACE TEMP TABLE settled_now AS FROM settled_in")
    con.execute("CREATE OR REPLACE TEMP TABLE refused_now AS FROM refused_in")
    con.unregister("settled_in")
    con.unregister("refused_in")


def _constraints(con: duckdb.DuckDBPyConnection, mention: np.ndarray, node: np.ndarray, forgiven: np.ndarray) -> Constraints:
    """What keeps the region's entities apart; ``node[k]``: the entity (0 … n-1) of ``mention[k]``."""
    pairs = {
        "ids": "SELECT i, (hash(canonical) >> 1)::BIGINT FROM trusted WHERE i IN (FROM region)",
        "instances": """SELECT i, inst FROM form WHERE i IN (FROM region)
                        UNION ALL SELECT i, inst_card FROM form WHERE inst_card IS NOT NULL AND i IN (FROM region)""",
        # Two rows of the register with one valid ID are one person registered twice (双重户口); others are apart.
        "registers": """SELECT f.i, CASE WHEN t.i IS NULL THEN -1 - f.i ELSE (hash(t.canonical) >> 1)::BIGINT END
                        FROM form f LEFT JOIN trusted t ON t.i = f.i WHERE f.feed = 'psb_register' AND NOT f.ended AND f.i IN (FROM region)""",
        "births": """SELECT f.i, coalesce(t.canonical[7:14]::INT, f.birth_no)::BIGINT AS b FROM form f LEFT JOIN trusted t ON t.i = f.i
                     WHERE f.i IN (FROM region) AND b IS NOT NULL""",
        "different": "SELECT l, r FROM decided WHERE verdict = 'different' AND l IN (FROM region) AND r IN (FROM region)",
    }
    read = {}
    for name, sql in pairs.items():
        # in the order of mentions: looking them up is a walk then, not a million jumps
        one, two = (column.to_numpy() for column in con.sql(f"{sql} ORDER BY 1").to_arrow_table().columns)
        place = np.searchsorted(mention, one)
        if name == "births":
            counts = ~forgiven[place]
            place, two = place[counts], two[counts]
        value = node[np.searchsorted(mention, two)] if name == "different" else two.astype(np.int64)
        read[name] = np.column_stack((node[place], value)) if len(place) else np.empty((0, 2), dtype=np.int64)
    return Constraints(**read)


def _told_by(label, settled, told, left, right, weight, refused) -> np.ndarray:
    """By what each mention came to its person: the number of its entity's strongest edge, -1 if there is none.

    ``label``: the entities before joining; ``left``, ``right``: the entities joined.
    """
    if not len(left):
        return np.full(len(label), -1, dtype=np.int64)
    compact, entity = np.unique(label, return_inverse=True)
    used = np.flatnonzero(refused == 0)
    end, edge = np.concatenate((left[used], right[used])), np.concatenate((used, used))
    order = np.lexsort((edge, weight[edge]))  # the strongest written last
    which = np.full(len(compact), -1, dtype=np.int64)
    which[np.searchsorted(compact, end[order])] = edge[order]
    found = which[entity]
    found[settled & told] = -1  # an own valid ID stays the reason
    return found
