-- tasks_due — 待办任务: what a grid worker should do at a household, and by when
-- key: task_id
WITH exam_due AS (
    SELECT f.person_id, max(e.next_due_on) AS due_on FROM fact f JOIN exam e USING (record_key)
    WHERE f.feed = 'health_elderly_exam' GROUP BY 1
), dose_due AS (
    SELECT f.person_id, min(v.next_due_on) AS due_on FROM fact f JOIN vaccination v USING (record_key)
    WHERE f.feed = 'health_child_vaccination' AND f.role = 'child' AND v.up_to_date = false GROUP BY 1
), service AS (
    SELECT household_id, person_id, name, birth_date, unnest(services_due) AS kind FROM member
), task AS (
    SELECT s.kind || '-' || s.person_id AS task_id, s.kind, s.household_id, s.person_id, s.name,
           CASE s.kind WHEN 'elderly_examination' THEN e.due_on WHEN 'vaccination' THEN d.due_on
                       WHEN 'turning_80' THEN CAST(s.birth_date + INTERVAL 80 YEAR AS DATE) END AS due_on,
           CASE s.kind WHEN 'elderly_examination' THEN '体检到期' WHEN 'vaccination' THEN '接种到期'
                       WHEN 'turning_80' THEN '年满80周岁' END AS reason
    FROM service s LEFT JOIN exam_due e USING (person_id) LEFT JOIN dose_due d USING (person_id)
    UNION ALL
    SELECT 'visit-' || household_id, 'visit', household_id, NULL, NULL, CAST(last_visit_on + INTERVAL 180 DAY AS DATE),
           CASE WHEN last_visit_on IS NULL THEN '尚无走访记录' ELSE '超过180天未走访' END
    FROM household WHERE last_visit_on IS NULL OR last_visit_on + INTERVAL 180 DAY <= getvariable('day')
    UNION ALL
    SELECT 'verify-' || d.person_id, 'verify', d.household_id, d.person_id, any_value(m.name), NULL,
           string_agg(DISTINCT l.zh, '、' ORDER BY l.zh) || '：各部门不一致'
    FROM dispute d JOIN member m USING (household_id, person_id) JOIN label l ON l.list = 'attribute' AND l.code = d.attribute
    WHERE d.attribute IN ('name', 'sex', 'birth_date', 'id_number', 'phone')  -- what a grid worker sees and can ask
    GROUP BY d.household_id, d.person_id
    UNION ALL
    SELECT 'residence-' || person_id, 'verify', household_id, person_id, name, NULL, '是否住在此处' FROM member WHERE uncertain
    UNION ALL
    SELECT 'request-' || q.request, 'request', q.household_id, NULL, NULL, NULL, q.category
    FROM (SELECT household_id, unnest(requests, recursive := true) FROM household) q
)
SELECT t.task_id, l.zh AS kind, t.household_id, t.person_id, t.name, h.community_code, h.community, h.grid_id, h.compound,
       h.building, h.unit, h.room, t.due_on, t.reason
FROM task t JOIN household h USING (household_id) LEFT JOIN label l ON l.list = 'service_due' AND l.code = t.kind
-- a task shared by two households (families of one flat, a family over two) is done once
QUALIFY row_number() OVER (PARTITION BY t.task_id ORDER BY t.household_id) = 1
