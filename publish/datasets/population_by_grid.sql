-- population_by_grid — 网格人口统计: people and households by grid; a community's own line adds up its grids
-- key: community_code, grid_id, indicator
-- counts: value
WITH person_cell AS (
    SELECT p.community_code, p.grid_id, unnest([
        struct_pack(indicator := '常住人口', family := NULL),
        struct_pack(indicator := '常住人口：' || coalesce(p.sex, '性别不详'), family := 'sex'),
        struct_pack(indicator := '常住人口：' || CASE
            WHEN p.birth_date IS NULL THEN '年龄不详' WHEN p.birth_date > getvariable('day') - INTERVAL 15 YEAR THEN '0-14岁'
            WHEN p.birth_date > getvariable('day') - INTERVAL 60 YEAR THEN '15-59岁'
            WHEN p.birth_date > getvariable('day') - INTERVAL 80 YEAR THEN '60-79岁' ELSE '80岁及以上' END, family := 'age'),
        CASE WHEN g.person_id IS NULL THEN struct_pack(indicator := '未在本县登记户籍人口', family := NULL) END,
        CASE WHEN a.person_id IS NOT NULL THEN struct_pack(indicator := '社会救助人口', family := NULL) END]) AS cell
    FROM living p
    LEFT JOIN registered g USING (person_id)
    LEFT JOIN (SELECT DISTINCT person_id FROM assisted) a USING (person_id)
), household_cell AS (
    SELECT community_code, grid_id, unnest([
        struct_pack(indicator := '居住户', family := NULL),
        CASE WHEN list_contains(tags, 'lives_alone_old') THEN struct_pack(indicator := '独居老人户', family := NULL) END,
        CASE WHEN len(services_due) > 0 THEN struct_pack(indicator := '有待办服务的户', family := NULL) END]) AS cell
    FROM household
), counted AS (
    SELECT community_code, coalesce(grid_id, '未划入网格') AS grid_id, cell.indicator AS indicator, cell.family AS family, count(*) AS value
    FROM (SELECT * FROM person_cell UNION ALL SELECT * FROM household_cell)
    WHERE community_code IS NOT NULL AND cell IS NOT NULL GROUP BY 1, 2, 3, 4
), totals AS (
    SELECT community_code, '合计' AS grid_id, indicator, family, CAST(sum(value) AS BIGINT) AS value FROM counted GROUP BY 1, 3, 4
)
SELECT community_code, grid_id, indicator, value,
       CASE WHEN grid_id <> '合计' THEN community_code || indicator END AS line_place,
       CASE WHEN family IS NOT NULL THEN community_code || grid_id || family END AS line_family
FROM (SELECT * FROM counted UNION ALL SELECT * FROM totals)
