-- stage: person_row — the rows of the persons in ``bucket``, with every value's source: by the records they come from, which
-- are few (times by Shanghai's clock), each with [value, confidence, how many feeds differ] by attribute. The list is sorted as the
-- texts it is of, which begin with what they are sorted by: an aggregate with an order of its own sorts each group by itself, at twice the cost
WITH source AS (
    SELECT person_id, '[' || array_to_string(list_sort(list(left(to_json(struct_pack(feed, record := record_key, batch := batch_id,
               "time" := CAST(make_timestamp(epoch_us(source_time) + 28800000000) AS VARCHAR) || '+08')), -1) || ',"values":{' || told || '}}')), ',') || ']' AS attributes
    FROM provenance WHERE person_id IN (SELECT id FROM bucket) GROUP BY person_id
)
SELECT p.person_id, p.name, p.sex, p.birth_date, p.id_number, p.dwelling_id, p.community_code, p.alive, p.content_hash,
       coalesce(s.attributes, '[]') AS attributes
FROM person_profile p JOIN bucket b ON b.id = p.person_id LEFT JOIN source s USING (person_id);

-- stage: profile_row — the profiles in ``bucket``, with their documents; ``day`` is when the version was made. The sources of
-- the members' values stand in their own rows (profiles.history puts them in)
WITH wanted AS (
    SELECT c.* FROM card c JOIN bucket b ON b.id = c.household_id
), disputed AS (
    SELECT c.household_id, array_to_string(list_sort(list(to_json(struct_pack(person_id := v.person_id, attribute := v.attribute, feeds_against := v.differing)))), ',') AS disputes
    FROM wanted c JOIN dispute v USING (person_id) GROUP BY c.household_id
), people AS (
    SELECT c.household_id, array_to_string(list_transform(list_sort(list(struct_pack(c.relation_order, c.birth_date, c.person_id, member := to_json(struct_pack(
               person_id := c.person_id, head := c.head IS NOT DISTINCT FROM true, name := v.name, sex := v.sex, birth_date := CAST(v.birth_date AS VARCHAR), id_number := v.id_number,
               phone := v.phone, ethnicity := v.ethnicity, marital_status := v.marital_status, schooling := v.schooling,
               register := struct_pack(household := c.register_key, relation := c.relation),
               lives_here := struct_pack(basis := c.basis, confidence := c.membership, since := CAST(c.valid_from AS VARCHAR),
                                         uncertain := c.membership < getvariable('doubtful')),
               tags := c.tags, services_due := c.services))))), lambda x: x.member), ',') AS members
    FROM wanted c LEFT JOIN person_value v USING (person_id) GROUP BY c.household_id
)
SELECT p.household_id, CAST(coalesce(l.version, 0) + 1 AS INTEGER) AS version, p.content_hash, p.community_code, p.grid_id, p.dwelling_id,
       left(head, -1) || ',"members":[' || m.members || '],"conflict_list":[' || coalesce(d.disputes, '') || ']}' AS document
FROM (
    SELECT p.*, CAST(to_json(struct_pack(
               household_id := p.household_id, version := CAST(coalesce(l.version, 0) + 1 AS INTEGER), as_of := CAST(getvariable('day') AS VARCHAR),
               place := struct_pack(community := p.community, compound := p.compound, building := p.building, unit := p.unit, room := p.room,
                                    community_code := p.community_code, compound_id := p.compound_id, building_id := p.building_id, dwelling_id := p.dwelling_id),
               grid := struct_pack(grid_id := p.grid_id, name := p.grid, full_time_worker := p.full_time_worker, liaison_worker := p.liaison_worker,
                                   liaison_unit := p.liaison_unit, building_lead := p.building_lead, unit_lead := p.unit_lead),
               dwelling_use := p.dwelling_use, last_visit := CAST(p.last_visit AS VARCHAR), persons := p.persons, uncertain_members := p.uncertain,
               tags := p.tags, assistance := p.assistance, services_due := p.services, enterprises := p.enterprises,
               open_requests := p.requests, conflicts := p.differing, registered_not_living := p.registered_away, events := p.events,
               quality := struct_pack(confidence := p.confidence, membership := p.membership, scores := struct_pack(
                   conformity := p.conformity, completeness := p.completeness, accuracy := p.confidence,
                   consistency := p.consistency, timeliness := p.timeliness, accessibility := p.accessibility))
           )) AS VARCHAR) AS head
    FROM profile p JOIN bucket b ON b.id = p.household_id LEFT JOIN last_version l USING (household_id)
) p
JOIN people m USING (household_id) LEFT JOIN disputed d USING (household_id) LEFT JOIN last_version l USING (household_id);
