-- stage: fact — a mention with its person; own: the row is about the person itself, not one named beside it
CREATE TABLE fact AS
SELECT l.person_id, m.*, m.role NOT IN ('mother', 'guardian', 'operator', 'applicant') AS own
FROM mention m JOIN link l USING (feed, record_key);

-- stage: mention — read, and no longer needed
DROP TABLE mention;

-- stage: link — the same
DROP TABLE link;

-- stage: known — the departments that recorded a person themselves: own_subject of every dataset (a bit a department, then words)
CREATE TABLE known AS
WITH bit AS (
    SELECT department, 1 << (row_number() OVER (ORDER BY department) - 1) AS bit FROM (SELECT DISTINCT department FROM feed)
), mark AS (
    SELECT person_id, bit_or(bit) AS mark FROM fact JOIN (SELECT feed, bit FROM feed JOIN bit USING (department)) USING (feed)
    WHERE own OR has_id GROUP BY person_id
), word AS (
    SELECT mark, list(department ORDER BY department) AS own_subject FROM (SELECT DISTINCT mark FROM mark) JOIN bit ON mark & bit <> 0 GROUP BY mark
)
SELECT person_id, own_subject FROM mark JOIN word USING (mark);

-- stage: place — a dwelling by the names people use, and who is responsible there
CREATE TABLE place AS
SELECT d.dwelling_id, c.community_code, c.community, c.compound, u.building, d.unit, d.room, u.grid_id
FROM dwelling d
LEFT JOIN grid_unit u ON u.building_id = d.building_id AND u.unit = coalesce(d.unit, '0')
LEFT JOIN grid_compound c ON c.compound_id = u.compound_id;

-- stage: community — names of all communities, those of the past too
CREATE TABLE community AS SELECT community_code, any_value(name) AS community FROM community_row GROUP BY 1;

-- stage: home — where a person lives now, one place a person: the surest, then the newest (few live in two, so only those are ranked)
CREATE TABLE home AS
WITH lives AS (
    SELECT person_id, household_id, basis, confidence, valid_from FROM member_row WHERE kind = 'residence'
), several AS (
    SELECT person_id FROM lives GROUP BY 1 HAVING count(*) > 1
), one AS (
    SELECT * FROM lives ANTI JOIN several USING (person_id)
    UNION ALL
    SELECT * FROM lives SEMI JOIN several USING (person_id)
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY confidence DESC, valid_from DESC NULLS LAST, household_id) = 1
)
SELECT m.person_id, m.household_id, m.basis, m.confidence, m.valid_from AS since, p.*
FROM one m JOIN person_row w USING (person_id) LEFT JOIN place p ON p.dwelling_id = w.dwelling_id;

-- stage: life — a death as the feeds report it
CREATE TABLE life AS
SELECT person_id, max(death_date) AS died_on, list(DISTINCT title ORDER BY title) AS sources
FROM fact JOIN feed USING (feed) WHERE dead AND own GROUP BY person_id;

-- stage: person — surviving values, sex in words
CREATE TABLE person AS
SELECT p.person_id, p.name, x.zh AS sex, p.birth_date, p.id_number, p.alive, coalesce(k.own_subject, []) AS own_subject
FROM person_row p
LEFT JOIN known k USING (person_id)
LEFT JOIN label x ON x.list = 'sex' AND x.code = p.sex;

-- stage: living — people who live in the county, with their place
CREATE TABLE living AS
SELECT p.*, h.* EXCLUDE (person_id) FROM person p JOIN home h USING (person_id) WHERE p.alive;

-- stage: registered — the household register as it stands, one row a person (the newest; few have two, so only those are ranked)
CREATE TABLE registered AS
WITH entry AS (
    SELECT f.person_id, coalesce(f.source_time, TIMESTAMPTZ '1900-01-01') AS said_at, f.record_key,
           struct_pack(station_code := r.station_code, household_no := r.household_no, register_address := r.register_address,
                       dwelling_id := f.dwelling_id) AS r
    FROM fact f JOIN register r USING (record_key)
    WHERE f.feed = 'psb_register' AND NOT f.ended AND NOT coalesce(r.cancelled, false)
), several AS (
    SELECT person_id FROM entry GROUP BY 1 HAVING count(*) > 1
)
SELECT person_id, r FROM entry ANTI JOIN several USING (person_id)
UNION ALL
SELECT person_id, max_by(r, (said_at, record_key)) FROM entry SEMI JOIN several USING (person_id) GROUP BY person_id;

-- stage: last_seen — the newest visit of a dwelling (empty or only registered: it names nobody), and when people were last met there
CREATE TABLE last_seen AS
WITH met AS (
    SELECT DISTINCT f.dwelling_id, v.record_key, v.occurred_at, v.living_status, true AS people
    FROM fact f JOIN visit v ON v.record_key = f.visit_key
    WHERE f.dwelling_id IS NOT NULL
    UNION ALL
    SELECT s.dwelling_id, v.record_key, v.occurred_at, v.living_status, false
    FROM visit v JOIN spot s USING (address_text) WHERE v.living_status IN ('empty', 'separated') AND s.dwelling_id IS NOT NULL
)
SELECT dwelling_id, CAST(max(occurred_at) AS DATE) AS visited_on, max_by(living_status, (occurred_at, record_key)) AS living_status,
       CAST(max(occurred_at) FILTER (WHERE people) AS DATE) AS people_met_on
FROM met GROUP BY dwelling_id;

-- stage: assisted — people in families whose assistance is paid
CREATE TABLE assisted AS
SELECT m.person_id, h.natural_key AS card_no, any_value(f.assistance_kind) AS assistance_kind, max(f.first_month) AS first_month
FROM member_row m
JOIN household_row h USING (household_id)
LEFT JOIN family f ON f.card_no = h.natural_key
WHERE m.kind = 'assistance' GROUP BY 1, 2;

-- stage: benefit — civil affairs' records of people who get something now
CREATE TABLE benefit AS
SELECT feed, record_key, person_id, department AS owner, community_code FROM fact JOIN feed USING (feed)
WHERE feed IN ('civil_assistance_family', 'civil_assistance_person', 'civil_disability', 'civil_old_age_allowance')
  AND own AND NOT ended;

-- stage: archive — health archives kept as living here
CREATE TABLE archive AS
SELECT feed, record_key, person_id, department AS owner, community_code FROM fact JOIN feed USING (feed)
WHERE feed = 'health_record' AND own AND NOT ended;

-- stage: gone — people the register says left the county, with nothing newer that says they live here
CREATE TABLE gone AS
SELECT f.person_id, max(r.cancelled_on) AS moved_on
FROM fact f JOIN register r USING (record_key)
WHERE f.feed = 'psb_register' AND r.cancelled AND r.cancel_reason = '2'
  AND f.person_id NOT IN (SELECT person_id FROM home) AND f.person_id NOT IN (SELECT person_id FROM registered)
GROUP BY f.person_id;

-- stage: household — a profile's own fields, a row a residence household
CREATE TABLE household AS
SELECT d.household_id, d.version, coalesce(d.d.as_of, d.written_on) AS as_of, d.d.place.community_code AS community_code, d.d.place.community AS community,
       d.d.grid.grid_id AS grid_id, d.d.place.dwelling_id AS dwelling_id, d.d.place.compound AS compound,
       d.d.place.building AS building, d.d.place.unit AS unit, d.d.place.room AS room, u.zh AS dwelling_use,
       d.d.persons AS member_count, d.d.tags AS tags, d.d.services_due AS services_due, d.d.open_requests AS requests,
       CAST(TRY_CAST(d.d.last_visit AS TIMESTAMPTZ) AS DATE) AS last_visit_on, d.d.grid.full_time_worker AS full_time_worker,
       d.d.grid.liaison_worker AS liaison_worker, d.d.grid.liaison_unit AS liaison_unit, d.d.enterprises AS enterprises,
       d.d.conflicts AS conflicts,
       (s.conformity + s.completeness + s.accuracy + s.consistency + s.timeliness + s.accessibility) / 6 AS score
FROM (SELECT *, d.quality.scores AS s FROM document) d
LEFT JOIN label u ON u.list = 'dwelling_use' AND u.code = d.d.dwelling_use;

-- stage: member — a person as the profile shows one
CREATE TABLE member AS
WITH each AS (SELECT household_id, unnest(d.members) AS m FROM document)
SELECT e.household_id, h.dwelling_id, h.community_code, h.community, h.grid_id, h.compound, h.building, h.unit, h.room,
       e.m.person_id AS person_id, e.m.name AS name, e.m.sex AS sex, e.m.birth_date AS birth_date, e.m.id_number AS id_number,
       e.m.phone AS phone, e.m.ethnicity AS ethnicity, e.m.marital_status AS marital_status, e.m.schooling AS schooling,
       e.m.register.relation AS relation, coalesce(e.m.tags, []) AS tags, coalesce(e.m.services_due, []) AS services_due,
       e.m.lives_here.confidence AS confidence, coalesce(e.m.lives_here.uncertain, false) AS uncertain
FROM each e JOIN household h USING (household_id);

-- stage: dispute — values of a member the departments do not agree on
CREATE TABLE dispute AS
SELECT household_id, d.person_id AS person_id, d.attribute AS attribute
FROM (SELECT household_id, unnest(d.conflict_list) AS d FROM document);

-- stage: document — taken apart, and no longer needed
DROP TABLE document;

-- stage: reply_day — the tenth working day after each day (政务数据共享条例 §26)
CREATE TABLE reply_day AS
WITH day AS (
    SELECT CAST(unnest(range(DATE '2026-01-01', DATE '2029-01-01', INTERVAL 1 DAY)) AS DATE) AS day
), numbered AS (
    SELECT day, coalesce(h.kind = 'work', isodow(day) < 6) AS works,
           sum(CAST(coalesce(h.kind = 'work', isodow(day) < 6) AS INTEGER)) OVER (ORDER BY day) AS n
    FROM day LEFT JOIN holiday h USING (day)
)
SELECT a.day AS asked_on, b.day AS due_on FROM numbered a JOIN numbered b ON b.works AND b.n = a.n + 10;
