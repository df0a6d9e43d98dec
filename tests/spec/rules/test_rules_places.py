"""Rules about who is who, references and the directory (contracts/rules/identity.yaml, references.yaml, directory.yaml)."""

from __future__ import annotations

from datetime import UTC, date, datetime


class TestIdentity:
    def test_two_people_with_one_number(self, rules):
        rows = [
            rules.registered("1", id_number="A"),
            rules.registered("2", id_number="A"),
            rules.registered("3", id_number="B"),
        ]
        assert rules.broken("identity.shared_number", mention=rows) == {"psb_register:1", "psb_register:2"}

    def test_one_person_registered_in_two_places(self, rules):
        rows = [rules.registered("1", "S|1") | {"person_id": "P"}, rules.registered("2", "S|2") | {"person_id": "P"}]
        assert rules.broken("identity.registered_twice", mention=rows) == {"P"}
        assert rules.broken("identity.registered_twice", mention=[rows[0], rows[1] | {"ended": True}]) == set()

    def seen(self, building, day):
        return {
            "feed": "grid_visit",
            "record_key": f"{building}{day}#0",
            "role": "resident",
            "person_id": "P",
            "building_id": building,
            "unit": "1",
            "source_time": datetime(2026, *day, tzinfo=UTC),
        }

    GRIDS = [
        {"record_key": "1", "grid_id": "G1", "building_id": "B1", "starts_on": date(2020, 1, 1)},
        {"record_key": "2", "grid_id": "G2", "building_id": "B2", "unit": "1", "starts_on": date(2020, 1, 1)},
        {
            "record_key": "3",
            "grid_id": "G9",
            "building_id": "B2",
            "unit": "1",
            "starts_on": date(2010, 1, 1),
            "ends_on": date(2020, 1, 1),
        },
    ]

    def test_one_person_in_two_grids_within_a_month(self, rules):
        visits = [self.seen("B1", (5, 1)), self.seen("B2", (5, 20))]
        assert rules.judge("identity.two_grids", mention=visits, org_grid_buildings=self.GRIDS) == {
            "P": (True, {"grids": 2})
        }

    def test_a_move_half_a_year_later_is_no_contradiction(self, rules):
        visits = [self.seen("B1", (1, 1)), self.seen("B2", (7, 20))]
        assert rules.broken("identity.two_grids", mention=visits, org_grid_buildings=self.GRIDS) == set()

    def test_a_permit_for_somebody_registered_here(self, rules):
        holder = {"feed": "psb_permit", "record_key": "Z", "base_key": "Z", "person_id": "P1"}
        permit = {"record_key": "Z", "status": "1", "register_division": "130705"}
        here = rules.registered("1") | {"person_id": "P1"}
        assert rules.broken("identity.permit_of_registered", mention=[holder, here], psb_permit=[permit]) == {
            "psb_permit:Z"
        }
        assert rules.broken("identity.permit_of_registered", mention=[holder], psb_permit=[permit]) == set()

    def test_a_guardians_number_for_the_child(self, rules):
        row = {"record_key": "G", "id_number": "A", "guardian1_id": "B", "guardian2_id": "A"}
        assert rules.broken("identity.guardian_number_for_child", edu_enrolment=[row]) == {"edu_enrolment:G"}
        assert rules.broken("identity.guardian_number_for_child", edu_enrolment=[row | {"guardian2_id": None}]) == set()


class TestReferences:
    def test_an_examination_without_archive(self, rules):
        exams = [{"record_key": "E1", "archive_no": "R1"}, {"record_key": "E2", "archive_no": "R2"}]
        archives = [{"record_key": "R1"}]
        found = rules.broken("references.exam_archive", health_elderly_exam=exams, health_record=archives)
        assert found == {"health_elderly_exam:E2"}

    def test_a_member_without_family(self, rules):
        people = [{"record_key": "C1|A", "card_no": "C1"}, {"record_key": "C2|A", "card_no": "C2"}]
        families = [{"record_key": "C1", "card_no": "C1"}]
        found = rules.broken(
            "references.assistance_card", civil_assistance_person=people, civil_assistance_family=families
        )
        assert found == {"civil_assistance_person:C2|A"}

    def test_a_disability_card_nobody_issued(self, rules):
        people = [{"record_key": "C1|A", "disability_card": "X"}, {"record_key": "C1|B"}]
        assert rules.broken("references.disability_card", civil_assistance_person=people) == {
            "civil_assistance_person:C1|A"
        }

    COMPOUNDS = [
        {"record_key": "C1", "ends_on": date(2025, 1, 1)},
        {"record_key": "C2"},
        {"record_key": "C3", "ends_on": date(2027, 1, 1)},
    ]

    def test_a_shop_in_a_dissolved_compound(self, rules):
        shops = [{"record_key": f"U{i}", "premises": f"A{i}", "status": "active"} for i in (1, 2, 3)]
        places = [{"address_text": f"A{i}", "compound_id": f"C{i}"} for i in (1, 2, 3)]
        found = rules.broken(
            "references.shop_in_dissolved_compound", market_entity=shops, address=places, org_compounds=self.COMPOUNDS
        )
        assert found == {"market_entity:U1"}

    def test_an_operator_living_in_a_dissolved_compound(self, rules):
        rows = [
            {"feed": "market_entity", "record_key": f"U{i}", "role": "operator", "compound_id": f"C{i}"} for i in (1, 2)
        ]
        found = rules.broken("references.operator_in_dissolved_compound", mention=rows, org_compounds=self.COMPOUNDS)
        assert found == {"market_entity:U1"}

    def test_a_visit_by_a_worker_nobody_knows(self, rules):
        visits = [{"record_key": "V1", "worker_id": "W1"}, {"record_key": "V2", "worker_id": "W2"}]
        found = rules.broken("references.visit_worker", grid_visit=visits, org_grid_workers=[{"record_key": "W1"}])
        assert found == {"grid_visit:V2"}


class TestDirectory:
    SINCE = {"starts_on": date(2020, 1, 1)}

    def test_a_unit_in_two_grids_and_one_in_none(self, rules):
        buildings = [
            {"record_key": "B1", "compound_id": "C", "units": 2},
            {"record_key": "B2", "compound_id": "C", "units": 2},
        ]
        laid = [
            {"record_key": "1", "grid_id": "G1", "building_id": "B1", **self.SINCE},
            {"record_key": "2", "grid_id": "G2", "building_id": "B2", "unit": "1", **self.SINCE},
        ]
        rule = "directory.unit_in_one_grid"
        assert rules.judge(rule, org_buildings=buildings, org_grid_buildings=laid) == {
            "org_buildings:B1": (False, {"units": 0}),
            "org_buildings:B2": (True, {"units": 1}),
        }
        twice = [*laid, {"record_key": "3", "grid_id": "G2", "building_id": "B1", "unit": "2", **self.SINCE}]
        assert rules.broken(rule, org_buildings=buildings[:1], org_grid_buildings=twice) == {"org_buildings:B1"}

    def test_a_demolished_building_needs_no_grid(self, rules):
        gone = [{"record_key": "C", "ends_on": date(2025, 1, 1)}]
        assert (
            rules.judge(
                "directory.unit_in_one_grid",
                org_buildings=[{"record_key": "B", "compound_id": "C", "units": 1}],
                org_compounds=gone,
            )
            == {}
        )

    def test_a_grid_without_its_worker(self, rules):
        grids = [{"record_key": g, "grid_id": g, **self.SINCE} for g in ("G1", "G2")]
        workers = [
            {"record_key": "W1", "grid_id": "G1", "kind": "full_time", **self.SINCE},
            {"record_key": "W2", "grid_id": "G2", "kind": "full_time", "ends_on": date(2024, 1, 1), **self.SINCE},
        ]
        assert rules.broken("directory.grid_worker", org_grids=grids, org_grid_workers=workers) == {"org_grids:G2"}

    def test_a_compound_without_liaison(self, rules):
        compounds = [{"record_key": c, "compound_id": c, **self.SINCE} for c in ("C1", "C2")]
        units = [{"record_key": "1", "unit_id": "U", "compound_id": "C1", **self.SINCE}]
        workers = [{"record_key": "W", "kind": "liaison", "compound_id": "C2", **self.SINCE}]
        assert rules.broken("directory.liaison_unit", org_compounds=compounds, org_liaison_compounds=units) == {
            "org_compounds:C2"
        }
        assert rules.broken("directory.liaison_worker", org_compounds=compounds, org_grid_workers=workers) == {
            "org_compounds:C1"
        }

    def test_a_service_room_too_small(self, rules):
        rooms = [
            {"record_key": "F1", "kind": "service_room", "area_m2": 420.0},
            {"record_key": "F2", "kind": "home_care", "area_m2": 100.0},
        ]
        assert rules.judge("directory.service_room", org_facilities=rooms) == {
            "org_facilities:F1": (True, {"area_m2": 420.0})
        }
