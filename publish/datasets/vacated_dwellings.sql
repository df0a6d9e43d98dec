-- vacated_dwellings — 空户: dwellings where the newest visit found nobody living and the register still has a household
-- key: dwelling_id, station_code, household_no
SELECT g.r.dwelling_id AS dwelling_id, g.r.station_code AS station_code, g.r.household_no AS household_no,
       any_value(p.community) AS community, any_value(p.compound) AS compound, any_value(p.building) AS building,
       any_value(p.unit) AS unit, any_value(p.room) AS room, any_value(v.people_met_on) AS last_seen_on,
       CASE any_value(v.living_status) WHEN 'empty' THEN '走访为空置（' ELSE '走访为人户分离（' END || any_value(v.visited_on) || '）' AS reason
FROM registered g
JOIN last_seen v ON v.dwelling_id = g.r.dwelling_id
LEFT JOIN place p ON p.dwelling_id = g.r.dwelling_id
WHERE v.living_status IN ('empty', 'separated')
  AND NOT EXISTS (SELECT 1 FROM living h WHERE h.dwelling_id = v.dwelling_id AND h.since > v.visited_on)
GROUP BY 1, 2, 3
