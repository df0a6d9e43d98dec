-- children_not_enrolled — 3至15岁未见学籍儿童: children who live here, of 3 to 15 years, with no pupil record in force
-- key: person_id
SELECT h.person_id, h.name, h.sex, h.birth_date, h.id_number, h.own_subject, h.community, h.compound
FROM living h
WHERE h.birth_date <= getvariable('day') - INTERVAL 3 YEAR AND h.birth_date > getvariable('day') - INTERVAL 16 YEAR
  AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.person_id = h.person_id AND f.feed = 'edu_enrolment' AND f.role = 'holder' AND NOT f.ended)
