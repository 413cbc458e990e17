import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.management.commands.openapi import FILE
from portal.openapi import make_document

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made():
    return make_document()


class TestTheDocument:
    def test_the_generator_has_nothing_to_say_against_it(self, made):
        assert made[1] == []

    def test_it_is_openapi_3_1(self, made):
        assert made[0]["openapi"].startswith("3.1")

    def test_every_operation_says_how_it_refuses(self, made):
        for operations in made[0]["paths"].values():
            for operation in operations.values():
                assert "application/problem+json" in operation["responses"]["default"]["content"]

    def test_every_operation_says_what_it_does(self, made):
        silent = [
            f"{method} {template}"
            for template, operations in made[0]["paths"].items()
            for method, operation in operations.items()
            if not operation.get("description")
        ]
        assert silent == []

    def test_operations_have_names_of_their_own(self, made):
        names = [o["operationId"] for operations in made[0]["paths"].values() for o in operations.values()]
        assert len(names) == len(set(names))

    def test_every_reference_leads_somewhere(self, made):
        text = json.dumps(made[0])
        schemas = made[0]["components"]["schemas"]
        referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
        assert referred <= set(schemas)

    def test_the_committed_file_is_the_same(self):
        """After a change: ``script/manage openapi``, and look at the difference."""
        call_command("openapi", "--check")

    def test_another_file_is_noticed(self, monkeypatch, tmp_path):
        other = tmp_path / "openapi.json"
        other.write_text(FILE.read_text().replace("people_list", "people_lists"))
        monkeypatch.setattr("portal.management.commands.openapi.FILE", other)
        with pytest.raises(CommandError, match="out of date"):
            call_command("openapi", "--check")

    def test_anybody_may_fetch_it(self):
        answer = Client().get("/api/v1/openapi.json")
        assert answer.json()["info"]["title"] == "Goldgate"
