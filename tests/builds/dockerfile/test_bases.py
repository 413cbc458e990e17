"""What every FROM, COPY --from and mount stands for at a moment."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from builds.domain.bases import BaseKind, Why
from builds.domain.dockerfile import parse
from builds.services.bases import resolve_bases
from catalog import services as catalog
from scans.models import EndOfLife, Feed, Scan
from tests.builds.dockerfile.support import certify, imported, reference_of
from tests.factories.catalog import IndexFactory, SubversionFactory, VersionFactory

pytestmark = pytest.mark.django_db
OTHER = "sha256:" + "e" * 64


@pytest.fixture
def resolve(now, debian):
    def act(text: str, **more):
        return resolve_bases(
            parse(text), arguments=more.pop("arguments", {}), is_base_recipe=more.pop("is_base_recipe", False),
            now=more.pop("now", now), **more,
        )  # fmt: skip

    return act


@pytest.fixture
def one(resolve):
    """The only base of ``FROM …``."""

    def act(reference: str, **more):
        (found,) = resolve(f"FROM {reference}\n", **more)
        return found

    return act


class TestCertified:
    @pytest.mark.parametrize(
        "form",
        ["debian:12", "debian", "{repository}:12", "{repository}", "{repository}:{name}", "debian:{name}",
         "{reference}", "debian@{digest}", "{repository}:12@{digest}"],
    )  # fmt: skip
    def test_is_found_by_its_names_and_recorded_by_digest(self, one, debian, form):
        asked = form.format(
            repository=debian.certified_repository, name=debian.name, digest=debian.certified_digest,
            reference=reference_of(debian),
        )  # fmt: skip
        found = one(asked)
        assert (found.kind, found.reference) == (BaseKind.CERTIFIED, reference_of(debian))
        assert (found.digest, found.subversion) == (debian.certified_digest, str(debian.pk))
        assert found.artifact == str(debian.artifact_id)

    def test_what_is_pinned_already_needs_no_fix(self, one, debian):
        assert (one(reference_of(debian)).fix, one(reference_of(debian)).is_pinned) == ("", True)
        assert (one("debian:12").fix, one("debian:12").is_pinned) == (reference_of(debian), False)

    def test_an_index_counts_by_its_children_too(self, one, now, debian):
        index = IndexFactory(now, debian.artifact)
        other = certify(now, "alpine/3.20", kind="image")
        index = IndexFactory(now, other.artifact)
        assert one(f"{other.certified_repository}@{other.certified_digest}").kind is BaseKind.CERTIFIED
        assert one(f"{other.certified_repository}@{index.digest}").why is Why.UNCERTIFIED

    def test_the_newest_build_of_a_version(self, one, now, debian):
        newer = certify(now + timedelta(hours=1), "debian/12")
        found = one("debian:12", now=now + timedelta(hours=2))
        assert found.reference == reference_of(newer)

    def test_at_another_time_it_is_another_answer(self, one, now, debian):
        assert one("debian:12", now=now - timedelta(days=1)).is_refused
        assert one("debian:12", now=now + timedelta(days=400)).is_refused

    def test_json_names_what_a_recipe_keeps(self, one, debian):
        kept = one("debian:12").as_json()
        assert {"asked": "debian:12", "stage": 0, "line": 1, "kind": "certified"}.items() <= kept.items()
        assert (kept["reference"], kept["digest"]) == (reference_of(debian), debian.certified_digest)


class TestRefused:
    @pytest.mark.parametrize(
        ("reference", "word", "why"),
        [
            ("ubuntu:22.04", "no ubuntu in the catalog", Why.UNCERTIFIED),
            ("debian:13", "no version 13", Why.UNCERTIFIED),
            ("debian:latest", "no version latest", Why.UNCERTIFIED),
            ("docker.io/library/debian:12", "no repository of certified images", Why.UNCERTIFIED),
            ("docker.io/library/debian@" + OTHER, "not certified", Why.UNCERTIFIED),
            ("debian@" + OTHER, "not certified", Why.UNCERTIFIED),
            ("UPPER", "no reference", Why.MALFORMED),
            ("debian@sha256:abc", "no reference", Why.MALFORMED),
            ("debian@sha256:" + "E" * 64, "no reference", Why.MALFORMED),
            ("a_b.c/debian", "no reference", Why.MALFORMED),
            ("$UNSET", "comes out empty", Why.AMBIGUOUS),
        ],
    )
    def test_says_why(self, one, reference, word, why):
        found = one(reference)
        assert (found.kind, found.why) == (BaseKind.REFUSED, why)
        assert word in found.reason
        assert found.reference == ""

    def test_the_digest_of_one_image_under_the_name_of_another(self, one, now, debian):
        other = certify(now, "python/3.12")
        found = one(f"{other.certified_repository}@{debian.certified_digest}")
        assert found.is_refused
        assert found.fix == reference_of(debian)

    def test_a_candidate(self, one, now):
        made = SubversionFactory(now)
        found = one(f"registry.example/golden/x@{made.artifact.digest}")
        assert (found.why, "Being examined" in found.reason) == (Why.UNCERTIFIED, True)

    def test_several_versions_and_none_named(self, one, now):
        certify(now, "debian/13")
        found = one("debian")
        assert (found.is_refused, "debian/12, debian/13" in found.reason) == (True, True)

    def test_revoked_suspended_rejected_expired(self, one, now, debian):
        asked = reference_of(debian)
        catalog.set_suspended(subversion=debian, starts_at=now, ends_at=now + timedelta(days=1), reason="Looked at.")
        assert (one(asked).why, "suspended" in one(asked).reason) == (Why.WITHDRAWN, True)
        assert one(asked, now=now + timedelta(days=2)).kind is BaseKind.CERTIFIED
        catalog.set_revoked(subversion=debian, at=now, reason="The build host was compromised.")
        assert (one(asked).why, "compromised" in one(asked).reason) == (Why.WITHDRAWN, True)
        # The name leads to the same reason.
        assert "compromised" in one("debian:12").reason

    def test_never_allowed(self, one, now):
        made = SubversionFactory(now)
        catalog.set_rejected(subversion=made, at=now, reason="Not from us.")
        found = one(f"debian@{made.artifact.digest}", is_base_recipe=True)
        assert (found.why, "Not from us." in found.reason) == (Why.WITHDRAWN, True)

    def test_past_its_support_also_when_it_is_certified(self, one, now, debian):
        Scan.objects.filter(artifact=debian.artifact).update(
            support_eol=date(2026, 1, 1), support_eoes=date(2026, 2, 1), is_support_known=True
        )
        found = one("debian:12")
        assert (found.why, found.kind) == (Why.END_OF_LIFE, BaseKind.REFUSED)
        assert "2026-02-01" in found.reason

    @pytest.mark.parametrize(
        ("asked", "why"),
        [
            ("docker.io/library/debian:10-slim", Why.END_OF_LIFE),
            ("debian:10", Why.END_OF_LIFE),
            ("alpine:3.12", Why.END_OF_LIFE),
            ("debian:11", Why.UNCERTIFIED),
            ("acme/debian-like:10", Why.UNCERTIFIED),
        ],
    )
    def test_a_name_whose_support_ended_says_when(self, one, now, debian, asked, why):
        feed = Feed.objects.create(name="lives", kind="endoflife", snapshot_at=now, created_at=now)
        for product, cycle in (("debian", "10"), ("alpine-linux", "3.12")):
            EndOfLife.objects.create(feed=feed, product=product, cycle=cycle, eol=date(2024, 6, 30))
        EndOfLife.objects.create(feed=feed, product="debian", cycle="11", eol=date(2030, 6, 30))
        found = one(asked)
        assert (found.why, "ended on 2024-06-30" in found.reason) == (why, why is Why.END_OF_LIFE)
        assert found.suggestion == f"FROM {reference_of(debian)}"


class TestNearest:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("debian:11", "debian/12"),
            ("debian:14", "debian/13"),
            ("library/debian:bookworm", "debian/13"),  # a word is near to no number: the smallest
            ("docker.io/library/debian:13", "debian/13"),
            ("python:3.12-slim", "python-slim/3.12"),
            ("python:3.11-slim", "python-slim/3.12"),
            ("ghcr.io/acme/python-dev:3", "python-slim/3.12"),
            ("alpine:3.20", "debian/13"),  # nothing of its family: the smallest
        ],
    )
    def test_is_by_name_then_by_family_then_the_smallest(self, one, now, debian, asked, expected):
        made = {"debian/12": debian}
        made["debian/13"] = certify(now, "debian/13", size_bytes=1000)
        made["python-slim/3.12"] = certify(now, "python-slim/3.12")
        assert one(asked).suggestion == f"FROM {reference_of(made[expected])}"

    def test_keeps_the_name_of_the_stage(self, resolve, debian):
        (found,) = resolve("FROM --platform=linux/amd64 debian:9 AS Builder\n")
        assert found.suggestion == f"FROM {reference_of(debian)} AS builder"

    def test_is_a_fix_only_for_the_same_image_and_version(self, one, now, debian):
        assert one("docker.io/library/debian:12").fix == reference_of(debian)
        assert one("docker.io/library/debian:11").fix == ""

    def test_of_a_withdrawn_build_is_its_successor(self, one, now, debian):
        newer = certify(now, "debian/12")
        catalog.set_revoked(subversion=debian, at=now, reason="Leaked.")
        found = one(reference_of(debian))
        assert (found.fix, found.suggestion) == (reference_of(newer), f"FROM {reference_of(newer)}")

    def test_is_nothing_where_nothing_is_certified(self, now):
        (found,) = resolve_bases(parse("FROM x\n"), arguments={}, is_base_recipe=False, now=now)
        assert (found.is_refused, found.suggestion) == (True, "")


class TestRetiring:
    def test_may_be_used_and_names_its_successor(self, one, now, debian):
        newer = certify(now + timedelta(hours=1), "debian/12")
        found = one(reference_of(debian), now=now + timedelta(hours=2))
        assert (found.kind, found.fix) == (BaseKind.CERTIFIED, reference_of(newer))
        assert newer.name in found.warning
        assert one(reference_of(debian), now=now + timedelta(days=60)).why is Why.WITHDRAWN


class TestForBuilding:
    @pytest.fixture
    def golang(self, now):
        return certify(now, "golang/1.23", purpose="build")

    def test_is_good_in_earlier_stages(self, resolve, golang):
        found = resolve("FROM golang:1.23 AS b\nFROM debian:12\nCOPY --from=b /x /x\n")
        assert [base.kind for base in found] == [BaseKind.CERTIFIED, BaseKind.CERTIFIED, BaseKind.STAGE]

    @pytest.mark.parametrize("rest", ["", " AS b\nFROM b", " AS b\nFROM b AS c\nFROM c"])
    def test_is_refused_under_what_runs(self, resolve, golang, rest):
        found = resolve(f"FROM golang:1.23{rest}\n")[0]
        assert (found.why, found.is_final) == (Why.BUILD_PURPOSE, True)

    def test_the_target_decides_what_runs(self, resolve, golang):
        text = "FROM golang:1.23 AS b\nFROM debian:12 AS run\n"
        assert resolve(text, target="b")[0].why is Why.BUILD_PURPOSE
        assert resolve(text, target="run")[0].kind is BaseKind.CERTIFIED

    def test_is_not_suggested_for_what_runs(self, one, now, debian, golang):
        assert "golang" not in one("golang:9").suggestion


class TestBaseRecipes:
    def test_may_stand_on_an_imported_image_of_a_trusted_registry(self, one, now):
        artifact = imported(now)
        asked = f"registry.upstream.example/library/debian@{artifact.digest}"
        found = one(asked, is_base_recipe=True)
        assert (found.kind, found.reference, found.artifact) == (BaseKind.ADOPTED, asked, str(artifact.pk))
        assert one(asked).why is Why.UNCERTIFIED

    @pytest.mark.parametrize(
        ("registry", "name", "word"),
        [
            pytest.param({"is_trusted": False}, "library/debian", "no trusted", id="registry-not-trusted"),
            pytest.param({}, "library/other", "never imported from", id="other-repository"),
        ],
    )
    def test_no_others(self, one, now, registry, name, word):
        artifact = imported(now, **registry)
        found = one(f"registry.upstream.example/{name}@{artifact.digest}", is_base_recipe=True)
        assert (found.is_refused, word in found.reason) == (True, True)

    def test_nothing_that_nobody_imported(self, one):
        found = one(f"registry.upstream.example/library/debian@{OTHER}", is_base_recipe=True)
        assert "Nobody imported it" in found.reason

    def test_nothing_by_tag(self, one, now):
        imported(now)
        assert one("registry.upstream.example/library/debian:12", is_base_recipe=True).is_refused

    def test_an_imported_one_that_is_a_candidate_here(self, one, now):
        artifact = imported(now)
        SubversionFactory(now, version=VersionFactory(now), artifact=artifact)
        asked = f"registry.upstream.example/library/debian@{artifact.digest}"
        assert one(asked, is_base_recipe=True).kind is BaseKind.ADOPTED


class TestScratchAndStages:
    def test_scratch_is_nothing(self, one):
        assert (one("scratch").kind, one("scratch").digest) == (BaseKind.SCRATCH, "")

    def test_copy_and_mounts_are_looked_up_too(self, resolve, debian):
        found = resolve(
            "FROM debian:12 AS a\nFROM a\nCOPY --from=a x y\nCOPY --from=0 x y\nCOPY --from=debian:12 x y\n"
            "RUN --mount=type=bind,from=evil.example/x:1,target=/x true\nRUN --mount=type=cache,from=A,target=/y true\n"
        )
        assert [(base.use, base.line, base.kind) for base in found] == [
            ("from", 1, "certified"), ("from", 2, "stage"), ("copy", 3, "stage"), ("copy", 4, "stage"),
            ("copy", 5, "certified"), ("mount", 6, "refused"), ("mount", 7, "stage"),
        ]  # fmt: skip

    @pytest.mark.parametrize("word", ["later", "1", "9", "$A", "a$", "scratch", "${A:-a}", "00000000000"])
    def test_what_builders_read_in_different_ways_is_refused(self, resolve, word):
        found = resolve(f"ARG A=a\nFROM debian:12 AS a\nCOPY --from={word} x y\nFROM a AS later\n")
        assert [base.why for base in found] == [Why.NONE, Why.AMBIGUOUS, Why.NONE]

    def test_a_heredoc_brings_none(self, resolve):
        assert len(resolve("FROM debian:12\nRUN <<EOF\nFROM evil:1\nCOPY --from=evil:1 a b\nEOF\n")) == 1

    def test_onbuild_brings_its_own(self, resolve):
        found = resolve("FROM debian:12\nONBUILD COPY --from=evil.example/x:1 a b\n")
        assert found[1].is_refused


class TestArgumentsAndPlatforms:
    def test_a_given_argument_decides(self, resolve, debian):
        text = "ARG BASE=ubuntu:1\nFROM ${BASE}\n"
        assert resolve(text)[0].is_refused
        (found,) = resolve(text, arguments={"BASE": "debian:12"})
        assert (found.written, found.asked, found.kind) == ("${BASE}", "debian:12", "certified")

    def test_each_platform_that_asks_for_another(self, resolve, now):
        certify(now, "arm64/12")
        found = resolve("FROM $TARGETARCH:12\nFROM debian:12\n", platforms=["linux/amd64", "linux/arm64"])
        assert [(base.asked, base.kind) for base in found] == [
            ("amd64:12", "refused"), ("arm64:12", "certified"), ("debian:12", "certified"),
        ]  # fmt: skip


class TestRecorded:
    def test_what_a_name_stood_for_is_judged_and_not_what_it_stands_for_now(self, resolve, now, debian):
        old = reference_of(debian)
        certify(now + timedelta(hours=1), "debian/12")
        later = now + timedelta(hours=2)
        (found,) = resolve("FROM debian:12\n", now=later, recorded={(1, "debian:12"): old})
        assert (found.reference, found.is_pinned) == (old, False)
        catalog.set_revoked(subversion=debian, at=later, reason="Leaked.")
        (found,) = resolve("FROM debian:12\n", now=later, recorded={(1, "debian:12"): old})
        assert found.why is Why.WITHDRAWN

    def test_a_digest_that_is_written_wins(self, resolve, debian):
        (found,) = resolve(f"FROM debian@{OTHER}\n", recorded={(1, f"debian@{OTHER}"): reference_of(debian)})
        assert found.is_refused


class TestReads:
    def test_does_not_write_and_asks_little(self, resolve, now, debian, django_assert_max_num_queries):
        text = "".join("FROM debian:12\n" for _ in range(50))
        with django_assert_max_num_queries(260):
            resolve(text)
        assert replace(resolve("FROM debian:12\n")[0], line=0).kind == "certified"
