-- stage: person_value — one row a person: the surviving values, wide, and all of them with their source
CREATE OR REPLACE TABLE person_value AS
SELECT person_id,
       max(value) FILTER (WHERE attribute = 'name') AS name,
       max(value) FILTER (WHERE attribute = 'former_name') AS former_name,
       max(value) FILTER (WHERE attribute = 'sex') AS sex,
       CAST(max(value) FILTER (WHERE attribute = 'birth_date') AS DATE) AS birth_date,
       max(value) FILTER (WHERE attribute = 'id_number') AS id_number,
       max(value) FILTER (WHERE attribute = 'ethnicity') AS ethnicity,
       max(value) FILTER (WHERE attribute = 'phone') AS phone,
       max(value) FILTER (WHERE attribute = 'marital_status') AS marital_status,
       max(value) FILTER (WHERE attribute = 'schooling') AS schooling,
       sum(differing) AS differing, round(avg(confidence), 3) AS confidence,
       map_from_entries(list(struct_pack(k := attribute, v := struct_pack(value, feed, record := record_key, batch := batch_id,
           "time" := CAST(source_time AS VARCHAR), confidence, differing)) ORDER BY attribute)) AS attributes,
       list(struct_pack(attribute, value, feed) ORDER BY attribute) FILTER (WHERE differing > 0) AS conflicts
FROM value GROUP BY person_id;

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

-- stage: home_request — open service requests by dwelling
CREATE OR REPLACE TABLE home_request AS
SELECT f.dwelling_id, list(struct_pack(request := r.record_key, category := r.category, accepted := CAST(r.accepted_at AS VARCHAR)) ORDER BY r.record_key) AS requests
FROM fact f JOIN request r USING (record_key)
WHERE f.feed = 'grid_request' AND r.closed_at IS NULL AND f.dwelling_id IS NOT NULL
GROUP BY f.dwelling_id;

-- stage: dwelling — where each residence household is, and who is responsible there
CREATE OR REPLACE TABLE dwelling AS
WITH place AS (
    SELECT dwelling_id, any_value(building_id) AS building_id, any_value(unit) AS unit, any_value(room) AS room
    FROM fact WHERE dwelling_id IS NOT NULL GROUP BY dwelling_id
), tenure AS (
    SELECT f.dwelling_id, max_by(p.tenure, f.source_time) AS tenure FROM fact f JOIN permit p USING (record_key)
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

-- stage: person_profile — the row a person
CREATE OR REPLACE TABLE person_profile AS
SELECT p.person_id, p.name, p.sex, p.birth_date, p.id_number, h.dwelling_id, w.community_code,
       NOT coalesce(l.dead, false) AS alive, CAST(to_json(p.attributes) AS VARCHAR) AS attributes
FROM (SELECT DISTINCT person_id FROM fact) all_persons
LEFT JOIN person_value p USING (person_id)
LEFT JOIN home h USING (person_id)
LEFT JOIN dwelling w ON w.dwelling_id = h.dwelling_id
LEFT JOIN life l USING (person_id)
WHERE p.person_id IS NOT NULL;

-- stage: card — a member as the profile shows one
CREATE OR REPLACE TABLE card AS
SELECT m.household_id, d.dwelling_id, m.person_id, v.birth_date, coalesce(r.row.relation, 'zz') AS relation_order, v.confidence AS value_confidence,
       coalesce(v.differing, 0) AS differing, f.tags, f.assistance, f.enterprises, s.services, v.conflicts,
       struct_pack(person_id := m.person_id, name := v.name, sex := v.sex, birth_date := CAST(v.birth_date AS VARCHAR), id_number := v.id_number,
                   phone := v.phone, ethnicity := v.ethnicity, marital_status := v.marital_status, schooling := v.schooling,
                   register := struct_pack(household := r.row.register_key, relation := r.row.relation),
                   lives_here := struct_pack(basis := m.basis, confidence := m.confidence, since := CAST(m.valid_from AS VARCHAR)),
                   tags := f.tags, services_due := s.services, sources := v.attributes) AS member
FROM member m
LEFT JOIN dwelling d ON d.dwelling_id = m.dwelling_id
LEFT JOIN person_value v ON v.person_id = m.person_id
LEFT JOIN person_flag f ON f.person_id = m.person_id
LEFT JOIN person_service s ON s.person_id = m.person_id
LEFT JOIN register_member r ON r.person_id = m.person_id
WHERE m.kind = 'residence';

-- stage: profile — the profile document of a residence household
CREATE OR REPLACE TABLE profile AS
WITH household_card AS (
    SELECT c.household_id, any_value(c.dwelling_id) AS dwelling_id, count(*) AS persons,
           list(c.member ORDER BY c.relation_order, c.birth_date, c.person_id) AS members,
           list_sort(list_distinct(flatten(list(coalesce(c.tags, CAST([] AS VARCHAR[])))))) AS tags,
           list_sort(list_distinct(flatten(list(coalesce(c.services, CAST([] AS VARCHAR[])))))) AS services,
           list_sort(list_distinct(flatten(list(coalesce(c.assistance, CAST([] AS VARCHAR[])))))) AS assistance,
           list_sort(list_distinct(flatten(list(coalesce(c.enterprises, CAST([] AS VARCHAR[])))))) AS enterprises,
           sum(c.differing) AS differing, avg(c.value_confidence) AS confidence,
           bool_and(c.birth_date <= getvariable('day') - INTERVAL 60 YEAR) AS all_old
    FROM card c GROUP BY c.household_id
)
SELECT h.household_id, d.community_code, d.grid_id, h.dwelling_id,
       CAST(to_json(struct_pack(
           household_id := h.household_id,
           place := struct_pack(community := d.community, compound := d.compound, building := d.building, unit := d.unit, room := d.room,
                                community_code := d.community_code, compound_id := d.compound_id, building_id := d.building_id, dwelling_id := h.dwelling_id),
           grid := struct_pack(grid_id := d.grid_id, name := d.grid, full_time_worker := d.full_time_worker, liaison_worker := d.liaison_worker,
                               liaison_unit := d.liaison_unit, building_lead := d.building_lead, unit_lead := d.unit_lead),
           dwelling_use := d.dwelling_use, last_visit := CAST(d.last_visit AS VARCHAR), persons := h.persons, members := h.members,
           tags := list_sort(list_concat(h.tags, CASE WHEN h.all_old AND h.persons = 1 THEN ['lives_alone_old'] WHEN h.all_old THEN ['only_old'] ELSE CAST([] AS VARCHAR[]) END)),
           assistance := h.assistance, services_due := h.services, enterprises := h.enterprises,
           open_requests := coalesce(q.requests, []), conflicts := h.differing,
           quality := struct_pack(confidence := round(h.confidence, 3))
       )) AS VARCHAR) AS document
FROM household_card h
LEFT JOIN dwelling d ON d.dwelling_id = h.dwelling_id
LEFT JOIN home_request q ON q.dwelling_id = h.dwelling_id;
