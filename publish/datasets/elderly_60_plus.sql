-- elderly_60_plus — 60岁及以上老年人: with where they live (老年人权益保障法 §2)
-- key: person_id
SELECT person_id, name, sex, birth_date, id_number, own_subject,
       CASE WHEN birth_date > getvariable('day') - INTERVAL 65 YEAR THEN '60-64岁'
            WHEN birth_date > getvariable('day') - INTERVAL 80 YEAR THEN '65-79岁' ELSE '80岁及以上' END AS age_group,
       community, compound, building, unit, room
FROM living WHERE birth_date <= getvariable('day') - INTERVAL 60 YEAR
