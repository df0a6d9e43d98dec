-- disabled_moved — 持证残疾人迁移: holders of a disability card who now live in another community, or left the county
-- key: record_key
WITH change AS (
    SELECT k.record_key, k.person_id, k.owner, o.community AS from_community, h.community AS to_community, h.since AS moved_on
    FROM benefit k JOIN living h USING (person_id) JOIN community o ON o.community_code = k.community_code
    WHERE k.feed = 'civil_disability' AND h.community_code <> k.community_code AND h.basis IN ('visit', 'permit', 'child')
    UNION ALL
    SELECT k.record_key, k.person_id, k.owner, o.community, '迁出本县', g.moved_on
    FROM benefit k JOIN gone g USING (person_id) LEFT JOIN community o ON o.community_code = k.community_code
    WHERE k.feed = 'civil_disability'
)
SELECT c.record_key, c.owner, p.person_id, p.name, p.sex, p.birth_date, p.id_number, p.own_subject,
       k.zh AS disability_class, g.zh AS disability_grade, c.from_community, c.to_community, c.moved_on
FROM change c
JOIN person p USING (person_id)
JOIN disability d USING (record_key)
LEFT JOIN label k ON k.list = 'disability_class' AND k.code = d.disability_class
LEFT JOIN label g ON g.list = 'disability_grade' AND g.code = d.disability_grade
WHERE p.alive
