-- stage: person_value — one row a person: the surviving values, and a digest of them with the record each comes from (not of
-- when that record was last confirmed: what is said again is no news)
CREATE OR REPLACE TABLE person_value AS
WITH one AS (
    SELECT person_id, max(name) AS name, max(sex) AS sex, CAST(max(birth_date) AS DATE) AS birth_date, max(id_number) AS id_number, max(ethnicity) AS ethnicity,
           max(phone) AS phone, max(marital_status) AS marital_status, max(schooling) AS schooling,
           bit_xor(md5_number_lower(concat_ws(chr(31), told, feed, record_key, batch_id))) AS digest
    FROM provenance GROUP BY person_id
)
SELECT o.* EXCLUDE (digest), c.values_known, c.values_disputed, c.differing, c.confidence, o.digest FROM one o JOIN chosen c USING (person_id);

-- stage: empty_visit — visits that met nobody, less those whose people have become known
CREATE OR REPLACE TABLE empty_visit AS
SELECT * FROM empty_place WHERE event_id NOT IN (SELECT group_key FROM fact WHERE group_kind = 'visit' AND group_key IS NOT NULL);

-- stage: quarters — quarters of the calendar since a moment, by Shanghai's clock (eight hours ahead all year: a zone's rules cost time)
CREATE OR REPLACE MACRO quarters(moment) AS
    date_diff('quarter', make_timestamp(epoch_us(moment) + 28800000000), CAST(getvariable('day') AS TIMESTAMP));

-- stage: life — who is dead, by cremation or by the register's cancellation (one alone is still to be reviewed), and who is
-- gone: dead, or so said by another feed and not heard of by any dated record since
CREATE OR REPLACE TABLE life AS
WITH told AS (
    SELECT f.person_id, count(DISTINCT f.feed) AS death_sources, count(d.feed) > 0 AS dead, max(f.source_time) AS said_at
    FROM fact f LEFT JOIN death_feed d ON d.feed = f.feed WHERE f.dead AND f.own GROUP BY f.person_id
), heard AS (
    SELECT f.person_id, max(f.source_time) AS heard_at
    FROM fact f JOIN residence_step s ON s.feed = f.feed AND s.role = f.role JOIN overtaking_step o ON o.step = s.step AND o.overtakes
    WHERE f.person_id IN (SELECT person_id FROM told WHERE NOT dead) AND NOT f.ended GROUP BY f.person_id
), dated AS (
    SELECT person_id, max(death_date) AS death_date FROM fact WHERE own AND death_date IS NOT NULL GROUP BY person_id
)
SELECT f.person_id, coalesce(any_value(t.dead), false) AS dead, any_value(d.death_date) AS death_date, coalesce(any_value(t.death_sources), 0) AS death_sources,
       any_value(t.person_id) IS NOT NULL AND (any_value(t.dead) OR NOT coalesce(any_value(h.heard_at > t.said_at), false)) AS gone,
       -- somebody but the register (or a registry of events) knows the person as living here
       bool_or(NOT f.ended AND s.feed IS NULL) AS traced
FROM fact f LEFT JOIN silent_feed s ON s.feed = f.feed LEFT JOIN told t ON t.person_id = f.person_id LEFT JOIN heard h ON h.person_id = f.person_id
LEFT JOIN dated d ON d.person_id = f.person_id
GROUP BY f.person_id;

-- stage: born — birth date and age on the day; no rule asks for more years than `leaving`, and what does not change is not looked at
CREATE OR REPLACE TABLE born AS
SELECT person_id, birth_date,
       least(date_sub('year', birth_date, CAST(getvariable('day') AS DATE)), CAST(getvariable('leaving') AS BIGINT)) AS age
FROM person_value WHERE birth_date IS NOT NULL;

-- stage: latest_visit — the newest visit of each dwelling, and whether it met nobody
CREATE OR REPLACE TABLE latest_visit AS
SELECT dwelling_id, max_by(event_id, (visited_at, event_id)) AS event_id, max(visited_at) AS visited_at, max_by(nobody, (visited_at, event_id)) AS nobody
FROM (
    SELECT f.dwelling_id, f.group_key AS event_id, v.occurred_at AS visited_at, false AS nobody
    FROM fact f JOIN visit v ON v.event_id = f.group_key WHERE f.group_kind = 'visit' AND f.dwelling_id IS NOT NULL
    UNION ALL SELECT dwelling_id, event_id, visited_at, true FROM empty_visit
) GROUP BY dwelling_id;

-- stage: register_member — the register as it stands: not cancelled, one household a person (the newest row)
CREATE OR REPLACE TABLE register_member AS
SELECT f.person_id, arg_max(struct_pack(register_key := r.register_key, relation := r.relation, moved_in := r.moved_in_on, household_kind := r.household_kind),
                            (coalesce(f.source_time, TIMESTAMPTZ '1900-01-01'), f.record_key)) AS row
FROM fact f JOIN register r USING (record_key)
WHERE f.feed = 'psb_register' AND NOT coalesce(r.cancelled, false) AND NOT f.ended AND r.register_key IS NOT NULL
GROUP BY f.person_id;

-- stage: said — every place a source gives for a person who is not gone, with what it weighs today
CREATE OR REPLACE TABLE said AS
WITH place AS (
    SELECT f.person_id, f.dwelling_id, f.compound_id, f.building_id, f.unit, f.room, f.feed, f.record_key, f.role, f.group_kind,
           coalesce(f.source_time, TIMESTAMPTZ '1900-01-01') AS said_at, s.step, s.rank, s.alone,
           -- by quarters of the calendar: between two of them nothing changes but what happened
           s.weight * pow(0.5, greatest(quarters(f.source_time), 0) * 91 / s.half_life) AS weight
    FROM fact f
    JOIN residence_step s ON s.feed = f.feed AND s.role = f.role
    JOIN life l ON l.person_id = f.person_id AND NOT l.gone
    LEFT JOIN born b ON b.person_id = f.person_id
    WHERE (f.dwelling_id IS NOT NULL OR f.compound_id IS NOT NULL)
      AND CASE s.condition WHEN 'active' THEN NOT f.ended
                           WHEN 'child' THEN NOT f.ended AND b.age < getvariable('adult')
                           ELSE true END
      AND (s.max_age_days IS NULL OR f.source_time >= CAST(getvariable('day') AS TIMESTAMPTZ) - to_days(s.max_age_days))
)
SELECT * EXCLUDE (role, alone) FROM place WHERE alone
UNION ALL  -- of a role that can be evidence of two kinds, the better
SELECT * EXCLUDE (role, alone) FROM (
    FROM place WHERE NOT alone QUALIFY row_number() OVER (PARTITION BY person_id, feed, record_key, role ORDER BY rank) = 1
);

-- stage: book_core — heads and spouses of register households, their children and parents: who makes a family of it. A nephew or a
-- lodger's child in the book (`young`) is no child of the head
CREATE OR REPLACE TABLE book_core AS
SELECT r.person_id, r.row.register_key AS book, b.age, l.traced,
       CASE WHEN r.row.relation = '02' OR r.row.relation = '01' THEN 'head' WHEN r.row.relation LIKE '1%' THEN 'spouse'
            WHEN r.row.relation LIKE '2%' OR r.row.relation LIKE '3%' THEN CASE WHEN b.age < getvariable('adult') THEN 'minor' ELSE 'grown' END
            WHEN b.age < getvariable('adult') THEN CASE WHEN r.row.relation LIKE '4%' THEN 'grandchild' ELSE 'young' END
            WHEN r.row.relation LIKE '5%' OR r.row.relation LIKE '6%' THEN 'parent' ELSE 'other' END AS part
FROM register_member r JOIN life l ON l.person_id = r.person_id AND NOT l.gone LEFT JOIN born b ON b.person_id = r.person_id
WHERE coalesce(r.row.household_kind, '1') <> '2';

-- stage: vow — the marriage register's last word on each person, with whom; a certificate issued again, which does not say of
-- what, is no word
CREATE OR REPLACE TABLE vow AS
SELECT person_id, last.other AS other, last.divorced AS divorced FROM (
    SELECT a.person_id, arg_max(struct_pack(other := b.person_id, divorced := a.marital_status = '40'),
                                (coalesce(a.source_time, TIMESTAMPTZ '1900-01-01'), a.group_key, b.person_id)) AS last
    FROM fact a JOIN fact b ON b.feed = a.feed AND b.group_key = a.group_key AND b.role = 'spouse' AND b.person_id <> a.person_id
    WHERE a.role = 'spouse' AND a.group_kind = 'family' AND a.marital_status IS NOT NULL
    GROUP BY a.person_id
);

-- stage: married — couples by the marriage register: its last word on either is their marriage. One spouse a person: a later
-- marriage of either says that the earlier ended, by a court or by death, whose papers are no feed
CREATE OR REPLACE TABLE married AS
SELECT a.person_id AS one, a.other FROM vow a JOIN vow b ON b.person_id = a.other AND b.other = a.person_id WHERE NOT a.divorced;

-- stage: couple — those while both live, and head and spouse of one register household, unless the marriage register's last word is that they
-- are divorced, or that one of them is married to another who is alive: the book is changed late
CREATE OR REPLACE TABLE couple AS
WITH bound AS (
    FROM vow WHERE other NOT IN (SELECT person_id FROM life WHERE gone)
), book AS (
    SELECT h.person_id AS head, w.person_id AS spouse FROM book_core h JOIN book_core w USING (book)
    LEFT JOIN bound v ON v.person_id = h.person_id LEFT JOIN bound u ON u.person_id = w.person_id
    WHERE h.part = 'head' AND w.part = 'spouse'
      AND NOT coalesce((v.other = w.person_id) = v.divorced, false) AND NOT coalesce((u.other = h.person_id) = u.divorced, false)
)
SELECT one, other FROM married WHERE one NOT IN (SELECT person_id FROM life WHERE gone) AND other NOT IN (SELECT person_id FROM life WHERE gone)
UNION SELECT head, spouse FROM book UNION SELECT spouse, head FROM book;

-- stage: parenthood — children under age and whom a source names as bringing them up; `parent`: by the register household, or
-- as mother or father. A guardian of another relation, or of none that is told, need be none
CREATE OR REPLACE TABLE parenthood AS
SELECT child, adult, bool_or(parent) AS parent FROM (
    SELECT b.person_id AS child, a.person_id AS adult, true AS parent FROM book_core a JOIN book_core b USING (book)
    WHERE a.part IN ('head', 'spouse') AND b.part = 'minor'
    UNION ALL SELECT b.person_id, a.person_id, a.role = 'mother' OR coalesce(a.relation LIKE '5%', false)
    FROM fact a JOIN fact b ON b.feed = a.feed AND b.group_key = a.group_key AND b.group_kind = 'family' JOIN born n ON n.person_id = b.person_id
    WHERE a.group_kind = 'family' AND a.role IN ('mother', 'guardian') AND b.role IN ('child', 'holder') AND n.age < getvariable('adult') AND NOT a.ended
) WHERE child <> adult GROUP BY child, adult;

-- stage: apart — who brings a child up and does not live with it: of two parents who are known to be no couple, or of a guardian
-- and a parent, the one whose own records name another home than the child's, unless the other's do too; and parents of a child of whom the school says that both are away (留守儿童)
CREATE OR REPLACE TABLE apart AS
WITH home AS (  -- what a school or clinic says of the child's home is no word of a parent's own
    SELECT person_id, arg_max(dwelling_id, (weight, dwelling_id)) AS dwelling_id FROM said
    WHERE dwelling_id IS NOT NULL AND step NOT IN ('register', 'parent') AND person_id IN (SELECT child FROM parenthood UNION SELECT adult FROM parenthood)
    GROUP BY person_id
), lives AS (
    SELECT p.*, c.dwelling_id AS home, h.dwelling_id AS own FROM parenthood p LEFT JOIN home c ON c.person_id = p.child LEFT JOIN home h ON h.person_id = p.adult
), divorced AS (
    SELECT person_id AS one, other FROM vow WHERE divorced UNION SELECT other, person_id FROM vow WHERE divorced
), separate AS (
    SELECT p.child, p.adult FROM lives p JOIN lives q ON q.child = p.child AND q.adult <> p.adult AND q.parent AND coalesce(q.own, p.home) = p.home
    WHERE p.own <> p.home AND (p.adult, q.adult) NOT IN (SELECT (one, other) FROM couple)
      -- parents of whom neither is anybody's spouse may be a couple all the same
      AND (NOT p.parent OR p.adult IN (SELECT one FROM couple) OR q.adult IN (SELECT one FROM couple)
           OR (p.adult, q.adult) IN (SELECT (one, other) FROM divorced))
), left_behind AS (
    SELECT p.child, p.adult FROM lives p WHERE p.parent AND p.own IS DISTINCT FROM p.home AND p.child IN (
        SELECT f.person_id FROM fact f JOIN pupil l USING (record_key)
        WHERE f.feed = 'edu_enrolment' AND f.role = 'holder' AND NOT f.ended AND l.left_behind = '2')
)
SELECT child, adult, home, (child, adult) IN (SELECT (child, adult) FROM left_behind) AS away
FROM lives WHERE (child, adult) IN (SELECT (child, adult) FROM separate UNION SELECT (child, adult) FROM left_behind);

-- stage: reached — people by a phone number that few share
CREATE OR REPLACE TABLE reached AS
SELECT DISTINCT person_id, phone FROM fact
WHERE phone IN (SELECT phone FROM fact WHERE phone IS NOT NULL GROUP BY phone HAVING count(DISTINCT person_id) BETWEEN 2 AND getvariable('phone_shared'));

-- stage: bond — ties between two people, in both directions, each kind
CREATE OR REPLACE TABLE bond AS
WITH one_way AS (
    SELECT one, other, 'couple' AS kind, 0 AS days FROM couple
    UNION ALL SELECT adult, child, CASE WHEN parent THEN 'minor' ELSE 'grandchild' END, 0 FROM parenthood ANTI JOIN apart USING (child, adult)
    UNION ALL SELECT a.person_id, b.person_id, 'met', quarters(a.source_time) * 91
              FROM fact a JOIN fact b ON b.feed = a.feed AND b.group_key = a.group_key AND b.group_kind = 'visit' WHERE a.group_kind = 'visit'
    UNION ALL SELECT a.person_id, b.person_id, 'card', 0
              FROM fact a JOIN fact b ON b.group_kind = 'assistance' AND b.group_key = a.group_key WHERE a.group_kind = 'assistance' AND NOT a.ended AND NOT b.ended
    UNION ALL SELECT a.person_id, b.person_id, 'phone', 0 FROM reached a JOIN reached b ON b.phone = a.phone AND b.person_id > a.person_id
    UNION ALL SELECT a.person_id, b.person_id, CASE b.part WHEN 'parent' THEN 'parent' WHEN 'grown' THEN 'grown' WHEN 'grandchild' THEN 'grandchild' ELSE 'book' END, 0
              FROM book_core a JOIN book_core b USING (book) WHERE a.part IN ('head', 'spouse') AND b.part IN ('parent', 'grown', 'grandchild', 'young', 'other')
), both_ways AS (
    SELECT one, other, kind, days FROM one_way UNION ALL SELECT other, one, kind, days FROM one_way
)
SELECT w.one, w.other, arg_max(w.kind, (NOT t.weak, t.weight * pow(0.5, greatest(w.days, 0) / t.half_life), w.kind)) AS kind,
       max(t.weight * pow(0.5, greatest(w.days, 0) / t.half_life)) AS weight, bool_or(t.core) AS core, bool_and(t.loose) AS loose, bool_and(t.weak) AS weak
FROM both_ways w JOIN residence_tie t ON t.kind = w.kind
JOIN life a ON a.person_id = w.one AND NOT a.gone JOIN life b ON b.person_id = w.other AND NOT b.gone
WHERE w.one <> w.other GROUP BY w.one, w.other;

-- stage: seen — the last time a visit met each person, and where
CREATE OR REPLACE TABLE seen AS
SELECT person_id, max(said_at) AS seen_at, arg_max(dwelling_id, (said_at, record_key)) AS dwelling_id
FROM said WHERE group_kind = 'visit' AND dwelling_id IS NOT NULL GROUP BY person_id;

-- stage: met_family — dwellings whose newest visit met somebody of one's family (or oneself)
CREATE OR REPLACE TABLE met_family AS
WITH met AS (SELECT DISTINCT v.dwelling_id, v.visited_at, f.person_id FROM latest_visit v JOIN fact f ON f.group_kind = 'visit' AND f.group_key = v.event_id)
SELECT dwelling_id, person_id, max(himself) AS himself FROM (
    SELECT dwelling_id, person_id, 1 AS himself FROM met
    UNION ALL SELECT m.dwelling_id, b.one, 0 FROM met m JOIN bond b ON b.other = m.person_id AND NOT b.loose AND NOT b.weak
) GROUP BY ALL;

-- stage: newer — the dwelling of the newest dated word on a person, when that was, and when the newest on any other was
CREATE OR REPLACE TABLE newer AS
SELECT person_id, arg_max(dwelling_id, (said_at, dwelling_id)) AS dwelling_id, max(said_at) AS said_at, max(said_at, 2)[2] AS other_at
FROM (
    SELECT person_id, dwelling_id, max(said_at) AS said_at FROM said JOIN overtaking_step USING (step) WHERE overtakes AND dwelling_id IS NOT NULL GROUP BY 1, 2
) GROUP BY person_id;

-- stage: score_0 — what speaks for a person in a dwelling by his own records, less what a later visit contradicts
CREATE OR REPLACE TABLE score_0 AS
WITH weighed AS (
    SELECT s.*, s.weight
        * CASE WHEN v.visited_at IS NULL OR s.said_at >= v.visited_at OR m.himself = 1 THEN 1
               WHEN v.nobody THEN getvariable('empty')
               WHEN m.himself = 0 THEN getvariable('missed') ELSE getvariable('not_met') END
        * CASE WHEN n.dwelling_id <> s.dwelling_id AND n.seen_at > s.said_at THEN getvariable('moved')
               WHEN s.step IN (SELECT step FROM overtaking_step WHERE overtaken) AND CASE WHEN w.dwelling_id <> s.dwelling_id THEN w.said_at ELSE w.other_at END > s.said_at
               THEN getvariable('overtaken') ELSE 1 END AS stands
    FROM said s
    LEFT JOIN latest_visit v ON v.dwelling_id = s.dwelling_id
    LEFT JOIN met_family m ON m.dwelling_id = s.dwelling_id AND m.person_id = s.person_id
    LEFT JOIN seen n ON n.person_id = s.person_id
    LEFT JOIN newer w ON w.person_id = s.person_id
    LEFT JOIN (SELECT DISTINCT adult, home FROM apart) p ON p.adult = s.person_id AND p.home = s.dwelling_id
    WHERE s.dwelling_id IS NOT NULL AND (p.adult IS NULL OR s.step <> 'parent')
), best AS (  -- what one feed says of a dwelling counts once
    SELECT person_id, dwelling_id, feed, max(stands) AS score, min(said_at) FILTER (step IN (SELECT step FROM overtaking_step)) AS since, arg_max(step, (stands, record_key)) AS step
    FROM weighed GROUP BY 1, 2, 3
)
SELECT person_id, dwelling_id, round(sum(score), 6) AS score, arg_max(step, (score, feed)) AS step, round(sum(score) FILTER (WHERE step <> 'register'), 6) AS beyond_register,
       count(*) FILTER (WHERE step NOT IN ('register', 'parent') AND score >= getvariable('least')) AS own_feeds, min(since) AS since
FROM best GROUP BY 1, 2;

-- stage: near — addresses known to a unit, building or compound only: a place of its own kind, named ~<what is known>
CREATE OR REPLACE TABLE near AS
SELECT person_id, '~' || coalesce(building_id, compound_id) || '-' || coalesce(unit, '0') || '-' || coalesce(room, '0') AS place,
       compound_id, building_id, nullif(unit, '') AS unit, nullif(room, '') AS room, round(sum(weight) * getvariable('area'), 6) AS weight
FROM said WHERE dwelling_id IS NULL GROUP BY ALL;

-- stage: site — the parts of a dwelling
CREATE OR REPLACE TABLE site AS
SELECT dwelling_id, max(compound_id) AS compound_id, max(building_id) AS building_id, max(unit) AS unit, max(room) AS room
FROM said WHERE dwelling_id IS NOT NULL GROUP BY 1;

-- stage: homely — who has a record of his own, the register apart, that says where he lives
CREATE OR REPLACE TABLE homely AS
SELECT DISTINCT person_id FROM said WHERE step <> 'register';

-- stage: passed — evidence of relatives passes over, less where the newest visit met others or only them; a loose tie
-- strengthens a home that a person's own records name, and finds one only for who has no such record; a weak one finds none where
-- a visit told who lives there
CREATE OR REPLACE MACRO passed(scores) AS TABLE
SELECT b.one AS person_id, s.dwelling_id, arg_max(b.kind, (b.weight * s.score, b.kind)) AS kind,
       max(b.weight * s.score * CASE WHEN v.visited_at IS NULL OR m.himself = 1 THEN 1
                                     WHEN m.himself = 0 THEN getvariable('missed') ELSE getvariable('not_met') END) AS score
FROM bond b JOIN query_table(scores) s ON s.person_id = b.other
LEFT JOIN latest_visit v ON v.dwelling_id = s.dwelling_id
LEFT JOIN met_family m ON m.dwelling_id = s.dwelling_id AND m.person_id = b.one
LEFT JOIN score_0 o ON o.person_id = b.one AND o.dwelling_id = s.dwelling_id
WHERE (NOT b.loose OR o.beyond_register > 0 OR b.one NOT IN (SELECT person_id FROM homely))
  AND (NOT b.weak OR o.score > 0 OR v.visited_at IS NULL OR m.himself = 1)
GROUP BY 1, 2;

-- stage: score_1 — own evidence and that of relatives
CREATE OR REPLACE TEMP TABLE score_1 AS
SELECT coalesce(o.person_id, p.person_id) AS person_id, coalesce(o.dwelling_id, p.dwelling_id) AS dwelling_id,
       coalesce(o.score, 0) + coalesce(p.score, 0) AS score
FROM score_0 o FULL JOIN passed('score_0') p ON p.person_id = o.person_id AND p.dwelling_id = o.dwelling_id;

-- stage: score_2 — once more, and with addresses that are not exact: they speak for each room they can mean
CREATE OR REPLACE TABLE score_2 AS
WITH found AS (
    SELECT coalesce(o.person_id, p.person_id) AS person_id, coalesce(o.dwelling_id, p.dwelling_id) AS dwelling_id,
           coalesce(o.score, 0) AS own, coalesce(p.score, 0) AS passed, p.kind, o.step
    FROM score_0 o FULL JOIN passed('score_1') p ON p.person_id = o.person_id AND p.dwelling_id = o.dwelling_id
), inexact AS MATERIALIZED (  -- by person first: a compound has thousands of rooms
    SELECT c.dwelling_id, n.* FROM found c JOIN near n USING (person_id)
), around AS (
    SELECT n.person_id, n.dwelling_id, round(sum(n.weight), 6) AS score, list(DISTINCT n.place) AS places
    FROM inexact n JOIN site t USING (dwelling_id)
    WHERE n.compound_id = t.compound_id AND coalesce(n.building_id, t.building_id) = t.building_id
      AND coalesce(n.unit, t.unit, '') = coalesce(t.unit, '') AND coalesce(n.room, t.room, '') = coalesce(t.room, '')
    GROUP BY 1, 2
)
SELECT c.person_id, c.dwelling_id, NULL AS place, c.own, c.passed, c.kind, c.step, c.own + c.passed + coalesce(a.score, 0) AS score
FROM found c LEFT JOIN around a USING (person_id, dwelling_id)
UNION ALL  -- somewhere in that building, in no room that anything else names
SELECT n.person_id, NULL, n.place, n.weight, 0, NULL, NULL, n.weight
FROM near n ANTI JOIN (SELECT person_id, unnest(places) AS place FROM around) USING (person_id, place);

-- stage: absent — registered here, known to nobody else, and by the family's picture gone (人户分离), with the reason
CREATE OR REPLACE TABLE absent AS
WITH book AS (
    SELECT c.book, bool_or(c.traced) AS traced, bool_or(c.part IN ('minor', 'grandchild', 'young')) AS minors,
           bool_or(c.part IN ('head', 'spouse') AND m.himself = 1) AS visited
    FROM book_core c LEFT JOIN met_family m ON m.person_id = c.person_id GROUP BY c.book
), unseen AS (
    SELECT c.person_id,
           CASE WHEN s.person_id IS NOT NULL THEN 'found_empty' WHEN NOT b.traced AND b.minors THEN 'unknown_children'
                WHEN c.part IN ('grown', 'other') AND (NOT b.traced OR b.visited OR coalesce(c.age, 99) >= getvariable('leaving')) THEN 'grown' END AS reason
    FROM book_core c JOIN book b USING (book)
    LEFT JOIN (SELECT s.person_id FROM said s JOIN latest_visit v USING (dwelling_id) GROUP BY s.person_id HAVING bool_and(v.nobody)) s USING (person_id)
    WHERE NOT c.traced
)
SELECT * FROM unseen
WHERE reason IS NOT NULL AND person_id NOT IN (SELECT m.one FROM married m JOIN life l ON l.person_id = m.other WHERE l.traced AND NOT l.gone)
  AND person_id NOT IN (SELECT adult FROM apart WHERE away)
UNION ALL  -- unless a record of his own names a home
SELECT DISTINCT adult, 'left_behind' FROM apart JOIN life l ON l.person_id = adult AND NOT l.gone
WHERE away AND adult NOT IN (SELECT person_id FROM said WHERE step NOT IN ('register', 'parent'));

-- stage: nucleus — couples and their minor children: named by the smallest member
CREATE OR REPLACE TABLE nucleus AS
WITH RECURSIVE tie AS (
    SELECT b.one, b.other FROM bond b
    WHERE b.core AND b.one NOT IN (SELECT person_id FROM absent) AND b.other NOT IN (SELECT person_id FROM absent)
), reach(person_id, leader) AS (
    SELECT DISTINCT one, one FROM tie
    UNION
    SELECT t.other, r.leader FROM reach r JOIN tie t ON t.one = r.person_id WHERE t.other > r.leader
)
SELECT person_id, min(leader) AS leader FROM reach GROUP BY person_id;

-- stage: joint — where the evidence of the whole nucleus says it lives
CREATE OR REPLACE TEMP TABLE joint AS
SELECT n.leader, arg_max(struct_pack(dwelling_id := x.dwelling_id, place := x.place), (x.score, coalesce(x.dwelling_id, x.place))) AS home
FROM nucleus n JOIN (
    SELECT n.leader, s.dwelling_id, s.place, round(sum(s.score), 6) AS score FROM nucleus n JOIN score_2 s USING (person_id) GROUP BY ALL
) x ON x.leader = n.leader GROUP BY n.leader;

-- stage: own_choice — the dwelling with most behind it, by person
CREATE OR REPLACE TEMP TABLE own_choice AS
SELECT person_id, arg_max(struct_pack(dwelling_id, place, own, passed, score, kind, step), (score, coalesce(dwelling_id, place))) AS best,
       round(sum(score), 6) AS all_score
FROM score_2 WHERE person_id NOT IN (SELECT person_id FROM absent)
GROUP BY person_id;

-- stage: choice — the nucleus' home, but who was himself last met elsewhere stays there, and so does a parent of its
-- children who is married to nobody in it and has a home by his own records, and any adult of whom several feeds name the one
-- home and none the other
CREATE OR REPLACE TEMP TABLE choice AS
WITH decided AS (
    SELECT c.person_id, c.best, c.all_score, j.home
    FROM own_choice c LEFT JOIN nucleus n USING (person_id) LEFT JOIN joint j ON j.leader = n.leader
), kept AS (
    SELECT d.*, home IS NULL OR coalesce(e.dwelling_id = d.best.dwelling_id, false)
        OR (coalesce(b.age, 99) >= getvariable('adult') AND d.best.own > 0 AND d.best.step <> 'register'
            AND (d.person_id NOT IN (SELECT one FROM bond WHERE kind = 'couple') OR (o.own_feeds >= getvariable('own_feeds') AND coalesce(h.beyond_register, 0) = 0))) AS own
    FROM decided d LEFT JOIN seen e ON e.person_id = d.person_id LEFT JOIN born b ON b.person_id = d.person_id
    LEFT JOIN score_0 o ON o.person_id = d.person_id AND o.dwelling_id = d.best.dwelling_id
    LEFT JOIN score_0 h ON h.person_id = d.person_id AND h.dwelling_id = d.home.dwelling_id
)
SELECT k.person_id, CASE WHEN k.own THEN k.best
                         ELSE struct_pack(dwelling_id := k.home.dwelling_id, place := k.home.place, own := coalesce(s.own, 0), passed := coalesce(s.passed, 0),
                                          score := coalesce(s.score, 0), kind := s.kind, step := s.step) END AS best,
       CASE WHEN k.own THEN k.best.score ELSE coalesce(s.score, 0) END / k.all_score AS share
FROM kept k LEFT JOIN score_2 s ON s.person_id = k.person_id AND s.dwelling_id IS NOT DISTINCT FROM k.home.dwelling_id AND s.place IS NOT DISTINCT FROM k.home.place;

-- stage: resident — everyone alive who is not away, with his dwelling if any
CREATE OR REPLACE TABLE resident AS
SELECT l.person_id, CASE WHEN c.best.score >= getvariable('least') THEN c.best.dwelling_id END AS dwelling_id, c.best AS best, c.share, l.traced
FROM life l LEFT JOIN choice c USING (person_id)
WHERE NOT l.gone AND l.person_id NOT IN (SELECT person_id FROM absent)
  AND (l.traced OR EXISTS (SELECT 1 FROM register_member r WHERE r.person_id = l.person_id));

-- stage: paired — adults who are of one nucleus with another adult: couples
CREATE OR REPLACE TEMP TABLE paired AS
SELECT n.person_id FROM nucleus n JOIN born b USING (person_id) WHERE b.age >= getvariable('adult')
QUALIFY count(*) OVER (PARTITION BY n.leader) > 1;

-- stage: trait — what tells whether two people can be a family
CREATE OR REPLACE TEMP TABLE trait AS
SELECT r.person_id, r.dwelling_id, b.birth_date, b.age, r.person_id IN (SELECT person_id FROM paired) AS paired, r.best.own > 0 AND r.best.step <> 'register' AS seen_here,
       v.sex, left(v.name, 1) AS surname
FROM resident r LEFT JOIN born b ON b.person_id = r.person_id LEFT JOIN person_value v ON v.person_id = r.person_id
WHERE r.dwelling_id IN (SELECT dwelling_id FROM resident GROUP BY 1 HAVING count(*) BETWEEN 2 AND getvariable('crowd'));

-- stage: fit — one dwelling, no visit that told them apart, and ages that make a couple or parent and child;
-- who is known without birth date is hardly a family of his own
CREATE OR REPLACE TEMP TABLE fit AS
SELECT a.person_id AS one, b.person_id AS other
FROM trait a JOIN trait b ON b.dwelling_id = a.dwelling_id AND b.person_id <> a.person_id
LEFT JOIN latest_visit v ON v.dwelling_id = a.dwelling_id
WHERE a.age IS NULL OR b.age IS NULL
   OR (v.dwelling_id IS NULL AND a.seen_here AND b.seen_here
       AND ((a.sex <> b.sex AND NOT a.paired AND NOT b.paired AND least(a.age, b.age) >= getvariable('adult') AND date_sub('year', least(a.birth_date, b.birth_date), greatest(a.birth_date, b.birth_date)) <= getvariable('couple_years'))
            OR (a.surname = b.surname AND date_sub('year', least(a.birth_date, b.birth_date), greatest(a.birth_date, b.birth_date)) BETWEEN getvariable('generation_from') AND getvariable('generation_to'))));

-- stage: joined — ties between people of one dwelling (without a dwelling: those of the closest family only)
CREATE OR REPLACE TEMP TABLE joined AS
SELECT a.person_id AS one, b.person_id AS other FROM resident a JOIN bond t ON t.one = a.person_id JOIN resident b ON b.person_id = t.other
WHERE a.dwelling_id = b.dwelling_id OR (a.dwelling_id IS NULL AND b.dwelling_id IS NULL AND t.kind IN ('couple', 'minor', 'card', 'met'))
UNION SELECT one, other FROM fit;

-- stage: party — who hangs together
CREATE OR REPLACE TEMP TABLE party AS
WITH RECURSIVE reach(person_id, leader) AS (
    SELECT person_id, person_id FROM resident
    UNION
    SELECT j.other, r.leader FROM reach r JOIN joined j ON j.one = r.person_id WHERE j.other > r.leader
)
SELECT person_id, min(leader) AS leader FROM reach GROUP BY person_id;

-- stage: seat — of several families in one dwelling, the one with most behind it keeps the plain key of the dwelling
CREATE OR REPLACE TEMP TABLE seat AS
SELECT p.leader, r.dwelling_id, round(sum(coalesce(r.best.score, 0)), 6) AS strength,
       CASE WHEN r.dwelling_id IS NULL THEN '@' || p.leader
            WHEN row_number() OVER (PARTITION BY r.dwelling_id ORDER BY strength DESC, p.leader) = 1 THEN r.dwelling_id
            ELSE r.dwelling_id || '#' || p.leader END AS group_key
FROM resident r JOIN party p USING (person_id) GROUP BY p.leader, r.dwelling_id;

-- stage: residence — persons by dwelling and family, why, and how sure: the share of all evidence that speaks for this
-- dwelling, the less sure the less evidence there is at all; in doubt where nothing but a weak tie does
CREATE OR REPLACE TABLE residence AS
SELECT s.group_key, r.person_id, r.dwelling_id,
       CASE WHEN r.dwelling_id IS NULL THEN 'no_address' WHEN r.best.own > 0 THEN r.best.step ELSE 'family' END AS basis,
       list_max(list_filter(getvariable('levels'), lambda x: x = list_min(getvariable('levels')) OR x <= round(
           coalesce(r.share * (getvariable('sure') - getvariable('unsure') * pow(0.5, r.best.score / getvariable('enough'))), getvariable('sure_of_none')), 6)
           AND (t.kind IS NULL OR x < getvariable('doubtful')))) AS confidence,
       CAST(o.since AS DATE) AS valid_from  -- the first dated record that has him here
FROM resident r JOIN party p USING (person_id) JOIN seat s ON s.leader = p.leader AND s.dwelling_id IS NOT DISTINCT FROM r.dwelling_id
LEFT JOIN score_0 o ON o.person_id = r.person_id AND o.dwelling_id = r.dwelling_id
LEFT JOIN residence_tie t ON t.weak AND t.kind = r.best.kind AND r.best.score = r.best.passed AND r.dwelling_id IS NOT NULL;
