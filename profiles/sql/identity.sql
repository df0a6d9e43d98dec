-- stage: again — pairs of a household now and one before, best first: the same dwelling or number, then most people in
-- common. Each id goes to the household it fits best, each household takes the id that fits it best.
CREATE OR REPLACE TEMP TABLE again AS
WITH now AS (
    SELECT DISTINCT kind, group_key AS natural_key, person_id FROM membership
), common AS (
    SELECT n.kind, n.natural_key, h.household_id, count(*) AS people, split_part(n.natural_key, '#', 1) = split_part(h.natural_key, '#', 1) AS same
    FROM now n JOIN old_member m USING (person_id) JOIN old_household h ON h.household_id = m.household_id AND h.kind = n.kind
    WHERE n.kind = 'residence' GROUP BY n.kind, n.natural_key, h.household_id, h.natural_key
), wanted AS (
    SELECT * FROM common QUALIFY row_number() OVER (PARTITION BY household_id ORDER BY same DESC, people DESC, natural_key) = 1
)
SELECT kind, natural_key, arg_min(household_id, (NOT same, -people, household_id)) AS household_id FROM wanted GROUP BY kind, natural_key
UNION ALL
SELECT DISTINCT n.kind, n.natural_key, h.household_id FROM now n JOIN old_household h USING (kind, natural_key) WHERE n.kind <> 'residence';

-- stage: household — the id a household had; new ids follow the highest one ever given, in the order of the natural key
CREATE OR REPLACE TABLE household AS
WITH fresh AS (
    SELECT kind, natural_key, row_number() OVER (PARTITION BY kind ORDER BY natural_key) AS place
    FROM (SELECT DISTINCT kind, group_key AS natural_key FROM membership) ANTI JOIN again USING (kind, natural_key)
)
SELECT household_id, kind, natural_key FROM again
UNION ALL
SELECT CASE f.kind WHEN 'residence' THEN 'R' WHEN 'register' THEN 'H' WHEN 'assistance' THEN 'A' END
       || lpad(CAST(coalesce(h.number, 0) + f.place AS VARCHAR), 9, '0'), f.kind, f.natural_key
FROM fresh f LEFT JOIN highest h USING (kind);

-- stage: highest — the highest number ever given, by kind
CREATE OR REPLACE TABLE highest AS
SELECT kind, max(number) AS number FROM (FROM highest UNION ALL SELECT kind, CAST(substr(household_id, 2) AS BIGINT) FROM household) GROUP BY kind;

-- stage: member — memberships with ids. A residence household has a head too (relation 02): who heads the register household
-- most of it stands in, else the nearest to one, the eldest first
CREATE OR REPLACE TABLE member AS
WITH lives AS (
    SELECT h.household_id, m.kind, m.person_id, max(m.relation) AS relation, min(m.basis) AS basis,
           max(m.confidence) AS confidence, min(m.valid_from) AS valid_from, max(m.dwelling_id) AS dwelling_id
    FROM membership m JOIN household h ON h.kind = m.kind AND h.natural_key = m.group_key
    GROUP BY 1, 2, 3
), written AS (
    SELECT l.household_id, l.person_id, r.row.relation AS relation, b.birth_date, coalesce(b.age, 99) < getvariable('adult') AS minor,
           count(*) OVER (PARTITION BY l.household_id, r.row.register_key) AS together
    FROM lives l LEFT JOIN register_member r USING (person_id) LEFT JOIN born b USING (person_id) WHERE l.kind = 'residence'
), head AS (
    SELECT household_id, arg_min(person_id, (minor, coalesce(relation NOT IN ('01', '02'), true), CASE WHEN relation IS NULL THEN 0 ELSE -together END,
                                             coalesce(relation, 'zz'), coalesce(birth_date, DATE '9999-12-31'), person_id)) AS person_id
    FROM written GROUP BY household_id
)
SELECT l.* REPLACE (CASE WHEN l.kind <> 'residence' THEN l.relation WHEN h.person_id = l.person_id THEN '02' END AS relation)
FROM lives l LEFT JOIN head h ON h.household_id = l.household_id AND l.kind = 'residence';
