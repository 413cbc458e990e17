"""Bases that the policy in force denies: by every way in which a Dockerfile can take an image."""

from datetime import timedelta

import pytest
from django.utils import timezone
from goldgate_cli.sarif import report
from rest_framework.test import APIClient

from accounts.roles import Role
from builds.domain.bases import BaseKind, Why
from builds.domain.dockerfile import parse
from builds.domain.pinning import pinned
from builds.services.bases import resolve_bases
from builds.services.checks import check_recipe, check_text
from gate.policy import DEFAULT_JSON
from policies import services as policies
from registry.models import TagSeen
from tests.builds.dockerfile.support import certify, imported, reference_of
from tests.factories.accounts import person_with
from tests.factories.builds import RecipeFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def deny(now):
    """``deny("docker.io/library/ubuntu", instead="debian:12")``: adopted as a platform admin does."""

    def act(*names: str, instead: str = "", at=now):
        entries = [{"name": name, "reason": "It is not patched.", "instead": instead} for name in names]
        document = {**DEFAULT_JSON, "name": "denies", "denied_bases": entries}
        return policies.adopt_policy(document=document, adopted_by=person_with(Role.PLATFORM_ADMIN), now=at)

    return act


@pytest.fixture
def one(now, debian):
    def act(reference: str, **more):
        (found,) = resolve_bases(
            parse(f"FROM {reference}\n"),
            arguments={},
            is_base_recipe=more.pop("is_base_recipe", False),
            now=now,
            **more,
        )
        return found

    return act


class TestNames:
    @pytest.mark.parametrize(
        "written",
        [
            *("ubuntu", "ubuntu:22.04", "library/ubuntu", "docker.io/library/ubuntu:22.04", "docker.io/ubuntu"),
            *("index.docker.io/library/ubuntu", "ubuntu@sha256:" + "a" * 64, "docker.io:443/library/ubuntu:1"),
            "Docker.io/library/ubuntu",
        ],
    )
    def test_every_spelling_of_a_denied_name(self, one, deny, written):
        deny("docker.io/library/ubuntu", instead="debian:12")
        found = one(written)
        assert (found.kind, found.why, found.reference, found.fix) == (BaseKind.REFUSED, Why.DENIED, "", "")
        assert found.reason == "Nobody begins from docker.io/library/ubuntu: It is not patched. Use debian:12."

    def test_before_the_policy_was_adopted_it_was_another_refusal(self, one, deny, now):
        assert one("ubuntu:22.04").why is Why.UNCERTIFIED
        deny("docker.io/library/ubuntu", at=now + timedelta(hours=1))
        assert one("ubuntu:22.04").why is Why.UNCERTIFIED

    def test_what_to_use_instead_is_a_ready_line(self, one, deny, debian):
        deny("docker.io/library/ubuntu", instead="debian:12")
        assert one("ubuntu:22.04").suggestion == f"FROM {reference_of(debian)}"

    @pytest.mark.parametrize("instead", ["", "Ask the platform team.", "fedora:40"])
    def test_where_it_is_no_certified_image_it_is_words_alone(self, one, deny, instead):
        deny("docker.io/library/ubuntu", instead=instead)
        assert one("ubuntu").suggestion == ""

    def test_a_short_name_that_is_certified_here_is_not_docker_hub_s(self, one, deny):
        deny("docker.io/library/debian")
        assert one("debian:12").kind is BaseKind.CERTIFIED
        assert one("docker.io/library/debian:12").why is Why.DENIED

    @pytest.mark.parametrize("form", ["debian:12", "debian", "{repository}:12", "{reference}", "debian@{digest}"])
    def test_also_what_is_certified(self, one, deny, debian, form):
        deny(debian.certified_repository)
        written = form.format(
            repository=debian.certified_repository, reference=reference_of(debian), digest=debian.certified_digest
        )
        assert one(written).why is Why.DENIED

    @pytest.mark.parametrize("form", ["debian:12", "debian", "{repository}", "{reference}"])
    def test_a_version_of_what_is_certified(self, one, deny, debian, now, form):
        deny(f"{debian.certified_repository}:12")
        written = form.format(repository=debian.certified_repository, reference=reference_of(debian))
        assert one(written).why is Why.DENIED
        trixie = certify(now, "debian/13")
        assert one(reference_of(trixie)).kind is BaseKind.CERTIFIED

    def test_what_a_base_recipe_adopts(self, one, deny, now):
        artifact = imported(now, "quay.example/a/base")
        written = f"quay.example/a/base@{artifact.digest}"
        assert one(written, is_base_recipe=True).kind is BaseKind.ADOPTED
        deny("quay.example/a")
        assert one(written, is_base_recipe=True).why is Why.DENIED

    def test_a_digest_that_was_seen_under_a_denied_tag(self, one, deny, now):
        artifact = imported(now, "quay.example/a/base")
        repository = artifact.repository_links.get().repository
        TagSeen.objects.create(
            repository=repository, tag="10-slim", digest=artifact.digest, artifact=artifact, seen_at=now
        )
        deny("quay.example/a/base:10")
        assert one(f"quay.example/a/base@{artifact.digest}", is_base_recipe=True).why is Why.DENIED
        assert one(f"quay.example/a/base:10@{artifact.digest}", is_base_recipe=True).why is Why.DENIED

    def test_what_a_name_stood_for_when_the_recipe_was_made(self, one, deny, debian):
        deny(debian.certified_repository)
        found = one("debian:12", recorded={(1, "debian:12"): reference_of(debian)})
        assert found.why is Why.DENIED


class TestEveryWayIn:
    TEXT = (
        "FROM ubuntu:22.04 AS tools\n"
        "FROM debian:12 AS ubuntu\n"
        "COPY --from=tools /a /a\n"
        "COPY --from=docker.io/library/ubuntu:22.04 /b /b\n"
        "RUN --mount=type=bind,from=ubuntu:24.04,target=/m true\n"
        "FROM ubuntu\n"
        "ARG WHICH=ubuntu:20.04\n"
        "USER 5\n"
    )

    def test_from_copy_and_mounts_in_every_stage_and_no_stage_s_own_name(self, deny, debian, now):
        deny("docker.io/library/ubuntu")
        found = resolve_bases(parse(self.TEXT), arguments={}, is_base_recipe=False, now=now)
        assert [(one.line, str(one.use)) for one in found if one.why is Why.DENIED] == [
            (1, "from"),
            (4, "copy"),
            (5, "mount"),
        ]

    def test_by_an_argument(self, deny, debian, now):
        deny("docker.io/library/ubuntu")
        text = "ARG BASE=debian:12\nFROM $BASE\nUSER 5\n"
        (good,) = resolve_bases(parse(text), arguments={}, is_base_recipe=False, now=now)
        (bad,) = resolve_bases(parse(text), arguments={"BASE": "ubuntu:22.04"}, is_base_recipe=False, now=now)
        assert (good.kind, bad.why) == (BaseKind.CERTIFIED, Why.DENIED)


class TestTold:
    def test_the_rule_the_line_and_no_fix(self, deny, debian, now):
        deny("docker.io/library/ubuntu", instead="debian:12")
        text = "FROM ubuntu:22.04\nUSER 5\n"
        checked = check_text(text, arguments={}, now=now)
        (found,) = [one for one in checked.results if one.rule == "GG1018"]
        assert (checked.outcome, str(found.severity), found.line) == ("fail", "error", 1)
        assert "Nobody begins from docker.io/library/ubuntu" in found.message
        assert reference_of(debian) in found.remedy
        assert not [one for one in checked.results if one.rule in ("GG1001", "DL3026")]
        assert checked.fixed == text == pinned(parse(text), checked.bases)

    def test_on_a_recipe(self, deny, debian, now):
        deny("docker.io/library/ubuntu")
        recipe = RecipeFactory(now, dockerfile="FROM ubuntu:22.04\nUSER 5\n")
        assert "GG1018" in [one.rule for one in check_recipe(recipe, now)]

    def test_over_rest_and_in_sarif(self, deny):
        deny("docker.io/library/ubuntu", at=timezone.now())
        client = APIClient()
        client.force_authenticate(person_with(Role.VIEWER))
        text = "FROM ubuntu:22.04\nUSER 5\n"
        answer = client.post("/api/v1/dockerfile-checks", {"dockerfile": text}, format="json").json()
        assert answer["bases"][0]["reason"].startswith("Nobody begins from docker.io/library/ubuntu")
        (run,) = report(answer, text, "Dockerfile", rules_url="https://goldgate.example/rules")["runs"]
        (result,) = [row for row in run["results"] if row["ruleId"] == "GG1018"]
        assert (result["level"], "fixes" in result) == ("error", False)
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
        assert "Base that nobody may begin from" in str(run["tool"]["driver"]["rules"])
