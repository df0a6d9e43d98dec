-- step: empty_visit
-- todo
SELECT event_id FROM d_visit UNION ALL SELECT event_id FROM d_empty_place
UNION ALL SELECT group_key FROM d_fact WHERE group_kind = 'visit'
-- world: empty_place by event_id
-- world: fact
SELECT group_kind, group_key FROM known.fact WHERE group_kind = 'visit' AND group_key IN (SELECT id FROM todo)
-- stages: empty_visit
-- keep: empty_visit by event_id

-- step: person
-- todo — whose records changed; who shares a number whose sharers became too many, or few enough; who has a birthday that
-- counts; whose visit is no longer fresh; what fell due; who comes into or leaves the month after turning 80
WITH moved AS (
    SELECT phone, count(DISTINCT person_id) AS people FROM d_fact WHERE phone IS NOT NULL GROUP BY phone
), sharing AS (
    SELECT f.phone, count(DISTINCT f.person_id) AS people FROM fact f JOIN moved USING (phone) GROUP BY f.phone
), named AS (
    SELECT record_key FROM d_register UNION SELECT record_key FROM d_disability UNION SELECT record_key FROM d_allowance
    UNION SELECT record_key FROM d_pupil UNION SELECT record_key FROM d_entity UNION SELECT record_key FROM d_exam UNION SELECT record_key FROM d_vaccination
    UNION SELECT record_key FROM exam WHERE next_due_on > getvariable('before') AND next_due_on <= getvariable('day')
)
SELECT person_id FROM d_fact
UNION ALL SELECT f.person_id FROM fact f JOIN sharing s USING (phone) JOIN moved m USING (phone) WHERE s.people <= getvariable('phone_own') + m.people
UNION ALL SELECT f.person_id FROM fact f JOIN named USING (record_key)
UNION ALL SELECT f.person_id FROM fact f JOIN d_family c ON f.group_kind = 'assistance' AND f.group_key = c.card_no
UNION ALL SELECT f.person_id FROM fact f JOIN residence_step s ON s.feed = f.feed AND s.role = f.role
WHERE f.source_time >= CAST(getvariable('before') AS TIMESTAMPTZ) - to_days(s.max_age_days)
  AND f.source_time < CAST(getvariable('day') AS TIMESTAMPTZ) - to_days(s.max_age_days)
UNION ALL SELECT person_id FROM born
WHERE age <> least(date_sub('year', birth_date, CAST(getvariable('day') AS DATE)), CAST(getvariable('leaving') AS BIGINT))
UNION ALL SELECT b.person_id FROM born b, (VALUES (14, 0), (60, 0), (65, 0), (80, 0), (80, 31)) AS t(years, days)
WHERE b.birth_date > CAST(getvariable('before') - to_years(years) + to_days(days) AS DATE)
  AND b.birth_date <= CAST(getvariable('day') - to_years(years) + to_days(days) AS DATE)
-- world: fact
WITH mine AS MATERIALIZED (SELECT * FROM known.fact WHERE person_id IN (SELECT id FROM todo))
FROM mine
UNION ALL BY NAME -- of who has a number of theirs, only that
SELECT person_id, feed, phone FROM known.fact WHERE phone IN (SELECT phone FROM mine) AND person_id NOT IN (SELECT id FROM todo)
-- world: register where record_key IN (SELECT record_key FROM fact)
-- stages: feed_step, spoken, best, contested, chosen, provenance, person_value, quarters, life, born, register_member, said, book_core, seen, newer, near, homely, assistance_member, person_flag, person_service, ticket
-- keep: life by person_id
-- keep: born by person_id
-- keep: register_member by person_id
-- keep: said by person_id
-- keep: book_core by person_id
-- keep: seen by person_id
-- keep: newer by person_id
-- keep: near by person_id
-- keep: homely by person_id
-- keep: assistance_member by person_id
-- keep: person_value by person_id
-- keep: person_flag by person_id
-- keep: person_service by person_id
-- keep: ticket by person_id

-- step: latest_visit
-- todo
SELECT dwelling_id FROM d_fact WHERE group_kind = 'visit'
UNION ALL SELECT dwelling_id FROM d_empty_visit
UNION ALL SELECT f.dwelling_id FROM d_visit v JOIN fact f ON f.group_kind = 'visit' AND f.group_key = v.event_id
-- world: fact
SELECT dwelling_id, group_kind, group_key FROM known.fact WHERE group_kind = 'visit' AND dwelling_id IN (SELECT id FROM todo)
-- world: empty_visit by dwelling_id
-- stages: latest_visit
-- keep: latest_visit by dwelling_id

-- step: site
-- todo
SELECT dwelling_id FROM d_said
-- world: said by dwelling_id
-- stages: site
-- keep: site by dwelling_id

-- step: married
-- todo — whose entries changed, and who stands in them; to be seen: also whom their partners were ever married to
SELECT person_id FROM d_fact WHERE role = 'spouse'
UNION ALL SELECT f.person_id FROM fact f JOIN d_fact d ON d.feed = f.feed AND d.group_key = f.group_key AND d.role = 'spouse' WHERE f.role = 'spouse'
-- world: fact
WITH entry AS (SELECT feed, group_key, person_id FROM known.fact WHERE role = 'spouse'),
named AS (SELECT person_id FROM entry WHERE (feed, group_key) IN (SELECT (feed, group_key) FROM entry WHERE person_id IN (SELECT id FROM todo)))
SELECT f.* FROM known.fact f
WHERE f.role = 'spouse' AND (f.feed, f.group_key) IN (SELECT (feed, group_key) FROM entry WHERE person_id IN (SELECT person_id FROM named))
-- stages: vow, married
-- keep: vow by person_id
-- keep: married by one, other

-- step: couple
-- todo
SELECT person_id FROM d_vow UNION ALL SELECT one FROM d_married UNION ALL SELECT person_id FROM d_book_core
UNION ALL SELECT person_id FROM vow WHERE other IN (SELECT person_id FROM d_life)
-- world: married by one, other
-- world: book_core where book IN (SELECT book FROM known.book_core WHERE person_id IN (SELECT id FROM todo))
-- world: vow where person_id IN (SELECT person_id FROM book_core)
-- world: life where person_id IN (SELECT other FROM vow UNION ALL SELECT one FROM married)
-- stages: couple
-- keep: couple by one, other

-- step: parenthood
-- todo
SELECT person_id FROM d_fact UNION ALL SELECT person_id FROM d_born UNION ALL SELECT person_id FROM d_book_core
-- world: fact
SELECT f.person_id, f.feed, f.role, f.group_kind, f.group_key, f.relation, f.ended FROM known.fact f
WHERE f.group_kind = 'family' AND f.group_key IN (SELECT group_key FROM known.fact WHERE group_kind = 'family' AND person_id IN (SELECT id FROM todo))
-- world: book_core where book IN (SELECT book FROM known.book_core WHERE person_id IN (SELECT id FROM todo))
-- stages: parenthood
-- keep: parenthood by child, adult

-- step: apart
-- todo — children of whom, or of whose parents, a record, a marriage or the school's word changed
WITH moved AS (
    SELECT person_id FROM d_said UNION SELECT one FROM d_couple UNION SELECT person_id FROM d_vow UNION SELECT other FROM d_vow
)
SELECT child FROM d_parenthood UNION ALL SELECT child FROM parenthood WHERE adult IN (SELECT person_id FROM moved) OR child IN (SELECT person_id FROM moved)
UNION ALL SELECT person_id FROM d_fact WHERE feed = 'edu_enrolment' AND role = 'holder'
UNION ALL SELECT f.person_id FROM d_pupil p JOIN fact f ON f.record_key = p.record_key AND f.feed = 'edu_enrolment' AND f.role = 'holder'
-- world: parenthood by child
-- world: said where person_id IN (SELECT child FROM parenthood UNION ALL SELECT adult FROM parenthood)
-- world: couple where one IN (SELECT adult FROM parenthood)
-- world: vow where person_id IN (SELECT adult FROM parenthood)
-- world: fact
SELECT person_id, feed, record_key, role, ended FROM known.fact WHERE person_id IN (SELECT id FROM todo) AND feed = 'edu_enrolment' AND role = 'holder'
-- world: pupil where record_key IN (SELECT record_key FROM fact)
-- stages: apart
-- keep: apart by child

-- step: reached
-- todo
SELECT phone FROM d_fact
-- world: fact
SELECT person_id, phone FROM known.fact WHERE phone IN (SELECT id FROM todo)
-- stages: reached
-- keep: reached by phone

-- step: bond
-- todo
SELECT person_id FROM d_fact UNION ALL SELECT person_id FROM d_life UNION ALL SELECT person_id FROM d_born
UNION ALL SELECT person_id FROM d_book_core UNION ALL SELECT one FROM d_couple UNION ALL SELECT person_id FROM d_reached
UNION ALL SELECT child FROM d_parenthood UNION ALL SELECT child FROM d_apart
-- world: fact
SELECT f.person_id, f.feed, f.group_kind, f.group_key, f.ended, f.source_time FROM known.fact f
WHERE f.group_kind IN ('visit', 'assistance')
  AND f.group_key IN (SELECT group_key FROM known.fact WHERE group_kind IN ('visit', 'assistance') AND person_id IN (SELECT id FROM todo))
-- world: couple by one, other
-- world: parenthood by child, adult
-- world: apart by child, adult
-- world: book_core where book IN (SELECT book FROM known.book_core WHERE person_id IN (SELECT id FROM todo))
-- world: reached where phone IN (SELECT phone FROM known.reached WHERE person_id IN (SELECT id FROM todo))
-- stages: quarters, bond
-- keep: bond by one, other

-- step: met_family
-- todo — dwellings whose newest visit changed, and people whose ties did
SELECT dwelling_id FROM d_latest_visit
UNION ALL SELECT v.dwelling_id FROM latest_visit v JOIN d_fact f ON f.group_kind = 'visit' AND f.group_key = v.event_id
UNION ALL SELECT one FROM d_bond
-- world: fact
WITH event AS (
    SELECT event_id FROM known.latest_visit WHERE dwelling_id IN (SELECT id FROM todo)
    UNION SELECT group_key FROM known.fact
    WHERE group_kind = 'visit' AND person_id IN (SELECT id FROM todo UNION ALL SELECT other FROM bond WHERE one IN (SELECT id FROM todo))
)
SELECT person_id, group_kind, group_key FROM known.fact WHERE group_kind = 'visit' AND group_key IN (SELECT event_id FROM event)
-- world: latest_visit where event_id IN (SELECT group_key FROM fact)
-- world: bond where one IN (SELECT id FROM todo) OR other IN (SELECT person_id FROM fact)
-- stages: met_family
-- keep: met_family by dwelling_id, person_id

-- step: score_0
-- todo
SELECT person_id FROM d_said UNION ALL SELECT person_id FROM d_met_family UNION ALL SELECT adult FROM d_apart
UNION ALL SELECT s.person_id FROM said s JOIN d_latest_visit v USING (dwelling_id)
-- world: said by person_id
-- world: apart by adult
-- stages: score_0
-- keep: score_0 by person_id

-- step: score_2
-- todo — whom evidence reaches over two ties
WITH moved AS (
    SELECT person_id FROM d_score_0 UNION SELECT person_id FROM d_met_family UNION SELECT person_id FROM d_homely UNION SELECT one FROM d_bond
    UNION SELECT one FROM bond WHERE other IN (SELECT s.person_id FROM score_0 s JOIN d_latest_visit v USING (dwelling_id))
), near_by AS (
    SELECT person_id FROM moved UNION SELECT one FROM bond WHERE other IN (SELECT person_id FROM moved)
)
SELECT person_id FROM near_by UNION ALL SELECT person_id FROM d_near
UNION ALL SELECT one FROM bond WHERE other IN (SELECT person_id FROM near_by)
UNION ALL SELECT s.person_id FROM score_2 s JOIN d_site t USING (dwelling_id) WHERE s.person_id IN (SELECT person_id FROM near)
UNION ALL SELECT s.person_id FROM score_2 s JOIN d_latest_visit t USING (dwelling_id)
-- world: bond where one IN (SELECT id FROM todo UNION ALL SELECT other FROM known.bond WHERE one IN (SELECT id FROM todo))
-- world: score_0 where person_id IN (SELECT id FROM todo UNION ALL SELECT one FROM bond UNION ALL SELECT other FROM bond)
-- world: near by person_id
-- stages: passed, score_1, score_2
-- keep: score_2 by person_id

-- step: absent
-- todo — register households where somebody's trace, age or visit changed, and who is spoken of in a dwelling visited
WITH book AS (
    SELECT book FROM d_book_core
    UNION SELECT book FROM book_core WHERE person_id IN (SELECT person_id FROM d_met_family)
)
SELECT person_id FROM book_core WHERE book IN (SELECT book FROM book) UNION ALL SELECT person_id FROM d_book_core
UNION ALL SELECT person_id FROM d_said UNION ALL SELECT s.person_id FROM said s JOIN d_latest_visit v USING (dwelling_id)
UNION ALL SELECT one FROM married WHERE other IN (SELECT person_id FROM d_life) UNION ALL SELECT one FROM d_married
UNION ALL SELECT adult FROM d_apart UNION ALL SELECT person_id FROM d_life
-- world: book_core where book IN (SELECT book FROM known.book_core WHERE person_id IN (SELECT id FROM todo))
-- world: said by person_id
-- world: met_family where person_id IN (SELECT person_id FROM book_core)
-- world: apart by adult
-- stages: absent
-- keep: absent by person_id

-- step: nucleus
-- todo — everybody who hangs together with one whose close tie or absence changed
WITH RECURSIVE reach(id) AS (
    SELECT one FROM d_bond WHERE core UNION SELECT person_id FROM d_absent
    UNION SELECT b.other FROM reach r JOIN bond b ON b.one = r.id WHERE b.core
)
SELECT id FROM reach
-- world: bond where core AND one IN (SELECT id FROM todo)
-- stages: nucleus
-- keep: nucleus by person_id

-- step: resident
-- todo — whose evidence, closest family or life changed, and the rest of their family
WITH moved AS (
    SELECT person_id FROM d_score_2 UNION SELECT person_id FROM d_score_0 UNION SELECT person_id FROM d_absent UNION SELECT person_id FROM d_nucleus UNION SELECT person_id FROM d_seen
    UNION SELECT person_id FROM d_born UNION SELECT one FROM d_bond UNION SELECT person_id FROM d_life UNION SELECT person_id FROM d_register_member
)
SELECT person_id FROM moved
UNION ALL SELECT person_id FROM nucleus
WHERE leader IN (SELECT leader FROM d_nucleus UNION ALL SELECT leader FROM nucleus WHERE person_id IN (SELECT person_id FROM moved))
-- world: nucleus by person_id
-- world: score_2 by person_id
-- world: score_0 by person_id
-- world: bond by one
-- world: life by person_id
-- stages: joint, own_choice, choice, resident
-- keep: resident by person_id

-- step: residence
-- todo — everybody in a dwelling where somebody came, went or changed his ties, and who hangs together without one
WITH RECURSIVE moved AS (
    SELECT person_id FROM d_resident UNION SELECT one FROM d_bond
), paired AS (  -- whose nucleus changed, or has one who came of age
    SELECT person_id FROM d_nucleus UNION SELECT person_id FROM nucleus
    WHERE leader IN (SELECT leader FROM d_nucleus UNION ALL SELECT leader FROM nucleus WHERE person_id IN (SELECT person_id FROM d_born))
), dwelling AS (
    SELECT dwelling_id FROM d_resident UNION SELECT dwelling_id FROM d_latest_visit
    UNION SELECT dwelling_id FROM resident
    WHERE person_id IN (SELECT person_id FROM moved UNION SELECT person_id FROM d_born UNION SELECT person_id FROM paired UNION SELECT person_id FROM d_score_0
                        UNION SELECT person_id FROM d_person_value)
), homeless AS (
    SELECT person_id FROM resident WHERE dwelling_id IS NULL
), reach(id) AS (
    SELECT person_id FROM moved
    UNION SELECT b.other FROM reach r JOIN bond b ON b.one = r.id JOIN homeless h ON h.person_id = b.other
)
SELECT person_id FROM resident WHERE dwelling_id IN (SELECT dwelling_id FROM dwelling)
UNION ALL SELECT id FROM reach
-- world: resident by person_id
-- world: bond by one
-- world: nucleus where leader IN (SELECT leader FROM known.nucleus WHERE person_id IN (SELECT id FROM todo))
-- stages: paired, trait, fit, joined, party, seat, residence
-- keep: residence by person_id

-- step: membership
-- todo
SELECT person_id FROM d_residence UNION ALL SELECT person_id FROM d_register_member UNION ALL SELECT person_id FROM d_assistance_member
-- world: residence by person_id
-- world: register_member by person_id
-- world: assistance_member by person_id
-- stages: membership
-- keep: membership by person_id

-- step: household
-- todo — by natural key: a household is found again by the key it had and by its people, whose keys are all here
SELECT group_key FROM d_membership
UNION ALL SELECT group_key FROM membership
WHERE kind = 'residence' AND person_id IN (SELECT person_id FROM d_register_member UNION SELECT person_id FROM d_born)
UNION ALL SELECT 'what is a year old' FROM happening WHERE happened_on <= getvariable('day') - INTERVAL 365 DAY
-- world: membership by group_key
-- world: old_household
SELECT * FROM known.household WHERE natural_key IN (SELECT id FROM todo)
-- world: old_member
SELECT * FROM known.member WHERE household_id IN (SELECT household_id FROM old_household)
-- world: old_happening
SELECT * FROM known.happening
-- stages: again, household, highest, member, change, happening
-- keep: highest where true
-- keep: member where household_id IN (SELECT household_id FROM temp.household UNION ALL SELECT household_id FROM temp.old_household)
-- keep: household by natural_key
-- keep: happening where true

-- step: dwelling
-- todo — where somebody is named, visited or let in another way, and what stands in another grid
SELECT dwelling_id FROM d_fact UNION ALL SELECT dwelling_id FROM d_latest_visit
UNION ALL SELECT f.dwelling_id FROM d_permit p JOIN fact f ON f.record_key = p.record_key
UNION ALL SELECT l.dwelling_id FROM d_visit v JOIN latest_visit l USING (event_id)
UNION ALL SELECT dwelling_id FROM dwelling
WHERE building_id IN (SELECT building_id FROM d_grid_unit) OR compound_id IN (SELECT compound_id FROM d_grid_compound)
UNION ALL SELECT dwelling_id FROM fact WHERE building_id IN (SELECT building_id FROM d_grid_unit)
-- world: fact
SELECT dwelling_id, building_id, unit, room, feed, record_key, ended, source_time FROM known.fact WHERE dwelling_id IN (SELECT id FROM todo)
-- stages: dwelling
-- keep: dwelling by dwelling_id

-- step: home_request
-- todo — open requests are few: all of them
SELECT 'all'
-- stages: home_request
-- keep: home_request where true

-- step: registered_away
-- todo — households of the dwellings that people are registered in whose life, register row or home changed
WITH moved AS (
    SELECT person_id FROM d_register_member UNION SELECT person_id FROM d_life UNION SELECT person_id FROM d_resident UNION SELECT person_id FROM d_absent
    UNION SELECT person_id FROM d_fact WHERE feed = 'psb_register'
), place AS (
    SELECT dwelling_id FROM d_fact WHERE feed = 'psb_register'
    UNION SELECT f.dwelling_id FROM fact f JOIN moved USING (person_id) WHERE f.feed = 'psb_register'
    UNION SELECT natural_key FROM d_household WHERE kind = 'residence'
)
SELECT household_id FROM household WHERE kind = 'residence' AND natural_key IN (SELECT dwelling_id FROM place)
UNION ALL SELECT household_id FROM d_household
-- world: household by household_id
-- world: fact
SELECT person_id, feed, group_key, dwelling_id, ended FROM known.fact WHERE feed = 'psb_register' AND person_id IN (
    SELECT person_id FROM known.fact WHERE feed = 'psb_register' AND dwelling_id IN (SELECT natural_key FROM household))
-- stages: registered_away
-- keep: registered_away by household_id

-- step: happened
-- todo — whose records, household or register household changed, and for whom a date came or became a year old
WITH book AS (
    SELECT r.row.register_key AS book FROM d_register_member r
    UNION SELECT r.row.register_key FROM register_member r JOIN d_member m USING (person_id)
)
SELECT person_id FROM d_member UNION ALL SELECT person_id FROM d_fact WHERE feed IN ('civil_marriage', 'psb_register')
UNION ALL SELECT person_id FROM d_born UNION ALL SELECT person_id FROM d_life UNION ALL SELECT person_id FROM d_said
UNION ALL SELECT f.person_id FROM fact f JOIN book b ON f.feed = 'psb_register' AND f.group_key = b.book
UNION ALL SELECT f.person_id FROM fact f JOIN marriage w ON w.record_key = f.group_key
WHERE f.feed = 'civil_marriage' AND (w.record_key IN (SELECT record_key FROM d_marriage) OR w.registered_on BETWEEN getvariable('before') AND getvariable('day'))
UNION ALL SELECT person_id FROM born WHERE birth_date BETWEEN getvariable('before') AND getvariable('day')
UNION ALL SELECT person_id FROM life WHERE death_date BETWEEN getvariable('before') AND getvariable('day')
UNION ALL SELECT person_id FROM member WHERE valid_from BETWEEN getvariable('before') AND getvariable('day')
UNION ALL SELECT person_id FROM happened WHERE happened_on <= getvariable('day') - INTERVAL 365 DAY
-- world: fact
SELECT person_id, feed, group_key FROM known.fact WHERE feed IN ('civil_marriage', 'psb_register') AND person_id IN (SELECT id FROM todo)
-- world: life by person_id
-- world: born by person_id
-- world: said
SELECT person_id, dwelling_id, step, said_at FROM known.said WHERE person_id IN (SELECT id FROM todo)
-- world: member
SELECT household_id, kind, person_id, dwelling_id, valid_from FROM known.member
WHERE kind = 'residence' AND person_id IN (
    SELECT id FROM todo UNION ALL SELECT person_id FROM known.register_member r WHERE r.row.register_key IN (SELECT group_key FROM fact))
-- stages: happened
-- keep: happened by person_id

-- step: event
-- todo — the events of one year are few: all of them
SELECT 'all' WHERE EXISTS (FROM d_happened) OR EXISTS (FROM d_happening)
-- stages: event, home_event
-- keep: event where true
-- keep: home_event where true

-- step: person_profile
-- todo
SELECT person_id FROM d_life UNION ALL SELECT person_id FROM d_person_value UNION ALL SELECT person_id FROM d_resident
UNION ALL SELECT person_id FROM resident WHERE dwelling_id IN (SELECT dwelling_id FROM d_dwelling)
-- world: life by person_id
-- stages: person_profile
-- keep: person_profile by person_id

-- step: card
-- todo
SELECT person_id FROM d_member UNION ALL SELECT person_id FROM d_person_value UNION ALL SELECT person_id FROM d_person_flag
UNION ALL SELECT person_id FROM d_person_service UNION ALL SELECT person_id FROM d_register_member UNION ALL SELECT person_id FROM d_life
-- world: member by person_id
-- stages: card
-- keep: card by person_id

-- step: profile
-- todo — where a member or the place changed, a visit grew old, or the youngest member turned 60
WITH place AS (
    SELECT dwelling_id FROM d_dwelling
    UNION SELECT d.dwelling_id FROM dwelling d, (VALUES (180), (365)) AS t(days)
    WHERE d.last_visit >= CAST(getvariable('before') AS TIMESTAMPTZ) - to_days(days) AND d.last_visit < CAST(getvariable('day') AS TIMESTAMPTZ) - to_days(days)
)
SELECT household_id FROM d_card UNION ALL SELECT household_id FROM d_home_request
UNION ALL SELECT household_id FROM d_registered_away UNION ALL SELECT household_id FROM d_home_event
UNION ALL SELECT household_id FROM card WHERE dwelling_id IN (SELECT dwelling_id FROM place)
UNION ALL SELECT household_id FROM card
WHERE birth_date > CAST(getvariable('before') - INTERVAL 60 YEAR AS DATE) AND birth_date <= CAST(getvariable('day') - INTERVAL 60 YEAR AS DATE)
-- world: card by household_id
-- stages: profile
-- keep: profile by household_id

-- step: sources
-- todo — the people of what will be written out: their values once more, with where each comes from
SELECT person_id FROM d_person_profile WHERE now
UNION ALL SELECT person_id FROM card WHERE household_id IN (SELECT household_id FROM d_profile WHERE now)
-- world: fact
WITH mine AS MATERIALIZED (SELECT * FROM known.fact WHERE person_id IN (SELECT id FROM todo))
FROM mine
UNION ALL BY NAME -- of who has a number of theirs, only that
SELECT person_id, feed, phone FROM known.fact WHERE phone IN (SELECT phone FROM mine) AND person_id NOT IN (SELECT id FROM todo)
-- stages: feed_step, spoken, best, contested, chosen, provenance, dispute
-- leave: provenance
-- leave: dispute
