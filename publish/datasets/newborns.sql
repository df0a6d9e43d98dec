-- newborns — 新生儿: children under one year who live here, with their mother as the vaccination record names her
-- key: person_id
WITH mother AS (
    SELECT c.person_id, arg_max(struct_pack(record_name := v.mother_name, person_id := m.person_id), (v.record_key)) AS m
    FROM fact c
    JOIN vaccination v USING (record_key)
    LEFT JOIN fact m ON m.feed = c.feed AND m.base_key = c.base_key AND m.role = 'mother'
    WHERE c.feed = 'health_child_vaccination' AND c.role = 'child' GROUP BY 1
)
SELECT h.person_id, h.name, h.sex, h.birth_date, coalesce(p.name, m.m.record_name) AS mother_name, p.id_number AS mother_id,
       coalesce(p.own_subject, []) AS own_subject, h.community, h.compound, h.building, h.unit, h.room
FROM living h
LEFT JOIN mother m USING (person_id)
LEFT JOIN person p ON p.person_id = m.m.person_id
WHERE h.birth_date > getvariable('day') - INTERVAL 1 YEAR AND h.birth_date <= getvariable('day')
