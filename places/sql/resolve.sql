-- stage: number — the directory's buildings with their number as an address writes it
CREATE OR REPLACE TABLE number AS
SELECT building_id, compound_id, coalesce(nullif(ltrim(regexp_replace(upper(number), '(号楼|号|栋|幢|楼|座|院)$', ''), '0'), ''), number) AS number,
       greatest(coalesce(units, 1), 1) AS units, floors, rooms_per_floor, kind = 'detached' AS detached, community_code
FROM buildings JOIN compounds USING (compound_id);

-- stage: compound_size — how many buildings a compound has
CREATE OR REPLACE TABLE compound_size AS
SELECT compound_id, count(*) AS buildings, any_value(building_id) AS sole FROM number GROUP BY compound_id;

-- stage: candidate — the compounds a text can mean: by the name found in it and the community it gives
CREATE OR REPLACE TABLE candidate AS
WITH named AS (
    SELECT t.id, t.name, n.target AS compound_id, n.community_code, c.community_code = n.community_code AS in_community
    FROM part t JOIN gazetteer n ON n.name = t.name AND n.kind = 'compound'
    LEFT JOIN (SELECT DISTINCT folded AS community, community_code FROM community_name) c ON c.community = t.community
)
SELECT id, compound_id, community_code FROM named
-- a community beside the name decides between namesakes; it never overrules a name there is once
QUALIFY coalesce(in_community, false) OR NOT bool_or(coalesce(in_community, false)) OVER (PARTITION BY id);

-- stage: reading — a text's parts as they can be read in one of its compounds, best reading first
CREATE OR REPLACE TABLE reading AS
WITH straight AS (
    SELECT p.id, c.compound_id, n.building_id, p.unit, p.room, p.floor, p.side, p.form, 1 AS rank
    FROM part p JOIN candidate c USING (id) JOIN number n ON n.compound_id = c.compound_id AND n.number = p.building
), floor_as_building AS (   -- 3楼501: floor 3, or building 3 where there is one
    SELECT p.id, c.compound_id, n.building_id, p.unit, p.room, NULL, p.side, p.form, 2
    FROM part p JOIN candidate c USING (id) JOIN number n ON n.compound_id = c.compound_id AND n.number = p.floor
    WHERE p.building IS NULL AND p.form = 'floor_or_building'
), only_building AS (       -- no building named, and the compound has one
    SELECT p.id, c.compound_id, s.sole, p.unit, p.room, p.floor, p.side, p.form, 3
    FROM part p JOIN candidate c USING (id) JOIN compound_size s ON s.compound_id = c.compound_id AND s.buildings = 1
    WHERE p.building IS NULL AND coalesce(p.room, p.floor, p.unit) IS NOT NULL
), unit_first AS (          -- 2-501 in a compound of one building: unit and room
    SELECT p.id, c.compound_id, s.sole, p.building, coalesce(p.room, p.unit), p.floor, p.side, p.form, 4
    FROM part p JOIN candidate c USING (id) JOIN compound_size s ON s.compound_id = c.compound_id AND s.buildings = 1
    JOIN number n ON n.building_id = s.sole
    WHERE p.form IN ('dash2', 'building_room') AND n.number <> p.building AND TRY_CAST(p.building AS INTEGER) <= n.units
)
SELECT * FROM straight UNION ALL SELECT * FROM floor_as_building
UNION ALL SELECT * FROM only_building UNION ALL SELECT * FROM unit_first;

-- stage: chosen — the best reading; two buildings on one rank are ambiguous
CREATE OR REPLACE TABLE chosen AS
SELECT r.id, any_value(r.compound_id) AS compound_id, any_value(r.building_id) AS building_id, count(DISTINCT r.building_id) AS meanings,
       any_value(r.unit) AS unit, any_value(r.room) AS room, any_value(r.floor) AS floor, any_value(r.side) AS side,
       any_value(r.form) AS form, any_value(r.rank) AS rank
FROM reading r JOIN (SELECT id, min(rank) AS rank FROM reading GROUP BY id) best ON best.id = r.id AND best.rank = r.rank
GROUP BY r.id;

-- stage: checked — the unit and the room against what the building has
CREATE OR REPLACE TABLE checked AS
SELECT c.*, n.detached, n.units, n.community_code,
       CASE WHEN c.unit IS NOT NULL THEN c.unit WHEN n.units = 1 THEN '1' END AS unit_read,
       c.unit IS NULL OR coalesce(TRY_CAST(c.unit AS INTEGER) BETWEEN 1 AND n.units, false) AS unit_fits,
       c.room IS NOT NULL AND (n.floors IS NULL OR coalesce(
           TRY_CAST(c.room AS INTEGER) // 100 BETWEEN 1 AND n.floors
           AND (n.rooms_per_floor IS NULL OR TRY_CAST(c.room AS INTEGER) % 100 BETWEEN 1 AND n.rooms_per_floor * n.units), false)) AS room_fits
FROM chosen c JOIN number n USING (building_id) WHERE c.meanings = 1;

-- stage: resolved — one row a text: how far it resolves, how surely, and why not further
CREATE OR REPLACE TABLE resolved AS
WITH compound_only AS (
    SELECT id, count(*) AS meanings, any_value(compound_id) AS compound_id, any_value(community_code) AS community_code FROM candidate GROUP BY id
), town AS (
    SELECT p.id, any_value(c.community_code) AS community_code FROM part p JOIN community_name c ON c.folded = p.community GROUP BY p.id
), told AS (
    SELECT p.id, p.form, p.part_form, p.building, h.building_id, h.detached, h.unit_read, h.unit_fits, h.room_fits, h.room, h.floor, h.side, h.rank,
           p.loose, o.meanings, o.compound_id, coalesce(h.community_code, CASE WHEN o.meanings = 1 THEN o.community_code END, t.community_code) AS community_code,
           h.compound_id AS chosen_compound, x.meanings AS building_meanings
    FROM part p
    LEFT JOIN checked h USING (id) LEFT JOIN compound_only o USING (id) LEFT JOIN town t USING (id) LEFT JOIN chosen x USING (id)
)
SELECT id,
       CASE WHEN building_id IS NOT NULL AND (detached OR (unit_read IS NOT NULL AND unit_fits AND room_fits)) AND form NOT IN ('shop', 'basement') THEN 'room'
            WHEN building_id IS NOT NULL AND unit_read IS NOT NULL AND unit_fits THEN 'unit'
            WHEN building_id IS NOT NULL THEN 'building'
            WHEN meanings = 1 THEN 'compound'
            WHEN community_code IS NOT NULL THEN 'community'
            ELSE 'none' END AS level,
       community_code, coalesce(chosen_compound, CASE WHEN meanings = 1 THEN compound_id END) AS compound_id, building_id,
       CASE WHEN detached THEN NULL WHEN unit_fits THEN unit_read END AS unit,
       CASE WHEN NOT detached AND room_fits AND unit_fits THEN room END AS room,
       CASE WHEN level <> 'room' THEN NULL WHEN detached THEN building_id || '-0-0' ELSE building_id || '-' || unit_read || '-' || room END AS dwelling_id,
       CASE level WHEN 'room' THEN CASE rank WHEN 1 THEN 0.98 WHEN 2 THEN 0.85 WHEN 3 THEN 0.9 ELSE 0.8 END * CASE WHEN loose THEN 0.97 ELSE 1 END
                  WHEN 'unit' THEN 0.7 WHEN 'building' THEN 0.6 WHEN 'compound' THEN 0.4 WHEN 'community' THEN 0.2 ELSE 0 END AS confidence,
       CASE WHEN level = 'room' THEN NULL
            WHEN form = 'shop' THEN 'address.shop' WHEN form = 'basement' THEN 'address.basement'
            WHEN building_id IS NOT NULL AND NOT unit_fits THEN 'address.unknown_unit'
            WHEN building_id IS NOT NULL AND room IS NOT NULL AND unit_read IS NULL THEN 'address.no_unit'
            WHEN building_id IS NOT NULL AND room IS NOT NULL AND NOT room_fits THEN 'address.unknown_room'
            WHEN building_id IS NOT NULL AND (side IS NOT NULL OR floor IS NOT NULL) THEN 'address.floor_side'
            WHEN building_id IS NOT NULL THEN 'address.no_room'
            WHEN building_meanings > 1 OR (meanings > 1 AND building IS NOT NULL) THEN 'address.ambiguous'
            WHEN meanings = 1 AND building IS NOT NULL THEN 'address.unknown_building'
            WHEN meanings >= 1 THEN 'address.no_building'
            WHEN part_form = 'empty' THEN 'address.empty'
            WHEN part_form = 'outside' THEN 'address.outside_county' WHEN part_form = 'village' THEN 'address.village'
            WHEN part_form = 'street' THEN 'address.street' WHEN part_form = 'house' THEN 'address.house'
            WHEN part_form IN ('community', 'unread') THEN 'address.no_compound'
            ELSE 'address.unknown_compound' END AS reason
FROM told;
