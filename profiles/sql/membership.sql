-- stage: register_member — the register as it stands: not cancelled, one household a person (the newest row)
CREATE OR REPLACE TABLE register_member AS
SELECT f.person_id, arg_max(struct_pack(register_key := r.register_key, relation := r.relation, moved_in := r.moved_in_on, household_kind := r.household_kind),
                            (coalesce(f.source_time, TIMESTAMPTZ '1900-01-01'), f.record_key)) AS row
FROM fact f JOIN register r USING (record_key)
WHERE f.feed = 'psb_register' AND NOT coalesce(r.cancelled, false) AND NOT f.ended AND r.register_key IS NOT NULL
GROUP BY f.person_id;

-- stage: assistance_member — cards in payment and the persons named on them
CREATE OR REPLACE TABLE assistance_member AS
SELECT f.person_id, f.group_key, max(f.relation) AS relation
FROM fact f
WHERE f.group_kind = 'assistance' AND NOT f.ended
  AND f.group_key IN (SELECT card_no FROM family WHERE state = 'present' AND coalesce(status, '1') <> '2')
GROUP BY f.person_id, f.group_key;

-- stage: membership — the three kinds under one roof, still apart
CREATE OR REPLACE TABLE membership AS
SELECT 'residence' AS kind, group_key, person_id, CAST(NULL AS VARCHAR) AS relation, basis, confidence, valid_from FROM residence
UNION ALL
SELECT 'register', row.register_key, person_id, row.relation, 'register', 1.0, row.moved_in FROM register_member
UNION ALL
SELECT 'assistance', group_key, person_id, relation, 'assistance card', 1.0, NULL FROM assistance_member;
