-- stage: ticket — what each department is asked to verify (校核): its own record against the population register, and who is dead
CREATE OR REPLACE TABLE ticket AS
WITH standing AS (
    SELECT f.*, d.department FROM fact f JOIN department d USING (feed)
    -- an operator is the market register's own entry; what a grid worker met is verified by the next visit, not by a ticket
    WHERE (f.own OR f.feed = 'market_entity') AND NOT f.ended AND d.department <> 'grid'
), registered AS (  -- the register's word on a person, where it is the one that stands
    SELECT person_id, feed, unnest([struct_pack(attribute := 'name', value := name), struct_pack(attribute := 'sex', value := sex),
           struct_pack(attribute := 'birth_date', value := birth_date), struct_pack(attribute := 'id_number', value := id_number)], recursive := true)
    FROM provenance WHERE feed IN ('psb_register', 'psb_permit')
), typed AS (
    SELECT feed, record_key, department, person_id, 'name' AS attribute, name AS value FROM standing
    -- a newborn's stand-in and a name cut or masked by its source say nothing against another
    WHERE regexp_full_match(name, '[\p{Han}·]{2,}') AND NOT regexp_matches(name, '之[子女]$')
    UNION ALL SELECT feed, record_key, department, person_id, 'sex', sex FROM standing WHERE sex IN ('1', '2')
    UNION ALL SELECT feed, record_key, department, person_id, 'birth_date', CAST(birth_date AS VARCHAR) FROM standing
    WHERE birth_date IS NOT NULL AND coalesce(birth_precision, 'day') = 'day'
    UNION ALL SELECT feed, record_key, department, person_id, 'id_number', id_number FROM standing WHERE id_number IS NOT NULL
), reported AS (
    SELECT person_id, list(DISTINCT feed ORDER BY feed) AS feeds FROM fact WHERE dead AND own GROUP BY person_id
)
SELECT t.person_id, t.department, t.feed, t.record_key, t.attribute, 'differs_from_register' AS kind,
       CAST(to_json(struct_pack(against := [r.feed])) AS VARCHAR) AS detail
FROM typed t JOIN registered r USING (person_id, attribute)
WHERE t.department <> 'public_security' AND t.value <> r.value
UNION ALL
SELECT s.person_id, s.department, s.feed, s.record_key, 'life', 'dead_but_active', CAST(to_json(struct_pack(against := r.feeds)) AS VARCHAR)
FROM standing s JOIN reported r USING (person_id)
WHERE NOT s.dead AND s.feed NOT IN ('civil_marriage', 'civil_death', 'health_elderly_exam', 'health_child_vaccination');
