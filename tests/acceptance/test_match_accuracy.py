"""A long list against a town: who is found, that nobody is taken for another, and that it takes seconds."""

from __future__ import annotations

import pytest

from tests.match_lists import match_county_list

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def test_two_thousand_rows_against_twenty_thousand_people(new_site, tmp_path):
    site = new_site(20_000, 417)
    site.hub().ingest_many()
    site.hub().link()
    result, seconds = match_county_list(site, tmp_path, 2000, 7)
    assert result["已匹配", False] <= 2 and result["已匹配", True] >= 1680 and result["未找到", False] <= 15, result
    assert seconds < 30
