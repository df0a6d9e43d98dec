"""Two loads of one feed at the same time: one after the other, and a batch once (并发入库)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from warehouse.load import load_batch


def load_at_once(hub, contract, batches: list) -> list:
    """Load (rows, day) batches, a thread each; their counts."""

    def load(batch):
        rows, day = batch
        landed = hub.landed(contract, len(rows), day=day)
        return load_batch(hub.engine, contract, landed, hub.verdicts(contract, landed, rows))

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(load, batches))


def test_the_same_batch_from_two_processes_is_loaded_once(small, small_hub):
    hub = small_hub(small.register)
    rows = [{"key": f"P{i}", "order": 1, "name": "王芳"} for i in range(500)]
    counts = load_at_once(hub, small.register, [(rows, 1)] * 4)
    assert {each.inserted for each in counts} == {500}
    assert hub.rows("SELECT count(*)::int AS n FROM record.small_register") == [{"n": 500}]


def test_batches_of_one_feed_do_not_mix(small, small_hub):
    hub = small_hub(small.register)
    batches = [([{"key": f"P{i}", "order": day, "name": f"{day}"} for i in range(300)], day) for day in range(1, 5)]
    load_at_once(hub, small.register, batches)
    assert set(hub.open("small_register", "name").values()) == {"4"}
    assert hub.rows("SELECT count(*)::int AS n FROM record.small_register WHERE recorded_to IS NULL") == [{"n": 300}]


def test_different_feeds_load_side_by_side(small, small_hub):
    hub = small_hub(small.register, small.visits)
    with hub.engine.begin() as connection:
        from warehouse.bulk import lock

        lock(connection, "load", small.visits.feed)  # a load of another feed is under way
        assert hub.load(small.register, [{"key": "P1"}]).inserted == 1
