-- separated_residence — 人户分离: registered at one dwelling of the county and living at another
-- key: person_id
SELECT h.person_id, h.name, h.sex, h.birth_date, h.id_number, h.own_subject, g.r.station_code AS station_code,
       g.r.household_no AS household_no, g.r.register_address AS register_address,
       h.community, h.compound, h.building, h.unit, h.room, h.since
FROM living h JOIN registered g USING (person_id)
WHERE h.basis <> 'register' AND g.r.dwelling_id <> h.dwelling_id
