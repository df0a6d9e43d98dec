-- household_profiles — 一户一档: a row a residence household, as its profile stands
-- key: household_id
SELECT household_id, version, as_of, community_code, community, grid_id, dwelling_id, compound, building, unit, room, dwelling_use,
       member_count, member_count = 1 AS lives_alone,
       list_transform(tags, lambda t: getvariable('tag_words')[t]) AS tags,
       list_transform(services_due, lambda s: getvariable('service_words')[s]) AS services_due,
       list_sort(list_distinct(list_transform(requests, lambda r: r.category))) AS open_requests,
       last_visit_on, full_time_worker, liaison_worker, liaison_unit, enterprises, conflicts,
       CAST(round(score * 100) AS INTEGER) AS score
FROM household
