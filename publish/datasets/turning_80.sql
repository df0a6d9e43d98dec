-- turning_80 — 年满80周岁: who turned or turns 80 within a month of the day and draws no old-age allowance yet
-- key: person_id
SELECT h.person_id, h.name, h.sex, h.birth_date, h.id_number, h.own_subject, h.community, h.compound, h.building, h.unit, h.room,
       CAST(h.birth_date + INTERVAL 80 YEAR AS DATE) AS turns_80_on
FROM living h
WHERE h.birth_date + INTERVAL 80 YEAR BETWEEN getvariable('day') - INTERVAL 31 DAY AND getvariable('day') + INTERVAL 31 DAY
  AND h.person_id NOT IN (SELECT person_id FROM benefit WHERE feed = 'civil_old_age_allowance')
