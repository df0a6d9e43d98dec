-- stage: assistance_member — cards in payment and the persons named on them
CREATE OR REPLACE TABLE assistance_member AS
SELECT f.person_id, f.group_key, max(f.relation) AS relation
FROM fact f
WHERE f.group_kind = 'assistance' AND NOT f.ended
  AND f.group_key IN (SELECT card_no FROM family WHERE state = 'present' AND coalesce(status, '1') <> '2')
GROUP BY f.person_id, f.group_key;

-- stage: membership — the three kinds under one roof, still apart
CREATE OR REPLACE TABLE membership AS
SELECT 'residence' AS kind, group_key, person_id, CAST(NULL AS VARCHAR) AS relation, basis, confidence, valid_from, dwelling_id FROM residence
UNION ALL
SELECT 'register', row.register_key, person_id, row.relation, 'register', 1.0, row.moved_in, NULL FROM register_member
UNION ALL
SELECT 'assistance', group_key, person_id, relation, 'assistance card', 1.0, NULL, NULL FROM assistance_member;
