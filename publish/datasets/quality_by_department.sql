-- quality_by_department — 部门数据质量: cells judged and cells against a rule, by the six indicators of GB/T 36344
-- key: department, feed, dimension
-- counts: evaluated, unexpected
SELECT coalesce(d.zh, f.department) AS department, f.title AS feed, r.dimension,
       CAST(sum(r.evaluated) AS BIGINT) AS evaluated, CAST(sum(r.unexpected) AS BIGINT) AS unexpected
FROM result r JOIN feed f USING (feed) LEFT JOIN label d ON d.list = 'department' AND d.code = f.department
GROUP BY 1, 2, 3
