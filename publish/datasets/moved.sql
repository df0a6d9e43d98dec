-- moved — 迁移: people in a department's records who now live in another community, or left the county
-- key: feed, record_key
WITH kept AS (SELECT * FROM archive UNION ALL SELECT * FROM benefit), change AS (
    SELECT k.feed, k.record_key, k.person_id, k.owner, o.community AS from_community, h.community AS to_community, h.since AS moved_on
    FROM kept k JOIN living h USING (person_id) JOIN community o ON o.community_code = k.community_code
    -- a department's own or a weak address is no news to it
    WHERE h.community_code <> k.community_code AND h.basis IN ('visit', 'permit', 'child')
    UNION ALL
    SELECT k.feed, k.record_key, k.person_id, k.owner, o.community, '迁出本县', g.moved_on
    FROM kept k JOIN gone g USING (person_id) LEFT JOIN community o ON o.community_code = k.community_code
)
SELECT t.title AS feed, c.record_key, c.owner, p.person_id, p.name, p.sex, p.birth_date, p.id_number, p.own_subject,
       c.from_community, c.to_community, c.moved_on
FROM change c JOIN person p USING (person_id) JOIN feed t USING (feed)
WHERE p.alive
