"""Dockerfiles over REST, and the command's reading of the answer."""

import json
from pathlib import Path

import pytest
from django.utils import timezone
from goldgate_cli import sarif
from rest_framework.test import APIClient

from accounts.roles import Role
from audit.models import Record
from builds.domain.rules import RULES
from builds.models import Check
from tests.builds.dockerfile.support import certify, reference_of
from tests.client import dockerfile_answers
from tests.factories.accounts import person_with

pytestmark = pytest.mark.django_db
URL = "/api/v1/dockerfile-checks"


@pytest.fixture
def client():
    client = APIClient()
    client.force_authenticate(person_with(Role.AUDITOR))
    return client


@pytest.fixture
def debian():
    """Certified by the clock that the API goes by."""
    return certify(timezone.now(), "debian/12")


@pytest.fixture
def ask(client, debian):
    def act(text: str = dockerfile_answers.TEXT, **more):
        return client.post(URL, {"dockerfile": text, **more}, format="json")

    return act


class TestChecks:
    def test_says_what_is_wrong_and_what_bases_stand_for(self, ask, debian):
        answer = ask()
        assert answer.status_code == 200
        told = answer.json()
        assert told["outcome"] == "fail"
        assert ("GG1055", "error", 2) in [(one["rule"], one["severity"], one["line"]) for one in told["results"]]
        (base,) = told["bases"]
        assert (base["kind"], base["reference"], base["fix"]) == (
            "certified",
            reference_of(debian),
            reference_of(debian),
        )
        assert told["fixed"] == dockerfile_answers.TEXT.replace("debian:12", reference_of(debian))

    def test_names_each_rule_that_has_a_result(self, ask):
        told = ask().json()
        named = {one["id"] for one in told["rules"]}
        assert named == {one["rule"] for one in told["results"]} & RULES.keys()

    def test_has_the_members_that_the_command_reads(self, ask):
        told, expected = ask().json(), dockerfile_answers.answer()
        assert told.keys() == expected.keys()
        for member in ("results", "bases", "rules"):
            assert told[member][0].keys() == expected[member][0].keys()

    def test_becomes_sarif(self, ask, debian):
        told = ask().json()
        log = sarif.report(told, dockerfile_answers.TEXT, "Dockerfile", rules_url="https://goldgate.example/rules")
        results = log["runs"][0]["results"]
        assert len(results) == len(told["results"])
        (fixed,) = [one for one in results if one["ruleId"] == "GG1007"]
        change = fixed["fixes"][0]["artifactChanges"][0]["replacements"][0]
        assert change["insertedContent"]["text"] == reference_of(debian)
        assert json.dumps(log)

    def test_arguments_target_and_platforms_count(self, ask):
        text = "ARG B\nFROM ${B} AS a\nUSER 0\nFROM debian:12 AS b\nUSER 5\n"
        told = ask(text, arguments={"B": "debian:12"}, target="a", platforms=["linux/arm64"]).json()
        assert "GG1020" in [one["rule"] for one in told["results"]]
        assert "GG1020" not in [
            one["rule"] for one in ask(text, arguments={"B": "debian:12"}, target="b").json()["results"]
        ]

    def test_keeps_nothing(self, ask):
        before = Record.objects.count()
        ask()
        assert (Check.objects.count(), Record.objects.count()) == (0, before)


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/dockerfile"),
            ({"dockerfile": ""}, "/dockerfile"),
            ({"dockerfile": 1}, None),
            ({"dockerfile": "FROM a\0\n"}, None),
            ({"dockerfile": "FROM a\n" + "#" * 600_000}, "/dockerfile"),
            ({"dockerfile": "FROM a\n", "arguments": {"a b": "c"}}, "/arguments"),
            ({"dockerfile": "FROM a\n", "arguments": {f"A{number}": "" for number in range(300)}}, "/arguments"),
            ({"dockerfile": "FROM a\n", "platforms": ["linux"]}, "/platforms/0"),
            ({"dockerfile": "FROM a\n", "is_base_recipe": True}, "/is_base_recipe"),
        ],
    )
    def test_names_the_field(self, client, body, pointer):
        answer = client.post(URL, body, format="json")
        assert answer.status_code == 400
        if pointer:
            assert pointer in [one["pointer"] for one in answer.json()["errors"]]

    @pytest.mark.parametrize(("text", "line"), [("FRM a\n", "Line 1"), ("FROM a\nRUN <<E\n", "heredoc"), ("x", "x")])
    def test_what_is_no_dockerfile(self, client, text, line):
        answer = client.post(URL, {"dockerfile": text}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "dockerfile_malformed")
        assert line in answer.json()["detail"]

    def test_a_target_that_is_none(self, ask):
        assert ask("FROM debian:12\n", target="none").status_code == 400


class TestRules:
    def test_lists_every_rule(self, client):
        told = client.get("/api/v1/dockerfile-rules").json()
        assert [one["id"] for one in told] == list(RULES)
        assert told[0].keys() == dockerfile_answers.answer()["rules"][0].keys()

    def test_the_page_about_them_lists_the_same(self):
        page = (Path(__file__).parents[3] / "docs" / "reference" / "dockerfile-rules.md").read_text()
        for rule in RULES.values():
            cells = (rule.id, rule.title, str(rule.severity), rule.why, rule.cure)
            row = " | ".join(cell.replace("|", "\\|") for cell in cells)
            assert f'<a id="{rule.id.lower()}"></a>{row} |' in page, rule.id
