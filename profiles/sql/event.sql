-- stage: change — what became of residence households since they were last believed: against old_household and old_member
CREATE OR REPLACE TEMP TABLE change AS
WITH was AS (
    SELECT m.household_id, m.person_id, m.relation FROM old_member m JOIN old_household h USING (household_id) WHERE h.kind = 'residence'
), now AS (
    SELECT household_id, person_id, relation, least(valid_from, CAST(getvariable('day') AS DATE)) AS since FROM member WHERE kind = 'residence'
), before AS (
    SELECT household_id, natural_key FROM old_household WHERE kind = 'residence'
), after AS (
    SELECT household_id, natural_key FROM household WHERE kind = 'residence'
), flow AS (
    SELECT person_id, w.household_id AS went_from, n.household_id AS came_to, coalesce(n.since, CAST(getvariable('day') AS DATE)) AS happened_on
    FROM was w FULL JOIN now n USING (person_id) WHERE w.household_id IS DISTINCT FROM n.household_id
), arrived AS (  -- when a household's people came to where it is now
    SELECT household_id, coalesce(min(since), CAST(getvariable('day') AS DATE)) AS happened_on FROM now GROUP BY household_id
), whole AS (
    SELECT a.household_id, 'moved' AS kind, r.happened_on, CAST(NULL AS VARCHAR) AS person_id, CAST(NULL AS VARCHAR) AS other_household_id
    FROM after a JOIN before b USING (household_id) JOIN arrived r USING (household_id)
    WHERE split_part(a.natural_key, '#', 1) <> split_part(b.natural_key, '#', 1) AND NOT starts_with(a.natural_key, '@') AND NOT starts_with(b.natural_key, '@')
    UNION ALL
    SELECT a.household_id, 'founded', r.happened_on, NULL, (SELECT mode(went_from ORDER BY went_from) FROM flow f WHERE f.came_to = a.household_id)
    FROM after a ANTI JOIN before b USING (household_id) JOIN arrived r USING (household_id)
    UNION ALL  -- the rest of it stays
    SELECT DISTINCT f.went_from, 'split', r.happened_on, NULL, f.came_to
    FROM flow f SEMI JOIN after a ON a.household_id = f.went_from JOIN arrived r ON r.household_id = f.came_to
    WHERE f.came_to NOT IN (SELECT household_id FROM before)
    UNION ALL  -- nothing of it stays
    SELECT f.came_to, 'merged', min(f.happened_on), NULL, f.went_from
    FROM flow f SEMI JOIN before b ON b.household_id = f.came_to
    WHERE f.went_from NOT IN (SELECT household_id FROM after) GROUP BY f.came_to, f.went_from
    UNION ALL
    SELECT b.household_id, 'dissolved', CAST(getvariable('day') AS DATE), NULL, (SELECT mode(came_to ORDER BY came_to) FROM flow f WHERE f.went_from = b.household_id)
    FROM before b ANTI JOIN after a USING (household_id)
    UNION ALL
    SELECT n.household_id, 'new_head', coalesce(l.death_date, CAST(getvariable('day') AS DATE)), n.person_id, NULL
    FROM now n JOIN was w ON w.household_id = n.household_id AND w.relation = '02' LEFT JOIN life l ON l.person_id = w.person_id
    WHERE n.relation = '02' AND n.person_id <> w.person_id
), single AS (
    SELECT f.came_to AS household_id, 'joined' AS kind, f.happened_on, f.person_id, f.went_from AS other_household_id
    FROM flow f SEMI JOIN before b ON b.household_id = f.came_to LEFT JOIN born n ON n.person_id = f.person_id
    -- a child of this year was born into it
    WHERE f.went_from IS NOT NULL OR n.birth_date IS NULL OR n.birth_date <= getvariable('day') - INTERVAL 365 DAY
    UNION ALL  -- who has died, by whosever word, did not move; of whom no record is left was another person after all
    SELECT f.went_from, CASE WHEN l.person_id IS NULL THEN 'removed' ELSE 'moved_out' END, f.happened_on, f.person_id, f.came_to
    FROM flow f SEMI JOIN after a ON a.household_id = f.went_from LEFT JOIN life l ON l.person_id = f.person_id
    WHERE NOT coalesce(l.gone, false)
)
SELECT c.household_id, c.kind, CASE WHEN o.kind IS NULL THEN c.happened_on ELSE CAST(getvariable('day') AS DATE) END AS happened_on,
       c.person_id, c.other_household_id, false AS review
FROM (SELECT *, coalesce(person_id, concat_ws('|', household_id, other_household_id)) AS subject FROM (FROM whole UNION ALL BY NAME FROM single)) c
LEFT JOIN (  -- who comes back to where his first record is of an earlier coming came back today: that coming has been told
    SELECT DISTINCT kind, happened_on, coalesce(person_id, concat_ws('|', household_id, other_household_id)) AS subject FROM old_happening
    WHERE happened_on > getvariable('day') - INTERVAL 365 DAY
) o ON o.kind = c.kind AND o.happened_on = c.happened_on AND o.subject = c.subject;

-- stage: happening — these changes and those seen before, for a year; a first assembly has nothing to compare with
CREATE OR REPLACE TABLE happening AS
SELECT * FROM old_happening WHERE happened_on > getvariable('day') - INTERVAL 365 DAY
UNION
SELECT * FROM change WHERE EXISTS (FROM old_household WHERE kind = 'residence');

-- stage: happened — what the records say happened to the people of a household in the last year, by their own dates
CREATE OR REPLACE TABLE happened AS
WITH lives AS (
    SELECT household_id, person_id, dwelling_id, valid_from FROM member WHERE kind = 'residence'
), told AS (
    SELECT m.household_id, 'birth' AS kind, b.birth_date AS happened_on, m.person_id, false AS review FROM born b JOIN lives m USING (person_id)
    UNION ALL
    SELECT m.household_id, w.kind, w.registered_on, m.person_id, false
    FROM fact f JOIN marriage w ON w.record_key = f.group_key JOIN lives m USING (person_id)
    WHERE f.feed = 'civil_marriage' AND w.kind IN ('marriage', 'divorce')
    UNION ALL  -- of one who stood in the register household of people who live here; one source alone is to be reviewed
    SELECT min(m.household_id), 'death', max(l.death_date), l.person_id, max(l.death_sources) < 2
    FROM life l JOIN fact f ON f.person_id = l.person_id AND f.feed = 'psb_register'
    JOIN register_member r ON r.row.register_key = f.group_key AND (r.row.relation = '02' OR r.row.relation LIKE '1%')
    JOIN lives m ON m.person_id = r.person_id
    WHERE l.dead AND l.death_date IS NOT NULL GROUP BY l.person_id
    UNION ALL  -- an older record has him elsewhere
    SELECT m.household_id, 'moved_in', m.valid_from, m.person_id, false FROM said s JOIN lives m USING (person_id)
    WHERE s.dwelling_id <> m.dwelling_id AND s.step <> 'register' AND s.said_at < m.valid_from
)
SELECT DISTINCT household_id, kind, happened_on, person_id, CAST(NULL AS VARCHAR) AS other_household_id, review FROM told
WHERE happened_on > getvariable('day') - INTERVAL 365 DAY AND happened_on <= getvariable('day');

-- stage: event — both, one by one; ``subject`` tells two of one kind and day apart, whatever household they stand at
CREATE OR REPLACE TABLE event AS
SELECT household_id, kind, happened_on, person_id, other_household_id, review, coalesce(person_id, concat_ws('|', household_id, other_household_id)) AS subject
FROM (FROM happened UNION ALL FROM happening);

-- stage: home_event — the last year of each household, for its profile
CREATE OR REPLACE TABLE home_event AS
SELECT household_id, list(told ORDER BY told) AS events FROM (
    SELECT DISTINCT household_id, struct_pack(kind := kind, "on" := CAST(happened_on AS VARCHAR), person_id := person_id, other := other_household_id, review := review) AS told
    FROM event WHERE happened_on > getvariable('day') - INTERVAL 365 DAY
) GROUP BY household_id;
