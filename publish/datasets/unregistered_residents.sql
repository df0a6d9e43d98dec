-- unregistered_residents — 未登记居民: people who live here and stand neither in the household register nor on a valid permit
-- key: person_id
WITH missing AS (
    SELECT * FROM living ANTI JOIN (SELECT person_id FROM fact WHERE NOT ended AND feed IN ('psb_register', 'psb_permit')) USING (person_id)
), seen AS (
    SELECT person_id, list(DISTINCT title ORDER BY title) AS sources, CAST(max(source_time) AS DATE) AS seen_on
    FROM fact SEMI JOIN missing USING (person_id) JOIN feed USING (feed) WHERE own AND NOT ended GROUP BY 1
)
SELECT h.person_id, h.name, h.sex, h.birth_date, h.id_number, h.own_subject, h.community, h.compound, h.building, h.unit, h.room,
       s.sources, s.seen_on
FROM missing h LEFT JOIN seen s USING (person_id)
