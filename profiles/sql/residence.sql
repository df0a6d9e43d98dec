-- stage: life — who is dead, by cremation or by the register (one alone is still to be reviewed)
CREATE OR REPLACE TABLE life AS
SELECT person_id, bool_or(dead AND own) AS dead, max(death_date) FILTER (WHERE own) AS death_date,
       count(DISTINCT feed) FILTER (WHERE dead AND own) AS death_sources,
       -- the register knows the person but says moved away, and nobody saw them since
       bool_and(feed = 'psb_register' AND ended) AS only_cancelled
FROM fact GROUP BY person_id;

-- stage: latest_visit — the newest visit of each dwelling, and whether it still counts
CREATE OR REPLACE TABLE latest_visit AS
SELECT f.dwelling_id, max_by(f.group_key, (v.occurred_at, f.group_key)) AS event_id, max(v.occurred_at) AS visited_at,
       max(v.occurred_at) >= CAST(getvariable('day') AS TIMESTAMPTZ) - INTERVAL 180 DAY AS fresh
FROM fact f JOIN visit v ON v.event_id = f.group_key
WHERE f.group_kind = 'visit' AND f.dwelling_id IS NOT NULL
GROUP BY f.dwelling_id;

-- stage: born — a birth date for the conditions below
CREATE OR REPLACE TABLE born AS
SELECT person_id, CAST(max(value) FILTER (WHERE attribute = 'birth_date') AS DATE) AS birth_date
FROM value GROUP BY person_id;

-- stage: evidence — every address that says where a person lives, with its step
CREATE OR REPLACE TABLE evidence AS
SELECT f.person_id, f.dwelling_id, f.building_id, f.community_code, f.feed, f.record_key, f.group_key, f.batch_id,
       f.source_time, s.step, s.rank, s.confidence
FROM fact f
JOIN residence_step s ON s.feed = f.feed AND s.role = f.role
LEFT JOIN born b USING (person_id)
WHERE f.dwelling_id IS NOT NULL
  AND (s.max_age_days IS NULL OR f.source_time >= CAST(getvariable('day') AS TIMESTAMPTZ) - to_days(s.max_age_days))
  AND CASE s.condition WHEN 'active' THEN NOT f.ended
                       WHEN 'child' THEN NOT f.ended AND b.birth_date > getvariable('day') - INTERVAL 18 YEAR
                       ELSE true END;

-- stage: standing — a fresh visit that met others in a dwelling speaks against older claims to live there
CREATE OR REPLACE TABLE standing AS
SELECT e.* FROM evidence e
LEFT JOIN latest_visit v ON v.dwelling_id = e.dwelling_id AND v.fresh
LEFT JOIN (SELECT DISTINCT person_id, group_key FROM fact WHERE group_kind = 'visit') met
       ON met.person_id = e.person_id AND met.group_key = v.event_id
WHERE v.event_id IS NULL OR met.person_id IS NOT NULL OR coalesce(e.source_time, TIMESTAMPTZ '1900-01-01') > v.visited_at;

-- stage: home — the first step that stands; inside it the newest
CREATE OR REPLACE TABLE home AS
SELECT s.person_id,
       arg_min(struct_pack(dwelling_id, building_id, community_code, step, feed, record_key, batch_id, source_time, confidence),
               (rank, -epoch_us(coalesce(source_time, TIMESTAMPTZ '1900-01-01')), feed, record_key)) AS best
FROM standing s JOIN life l USING (person_id)
WHERE NOT l.dead
GROUP BY s.person_id;

-- stage: residence — persons by dwelling
CREATE OR REPLACE TABLE residence AS
SELECT best.dwelling_id AS group_key, person_id, best.dwelling_id AS dwelling_id, best.step AS basis,
       best.confidence AS confidence, CAST(best.source_time AS DATE) AS valid_from
FROM home;
