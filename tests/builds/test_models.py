"""What the database itself refuses of sources, recipes and builds."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError

from builds.models import Build, LogChunk, Recipe, Submission, TrustedPipeline
from builds.services.logs import append_log
from registry.models import Import
from tests.factories.accounts import PersonFactory
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def test_recipe_is_never_changed(now: datetime) -> None:
    recipe = RecipeFactory(now)

    with pytest.raises(ProgrammingError, match="recipe_never_changed"):
        Recipe.objects.filter(pk=recipe.pk).update(dockerfile="FROM evil\n")


@pytest.mark.parametrize("change", [{"committed_at": None}, {"author_name": "Somebody"}, {"context_bytes": 1}])
def test_nor_is_what_else_it_is_built_with(now: datetime, change: dict) -> None:
    """The commit's date is the time that a build runs under: it decides the bytes."""
    recipe = RecipeFactory(now, committed_at=now, author_name="Anna")

    with pytest.raises(ProgrammingError, match="recipe_never_changed"):
        Recipe.objects.filter(pk=recipe.pk).update(**change)


def test_why_an_approval_was_withdrawn_stays(now: datetime) -> None:
    recipe = RecipeFactory(now, approved_at=now, withdrawn_at=now, withdrawn_reason="A back door.")

    with pytest.raises(ProgrammingError, match="recipe_withdrawn_stays"):
        Recipe.objects.filter(pk=recipe.pk).update(withdrawn_reason="A typing error.")


def test_an_approval_is_not_moved(now: datetime) -> None:
    recipe = RecipeFactory(now, approved_at=now)

    with pytest.raises(ProgrammingError, match="recipe_withdrawn_stays"):
        Recipe.objects.filter(pk=recipe.pk).update(approved_at=None)


def test_one_build_waits_a_source(now: datetime) -> None:
    source = SourceFactory(now)
    BuildFactory(now, source=source)

    with pytest.raises(IntegrityError, match="build_one_waiting"):
        BuildFactory(now, source=source)


def test_a_failed_build_says_why(now: datetime) -> None:
    build = BuildFactory(now)

    with pytest.raises(IntegrityError, match="build_end_told"):
        Build.objects.filter(pk=build.pk).update(state="failed", finished_at=now)


@pytest.mark.parametrize("change", [{"state": "asked", "finished_at": None}, {"state": "succeeded"}])
def test_a_build_that_ended_does_not_go_on(now: datetime, change: dict) -> None:
    build = BuildFactory(now, state="failed", failure="It broke.", finished_at=now)

    with pytest.raises(ProgrammingError, match="build_end_stays"):
        Build.objects.filter(pk=build.pk).update(**change)


def test_a_build_is_kept(now: datetime) -> None:
    with pytest.raises(ProgrammingError, match="build_kept"):
        BuildFactory(now).delete()


def test_provenance_is_written_once(now: datetime) -> None:
    build = BuildFactory(now)
    Build.objects.filter(pk=build.pk).update(provenance={"buildDefinition": {}})

    with pytest.raises(ProgrammingError, match="build_provenance_stays"):
        Build.objects.filter(pk=build.pk).update(provenance={})


@pytest.mark.parametrize("deed", [lambda rows: rows.update(text="nothing"), lambda rows: rows.delete()])
def test_a_log_is_appended_to_alone(now: datetime, deed) -> None:
    build = BuildFactory(now)
    append_log(build, "downloading\n", now=now)

    with pytest.raises(ProgrammingError, match="log_chunk_never_changed"):
        deed(LogChunk.objects.filter(build=build))


def pipeline(now: datetime, **more) -> TrustedPipeline:
    return TrustedPipeline.objects.create(
        source=SourceFactory(now, builder="external"),
        kind="github",
        issuer="https://issuer.example",
        audience="https://goldgate.example",
        subject="repo:acme/base:ref:refs/heads/main",
        jwks_url="https://issuer.example/keys",
        created_at=now,
        created_by=PersonFactory(),
        **more,
    )


@pytest.mark.parametrize(
    "change", [{"subject": "repo:evil/base:ref:refs/heads/main"}, {"issuer": "https://evil.example"}, {"ca_pem": "x"}]
)
def test_whom_a_source_believes_is_never_changed(now: datetime, change: dict) -> None:
    trusted = pipeline(now)
    TrustedPipeline.objects.filter(pk=trusted.pk).update(jwks={"keys": []}, jwks_fetched_at=now)

    with pytest.raises(ProgrammingError, match="pipeline_never_changed"):
        TrustedPipeline.objects.filter(pk=trusted.pk).update(**change)


def test_what_was_ended_is_not_believed_again(now: datetime) -> None:
    ended = pipeline(now, ended_at=now)

    with pytest.raises(ProgrammingError, match="pipeline_end_stays"):
        TrustedPipeline.objects.filter(pk=ended.pk).update(ended_at=now + timedelta(days=9))


@pytest.mark.parametrize("deed", [lambda rows: rows.delete(), lambda rows: rows.update(token_id="0" * 64)])
def test_a_token_that_was_used_stays_used(now: datetime, deed) -> None:
    trusted = pipeline(now)
    build = BuildFactory(now, source=trusted.source)
    made = Submission.objects.create(
        pipeline=trusted,
        token_id="a" * 64,
        reference="registry.example/debian@sha256:" + "0" * 64,
        import_asked=Import.objects.create(
            kind="reference", repository=RepositoryFactory(), requested_by=trusted.created_by, created_at=now
        ),
        statement_digest="sha256:" + "0" * 64,
        source_uri="https://github.com/acme/base",
        commit="0" * 40,
        build=build,
        at=now,
    )

    with pytest.raises(ProgrammingError, match="submission_never_changed"):
        deed(Submission.objects.filter(pk=made.pk))
