-- closed_yet_active — 登记存续而经营场所已空置或撤销: in existence by the register of entities, its premises empty or its compound dissolved
-- key: uscc
SELECT e.uscc, any_value(e.entity_name) AS entity_name, any_value(e.premises) AS premises, any_value(s.zh) AS status,
       CASE WHEN bool_or(c.ends_on <= getvariable('day')) THEN '经营场所所在小区已撤销' ELSE '走访时经营场所空置' END AS reason,
       coalesce(max(c.ends_on) FILTER (WHERE c.ends_on <= getvariable('day')), max(v.visited_on)) AS seen_on, 'market_regulation' AS owner
FROM entity e
JOIN spot t ON t.address_text = e.premises
LEFT JOIN compound c ON c.compound_id = t.compound_id
LEFT JOIN last_seen v ON v.dwelling_id = t.dwelling_id AND v.living_status = 'empty'
LEFT JOIN label s ON s.list = 'entity_status' AND s.code = e.status
WHERE e.status IN ('active', 'suspended') AND e.uscc IS NOT NULL AND (c.ends_on <= getvariable('day') OR v.dwelling_id IS NOT NULL)
GROUP BY e.uscc
