-- dead — 死亡: people a department still keeps as alive, whom others report dead; one source alone is a hint to check (sources)
-- key: feed, record_key
SELECT t.title AS feed, k.record_key, k.owner, p.person_id, p.name, p.sex, p.birth_date, p.id_number, p.own_subject, l.died_on, l.sources
FROM (SELECT * FROM archive UNION ALL SELECT * FROM benefit) k
JOIN person p USING (person_id)
JOIN feed t USING (feed)
JOIN life l USING (person_id)
WHERE NOT p.alive
