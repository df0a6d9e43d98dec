-- stage: person_flag — what the single feeds say, as flags only (never a diagnosis, a class or a number)
CREATE OR REPLACE TABLE person_flag AS
WITH flag AS (
    SELECT f.person_id, 'assistance' AS tag, fa.assistance_kind AS detail FROM fact f JOIN family fa ON fa.card_no = f.group_key
    WHERE f.group_kind = 'assistance' AND fa.state = 'present' AND NOT f.ended
    UNION ALL SELECT f.person_id, 'needs_home_service', NULL FROM fact f JOIN disability d USING (record_key)
    WHERE f.feed = 'civil_disability' AND d.state = 'present'
    UNION ALL SELECT f.person_id, 'old_age_allowance', a.tier FROM fact f JOIN allowance a USING (record_key)
    WHERE f.feed = 'civil_old_age_allowance' AND a.stopped_month IS NULL AND a.state = 'present'
    UNION ALL SELECT f.person_id, 'pupil', NULL FROM fact f JOIN pupil p USING (record_key)
    WHERE f.feed = 'edu_enrolment' AND f.role = 'holder' AND NOT f.ended
    UNION ALL SELECT f.person_id, 'left_behind', NULL FROM fact f JOIN pupil p USING (record_key)
    WHERE f.feed = 'edu_enrolment' AND f.role = 'holder' AND NOT f.ended AND p.left_behind IN ('1', '2')
    UNION ALL SELECT f.person_id, 'shop', e.entity_name FROM fact f JOIN entity e USING (record_key)
    WHERE f.feed = 'market_entity' AND NOT f.ended
    UNION ALL SELECT b.person_id, 'age_80', NULL FROM born b WHERE birth_date <= getvariable('day') - INTERVAL 80 YEAR
    UNION ALL SELECT b.person_id, 'age_65', NULL FROM born b WHERE birth_date <= getvariable('day') - INTERVAL 65 YEAR
    UNION ALL SELECT b.person_id, 'age_60', NULL FROM born b WHERE birth_date <= getvariable('day') - INTERVAL 60 YEAR
    UNION ALL SELECT b.person_id, 'under_14', NULL FROM born b WHERE birth_date > getvariable('day') - INTERVAL 14 YEAR
)
SELECT person_id, list(DISTINCT tag ORDER BY tag) AS tags,
       list(DISTINCT detail ORDER BY detail) FILTER (WHERE tag = 'assistance' AND detail IS NOT NULL) AS assistance,
       list(DISTINCT detail ORDER BY detail) FILTER (WHERE tag = 'shop' AND detail IS NOT NULL) AS enterprises
FROM flag GROUP BY person_id;

-- stage: person_service — services due (only that they are due)
CREATE OR REPLACE TABLE person_service AS
SELECT person_id, list(DISTINCT service ORDER BY service) AS services FROM (
    SELECT f.person_id, 'elderly_examination' AS service FROM fact f JOIN exam e USING (record_key)
    WHERE f.feed = 'health_elderly_exam' GROUP BY f.person_id HAVING max(e.next_due_on) <= getvariable('day')
    UNION ALL SELECT f.person_id, 'vaccination' FROM fact f JOIN vaccination v USING (record_key)
    WHERE f.feed = 'health_child_vaccination' AND f.role = 'child' AND v.up_to_date = false
    UNION ALL SELECT b.person_id, 'turning_80' FROM born b
    WHERE birth_date > getvariable('day') - INTERVAL 80 YEAR AND birth_date <= getvariable('day') - INTERVAL 80 YEAR + INTERVAL 31 DAY
) GROUP BY person_id;

-- stage: home_request — open service requests: the applicant's household, else the first of the dwelling
CREATE OR REPLACE TABLE home_request AS
WITH open AS (
    SELECT r.record_key, max(r.category) AS category, max(r.accepted_at) AS accepted_at, max(m.household_id) AS household_id, max(f.dwelling_id) AS dwelling_id
    FROM fact f JOIN request r USING (record_key) LEFT JOIN member m ON m.person_id = f.person_id AND m.kind = 'residence'
    WHERE f.feed = 'grid_request' AND r.closed_at IS NULL GROUP BY r.record_key
)
SELECT coalesce(o.household_id, h.household_id) AS household_id,
       list(struct_pack(request := o.record_key, category := o.category, accepted := CAST(o.accepted_at AS VARCHAR)) ORDER BY o.record_key) AS requests
FROM open o LEFT JOIN household h ON h.kind = 'residence' AND h.natural_key = o.dwelling_id
WHERE coalesce(o.household_id, h.household_id) IS NOT NULL GROUP BY 1;

-- stage: registered_away — who is registered in a dwelling and does not live there (人户分离), at the first household of it
CREATE OR REPLACE TABLE registered_away AS
WITH book AS (
    SELECT f.person_id, max(f.dwelling_id) AS dwelling_id FROM fact f JOIN register_member r USING (person_id)
    WHERE f.feed = 'psb_register' AND NOT f.ended AND f.group_key = r.row.register_key AND f.dwelling_id IS NOT NULL GROUP BY 1
)
SELECT h.household_id, list(struct_pack(person_id := b.person_id,
           reason := coalesce(a.reason, CASE WHEN l.gone THEN 'said_dead' WHEN r.dwelling_id IS NULL THEN 'home_unknown' ELSE 'lives_elsewhere' END)) ORDER BY b.person_id) AS away
FROM book b JOIN household h ON h.kind = 'residence' AND h.natural_key = b.dwelling_id
JOIN life l ON l.person_id = b.person_id AND NOT l.dead
LEFT JOIN resident r ON r.person_id = b.person_id LEFT JOIN absent a ON a.person_id = b.person_id
WHERE r.dwelling_id IS DISTINCT FROM b.dwelling_id
GROUP BY h.household_id;

-- stage: dwelling — where each residence household is, and who is responsible there
CREATE OR REPLACE TABLE dwelling AS
WITH place AS (
    SELECT dwelling_id, max(building_id) AS building_id, max(unit) AS unit, max(room) AS room
    FROM fact WHERE dwelling_id IS NOT NULL GROUP BY dwelling_id
), tenure AS (
    SELECT f.dwelling_id, max_by(p.tenure, (f.source_time, record_key)) AS tenure FROM fact f JOIN permit p USING (record_key)
    WHERE f.feed = 'psb_permit' AND NOT f.ended AND f.dwelling_id IS NOT NULL GROUP BY 1
)
SELECT p.dwelling_id, u.building_id, c.community_code, c.community, c.compound_id, c.compound, u.building, p.unit, p.room, u.grid_id, u.grid,
       u.full_time_worker, u.building_lead, u.unit_lead, c.liaison_unit, c.liaison_worker,
       coalesce(t.tenure, w.living_status) AS dwelling_use, v.visited_at AS last_visit
FROM place p
LEFT JOIN grid_unit u ON u.building_id = p.building_id AND u.unit = coalesce(p.unit, '0')
LEFT JOIN grid_compound c ON c.compound_id = u.compound_id
LEFT JOIN tenure t ON t.dwelling_id = p.dwelling_id
LEFT JOIN latest_visit v ON v.dwelling_id = p.dwelling_id
LEFT JOIN visit w ON w.event_id = v.event_id;

-- stage: person_profile — the row a person, but for the values' sources, which are written out only where something changed
CREATE OR REPLACE TABLE person_profile AS
SELECT l.person_id, p.name, p.sex, p.birth_date, p.id_number, h.dwelling_id, w.community_code, NOT l.gone AS alive,
       md5(concat_ws('|', getvariable('shape'), h.dwelling_id, w.community_code, l.gone, p.digest)) AS content_hash
FROM life l
LEFT JOIN person_value p USING (person_id)
LEFT JOIN resident h USING (person_id)
LEFT JOIN dwelling w ON w.dwelling_id = h.dwelling_id;

-- stage: card — a member as the profile shows one
CREATE OR REPLACE TABLE card AS
SELECT m.household_id, m.dwelling_id, m.person_id, m.relation = '02' AS head, m.basis, m.confidence AS membership, m.valid_from, v.birth_date, coalesce(r.row.relation, 'zz') AS relation_order,
       r.row.register_key AS register_key, r.row.relation AS relation, v.confidence AS value_confidence, coalesce(v.differing, 0) AS differing,
       coalesce(v.values_known, 0) AS values_known, coalesce(v.values_disputed, 0) AS values_disputed,
       CAST(v.name IS NOT NULL AS INTEGER) + CAST(v.sex IS NOT NULL AS INTEGER) + CAST(v.birth_date IS NOT NULL AS INTEGER) + CAST(v.id_number IS NOT NULL AS INTEGER)
         + CAST(v.phone IS NOT NULL AS INTEGER) AS filled, v.id_number IS NOT NULL AS has_id,
       f.tags, f.assistance, f.enterprises, s.services, coalesce(l.death_sources, 0) AS death_sources,
       md5_number_lower(concat_ws('|', m.person_id, m.relation, m.basis, m.confidence, m.valid_from, r.row.register_key, r.row.relation, v.digest,
                                  CAST(f.tags AS VARCHAR), CAST(s.services AS VARCHAR))) AS digest
FROM member m
LEFT JOIN person_value v ON v.person_id = m.person_id
LEFT JOIN person_flag f ON f.person_id = m.person_id
LEFT JOIN person_service s ON s.person_id = m.person_id
LEFT JOIN register_member r ON r.person_id = m.person_id
LEFT JOIN life l ON l.person_id = m.person_id
WHERE m.kind = 'residence';

-- stage: profile — a residence household but for its document, which is written out only where something changed
CREATE OR REPLACE TABLE profile AS
WITH household_card AS (
    SELECT c.household_id, max(c.dwelling_id) AS dwelling_id, count(*) AS persons, bit_xor(c.digest) AS digest,
           count(*) FILTER (WHERE c.membership < getvariable('doubtful')) AS uncertain,
           list_sort(list_distinct(flatten(list(coalesce(c.tags, CAST([] AS VARCHAR[])))))) AS tags,
           list_sort(list_distinct(flatten(list(coalesce(c.services, CAST([] AS VARCHAR[])))))) AS services,
           list_sort(list_distinct(flatten(list(coalesce(c.assistance, CAST([] AS VARCHAR[])))))) AS assistance,
           list_sort(list_distinct(flatten(list(coalesce(c.enterprises, CAST([] AS VARCHAR[])))))) AS enterprises,
           CAST(sum(c.differing) AS BIGINT) AS differing, round(sum(CAST(round(c.value_confidence * 1000) AS BIGINT)) / (1000 * count(c.value_confidence)), 3) AS confidence,
           round(sum(CAST(round(c.membership * 20) AS BIGINT)) / (20 * count(*)), 2) AS membership,
           round(avg(CAST(c.has_id AS INTEGER)), 2) AS conformity, round(sum(c.filled) / (5 * count(*)), 2) AS completeness,
           round(1 - sum(c.values_disputed) / greatest(sum(c.values_known), 1), 2) AS consistency,
           coalesce(bool_and(c.old) FILTER (WHERE c.settled), bool_and(c.old)) AS all_old, coalesce(nullif(count(*) FILTER (WHERE c.settled), 0), count(*)) = 1 AS alone
    FROM (  -- who is only thought to live here, by his relatives' records, keeps nobody company
        SELECT *, coalesce(birth_date <= getvariable('day') - INTERVAL 60 YEAR, false) AS old, basis <> 'family' OR membership >= getvariable('doubtful') AS settled FROM card
    ) c GROUP BY c.household_id
), whole AS (
    SELECT h.* EXCLUDE (tags, alone), coalesce(q.requests, []) AS requests, coalesce(y.away, []) AS registered_away, coalesce(e.events, []) AS events, d.* EXCLUDE (dwelling_id),
           list_sort(list_concat(h.tags, CASE WHEN h.all_old AND h.alone THEN ['lives_alone_old'] WHEN h.all_old THEN ['only_old'] ELSE CAST([] AS VARCHAR[]) END)) AS tags,
           CASE WHEN d.last_visit IS NULL THEN 0.0 WHEN d.last_visit >= CAST(getvariable('day') AS TIMESTAMPTZ) - INTERVAL 180 DAY THEN 1.0
                WHEN d.last_visit >= CAST(getvariable('day') AS TIMESTAMPTZ) - INTERVAL 365 DAY THEN 0.5 ELSE 0.25 END AS timeliness,
           CASE WHEN d.dwelling_id IS NULL THEN 0.0 WHEN d.full_time_worker IS NULL THEN 0.5 ELSE 1.0 END AS accessibility
    FROM household_card h
    LEFT JOIN dwelling d ON d.dwelling_id = h.dwelling_id
    LEFT JOIN home_request q ON q.household_id = h.household_id
    LEFT JOIN registered_away y ON y.household_id = h.household_id
    LEFT JOIN home_event e ON e.household_id = h.household_id
)
SELECT w.*, md5(getvariable('shape') || CAST(w AS VARCHAR)) AS content_hash FROM whole w;
