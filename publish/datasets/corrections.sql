-- corrections — 数据校核单: values a department is asked to verify; it answers in ten working days (政务数据共享条例 §26)
-- key: ticket_id
SELECT t.ticket_id, t.department AS owner, f.title AS feed, t.record_key, coalesce(a.zh, t.attribute) AS attribute,
       coalesce(k.zh, t.kind) AS kind, CAST(t.recorded_from AS DATE) AS asked_on, w.due_on
FROM ticket t
LEFT JOIN feed f USING (feed)
LEFT JOIN label a ON a.list = 'attribute' AND a.code = t.attribute
LEFT JOIN label k ON k.list = 'ticket_kind' AND k.code = t.kind
LEFT JOIN reply_day w ON w.asked_on = CAST(t.recorded_from AS DATE)
