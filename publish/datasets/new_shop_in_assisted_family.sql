-- new_shop_in_assisted_family — 救助家庭新办市场主体: a business in existence, founded within a year by one of a family on assistance (a hint only)
-- key: card_no, person_id, uscc
SELECT DISTINCT a.card_no, p.person_id, p.name, e.uscc, e.entity_name, e.established_on, p.own_subject, 'civil_affairs' AS owner
FROM assisted a
JOIN person p USING (person_id)
JOIN fact f ON f.person_id = a.person_id AND f.feed = 'market_entity' AND f.role = 'operator'
JOIN entity e ON e.record_key = f.record_key
WHERE e.status IN ('active', 'suspended') AND e.established_on > getvariable('day') - INTERVAL 1 YEAR
