"""The day after: only what changed is believed anew, and only that is handed out; a day without news changes nothing."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from tests.match_lists import match_county_list
from tests.publish_world import adds_up

pytestmark = pytest.mark.timeout(600)

# Everything the hub believes or has handed out, with when it came to believe it.
BELIEFS = ("person", "person_link", "household", "household_member", "person_profile", "profile", "ticket", "cross_finding", "extract")


@pytest.fixture(scope="module")
def days(new_site):
    """The site, and the figures of three runs: the first, one a day later, one without a new day."""
    site = new_site(300, 41)
    first = site.run()
    first["versions"] = dict(site.rows("SELECT household_id, max(version) FROM hub.profile GROUP BY 1"))
    site.county.advance()
    second = site.run()
    before = beliefs(site)
    third = site.run()
    return site, first, second, third, before


def beliefs(site) -> dict[str, str]:
    """A digest of every row of these tables, closed ones too."""
    digest = "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM hub.{} t"
    return {table: site.rows(digest.format(table))[0][0] for table in BELIEFS}


def test_the_first_day_reconciles_and_hands_everything_out(days):
    _, first, *_ = days
    ingest, publish = first["ingest"], first["publish"]
    accepted = sum(ingest[kind] for kind in ("inserted", "changed", "unchanged", "superseded"))
    assert ingest["landed"] == accepted + ingest["quarantined"] > 1000
    assert first["assemble"]["profiles"] == first["assemble"]["profiles_changed"] > 50
    assert publish["extracts"] == publish["recipients"] == publish["full"]


def test_only_profiles_that_changed_get_a_new_version(days):
    site, first, second, *_ = days
    assert 0 < second["assemble"]["profiles_changed"] < first["assemble"]["profiles"] / 4
    versions = dict(site.rows("SELECT household_id, max(version) FROM hub.profile WHERE recorded_to IS NULL GROUP BY 1"))
    grown = [household for household, version in versions.items() if version != first["versions"].get(household)]
    assert len(grown) == second["assemble"]["profiles_changed"]
    repeated = site.rows(
        """SELECT household_id FROM (SELECT household_id, content_hash,
                  lag(content_hash) OVER (PARTITION BY household_id ORDER BY version) AS before FROM hub.profile)
           WHERE content_hash = before"""
    )
    assert repeated == []


def test_only_recipients_with_news_get_a_delta(days):
    site, first, second, *_ = days
    extracts = site.rows("SELECT recipient, sequence, kind, rows, file_name FROM hub.extract ORDER BY 1, 2")
    second_day = [(kind, rows, file) for _, sequence, kind, rows, file in extracts if sequence == 2]
    assert len(second_day) == second["publish"]["extracts"]
    assert 0 < len(second_day) < first["publish"]["recipients"]
    assert all(kind == "delta" and rows > 0 for kind, rows, _ in second_day)
    assert second["publish"]["rows_handed"] < first["publish"]["rows_handed"] / 4
    for _, rows, file in second_day:
        manifest = json.loads((site.home / "out" / "extracts" / file).read_text(encoding="utf-8"))
        assert (manifest["sequence"], manifest["previous"]["sequence"]) == (2, 1)
        assert sum(dataset["rows"] for dataset in manifest["datasets"]) == rows


def test_a_run_without_a_new_day_changes_nothing(days):
    site, _, _, third, before = days
    ingest = third["ingest"]
    assert (ingest.get("inserted", 0), ingest.get("changed", 0), ingest.get("vanished", 0)) == (0, 0, 0)
    assert ingest.get("landed", 0) == sum(ingest.get(kind, 0) for kind in ("unchanged", "superseded", "quarantined"))
    assert third["link"]["link_unchanged"] is True
    assert third["assemble"]["profiles_changed"] == 0
    assert third["publish"]["extracts"] == 0, site.rows("SELECT recipient, rows, file_name FROM hub.extract WHERE sequence = 3")
    assert beliefs(site) == before


def test_a_departments_list_finds_its_people_takes_nobody_for_another_and_changes_nothing(days, tmp_path):
    site = days[0]
    before = beliefs(site)
    result, _ = match_county_list(site, tmp_path, 400, 11)
    strangers = result["未找到", True]
    assert result["已匹配", False] == 0 and result["未找到", False] <= 4, result
    assert result["已匹配", True] >= 0.85 * (400 - strangers), result
    assert beliefs(site) == before


def test_what_was_handed_out_day_by_day_is_what_a_publication_from_nothing_hands_out(days, tmp_path):
    """Last: it forgets the ledger."""
    from contracts.agreements import load_agreements
    from publish.extracts import publish
    from publish.ledger import agreement_of

    site, *_ = days
    hub, agreements = site.hub(), load_agreements()
    with hub.engine.begin() as connection:
        connection.execute(text("TRUNCATE hub.extract, hub.extract_row"))
    publish(hub.engine, agreements, tmp_path, hub.settings.today, hub.contracts)
    recipients = sorted(folder.name for folder in tmp_path.iterdir())
    assert len(recipients) > 10
    for recipient in recipients:
        if (agreement := agreement_of(agreements, recipient)).frequency == "daily":
            held = adds_up(site.home / "out" / "extracts", recipient, agreement)
            assert held == adds_up(tmp_path, recipient, agreement), recipient
