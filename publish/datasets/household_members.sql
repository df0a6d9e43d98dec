-- household_members — 住户成员: a row a person in a residence household; of health, school and disability only that there is something
-- key: household_id, person_id
WITH assistance AS (
    SELECT a.person_id, string_agg(DISTINCT l.zh, '；' ORDER BY l.zh) AS kind
    FROM assisted a JOIN label l ON l.list = 'assistance' AND l.code = a.assistance_kind GROUP BY 1
), tier AS (
    SELECT f.person_id, max(l.zh) AS allowance
    FROM fact f JOIN allowance a USING (record_key) JOIN label l ON l.list = 'allowance_tier' AND l.code = a.tier
    WHERE f.feed = 'civil_old_age_allowance' AND NOT f.ended AND a.stopped_month IS NULL GROUP BY 1
)
SELECT m.household_id, m.person_id, m.community_code, m.grid_id, m.name, x.zh AS sex, m.birth_date, m.id_number,
       e.zh AS ethnicity, r.zh AS relation, m.phone, w.zh AS marital_status, s.zh AS schooling,
       list_contains(m.tags, 'pupil') AS in_school,
       CASE WHEN g.person_id IS NULL THEN false ELSE g.r.dwelling_id = m.dwelling_id END AS registered_here,
       a.kind AS assistance_kind, t.allowance,
       list_contains(m.tags, 'needs_home_service') AS needs_home_service,
       list_contains(m.services_due, 'elderly_examination') AS exam_due,
       list_contains(m.services_due, 'vaccination') AS vaccination_due,
       -- in words: the figure fades a little every day, and nobody should be handed that
       CASE WHEN m.confidence >= 0.8 THEN '高' WHEN m.confidence >= 0.5 THEN '中' WHEN m.confidence IS NOT NULL THEN '低' END AS confidence
FROM member m
LEFT JOIN registered g USING (person_id)
LEFT JOIN assistance a USING (person_id)
LEFT JOIN tier t USING (person_id)
LEFT JOIN label x ON x.list = 'sex' AND x.code = m.sex
LEFT JOIN label e ON e.list = 'ethnicity' AND e.code = m.ethnicity
LEFT JOIN label r ON r.list = 'relation' AND r.code = m.relation
LEFT JOIN label w ON w.list = 'marital' AND w.code = m.marital_status
LEFT JOIN label s ON s.list = 'schooling' AND s.code = m.schooling
