-- children_not_enrolled — 义务教育适龄未见学籍儿童: children who live here and have no pupil record in force, of the age of compulsory
-- schooling: six before the school year began (on 1 September, 义务教育法 §11), not yet 16. Who is younger has no 学籍 to be missed.
-- key: person_id
WITH term AS (
    SELECT make_date(year(getvariable('day')) - CAST(month(getvariable('day')) < 9 AS INTEGER), 9, 1) AS began
)
SELECT h.person_id, h.name, h.sex, h.birth_date, h.id_number, h.own_subject, h.community, h.compound
FROM living h, term
WHERE h.birth_date < term.began - INTERVAL 6 YEAR AND h.birth_date > getvariable('day') - INTERVAL 16 YEAR
  AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.person_id = h.person_id AND f.feed = 'edu_enrolment' AND f.role = 'holder' AND NOT f.ended)
