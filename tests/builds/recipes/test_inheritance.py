"""One changed byte is another recipe, and no approval passes from one to the other."""

import hashlib
from datetime import timedelta

import pytest

from approvals.models import RecipeApproval
from audit.models import Record
from builds.models import Recipe, Source
from builds.selectors.recipes import recipe_by_id, recipe_difference, recipes_of
from builds.services import sources as services
from builds.services.sources import fetch_source
from registry.blobs import kept_blobs
from registry.models import Registry, Repository, RepositoryArtifact
from tests.builds.repositories import Repository as GitRepository
from tests.factories.approvals import ProposalFactory, certified
from tests.factories.builds import SourceFactory
from tests.factories.catalog import ArtifactFactory, SubversionFactory, VersionFactory
from tests.factories.recipes import approve_recipe

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def upstream(now):
    """A trusted upstream, with two images that were imported from it."""
    registry = Registry.objects.create(
        name="upstream", host="upstream.example", base_url="https://upstream.example", is_trusted=True, created_at=now
    )
    place = Repository.objects.create(registry=registry, path="library/debian", created_at=now)
    made = [ArtifactFactory(now) for _ in range(2)]
    for artifact in made:
        RepositoryArtifact.objects.create(repository=place, artifact=artifact, first_seen_at=now)
    return [f"upstream.example/library/debian@{artifact.digest}" for artifact in made]


def files(base, motd="Welcome\n", run="true"):
    return {"Dockerfile": f"ARG MIRROR\nFROM {base}\nCOPY motd /etc/motd\nRUN {run}\nUSER 65532\n", "motd": motd}


@pytest.fixture
def repository(tmp_path, settings, upstream):
    directory = tmp_path / "sources"
    settings.GOLDGATE_SOURCE_DIRECTORIES = str(directory)
    made = GitRepository(directory / "base.git")
    made.commit(files(upstream[0]))
    return made


@pytest.fixture
def source(now, repository):
    return SourceFactory(now, url=repository.url, arguments={"MIRROR": "https://mirror.example"})


@pytest.fixture
def approved(now, source):
    """The first recipe, approved by two people."""
    return approve_recipe(fetch_source(source.pk, now=now), now)


class TestOneChangedByte:
    @pytest.mark.parametrize(
        ("where", "seen"),
        [
            pytest.param("dockerfile", "lines", id="in-the-dockerfile"),
            pytest.param("file", "files_changed", id="in-a-copied-file"),
            pytest.param("argument", "arguments", id="in-an-argument"),
            pytest.param("base", "bases", id="in-the-base"),
        ],
    )
    def test_inherits_nothing(self, now, approved, source, repository, upstream, where, seen):
        if where == "dockerfile":
            repository.commit(files(upstream[0], run="true "))
        elif where == "file":
            repository.commit(files(upstream[0], motd="Welcome!"))
        elif where == "argument":
            Source.objects.filter(pk=source.pk).update(arguments={"MIRROR": "https://mirror.example/"})
        else:
            repository.commit(files(upstream[1]))
        other = fetch_source(source.pk, now=now + MINUTE)
        assert other.pk != approved.pk
        assert other.sha256 != approved.sha256
        assert other.number == 2
        assert not other.is_approved
        assert RecipeApproval.objects.count() == 1
        assert [(one.pk, one.is_approved) for one in recipes_of(source)] == [(other.pk, False), (approved.pk, True)]
        assert getattr(recipe_difference(approved, other), seen)

    def test_the_base_alone_moves_under_the_same_dockerfile(self, now, repository):
        """Every byte of the repository is the same; the name stands for another certified digest now."""
        version = VersionFactory(now, "debian/12")
        first = SubversionFactory(now, version=version)
        certified(now, proposal=ProposalFactory(now, subversion=first))
        repository.commit(files("debian:12"))
        source = SourceFactory(now, url=repository.url, is_base_recipe=False)
        before = approve_recipe(fetch_source(source.pk, now=now), now)
        later = now + MINUTE
        second = SubversionFactory(later, version=version)
        certified(later, proposal=ProposalFactory(later, subversion=second))
        other = fetch_source(source.pk, now=later)
        assert (other.dockerfile, other.files, other.commit) == (before.dockerfile, before.files, before.commit)
        assert other.pk != before.pk
        assert not other.is_approved
        (change,) = recipe_difference(before, other).bases
        assert (change.old, change.new) == (first.artifact.digest, second.artifact.digest)


class TestTheSameAgain:
    def test_is_the_same_recipe_and_stays_approved(self, now, approved, source, repository, upstream):
        later = now + MINUTE
        commit = repository.commit(files(upstream[0]), GIT_COMMITTER_DATE="2026-11-02T10:00:00+00:00")
        again = fetch_source(source.pk, now=later)
        assert again == approved
        assert again.is_approved
        assert again.commit != commit  # the one that was reviewed
        told = list(Record.objects.filter(verb="source.fetched").order_by("pk").values_list("data", flat=True))
        assert [(one["is_new"], one["commit"]) for one in told] == [(True, approved.commit), (False, commit)]
        assert Record.objects.filter(verb="recipe.found").count() == 1
        source.refresh_from_db()
        assert source.last_commit == commit

    def test_what_was_approved_comes_back_approved(self, now, approved, source, repository, upstream):
        repository.commit(files(upstream[0], motd="Other\n"))
        fetch_source(source.pk, now=now + MINUTE)
        repository.commit(files(upstream[0]))
        back = fetch_source(source.pk, now=now + 2 * MINUTE)
        assert back == approved
        assert Recipe.objects.count() == 2

    def test_of_another_source_is_another_recipe(self, now, approved, repository):
        other = fetch_source(
            SourceFactory(now, url=repository.url, arguments={"MIRROR": "https://mirror.example"}).pk, now=now
        )
        assert other.sha256 == approved.sha256
        assert other.pk != approved.pk
        assert not other.is_approved

    def test_a_fetch_that_died_before_it_said_so_is_told_as_new(self, now, source, monkeypatch):

        class Killed(BaseException):
            pass

        def die(*_, **__):
            raise Killed

        telling = services._told
        monkeypatch.setattr(services, "_told", die)
        with pytest.raises(Killed):
            fetch_source(source.pk, now=now)
        monkeypatch.setattr(services, "_told", telling)
        fetch_source(source.pk, now=now + MINUTE)
        assert Record.objects.get(verb="source.fetched").data["is_new"] is True
        fetch_source(source.pk, now=now + 2 * MINUTE)
        assert Record.objects.filter(verb="source.fetched").latest("pk").data["is_new"] is False

    def test_a_fetch_that_died_before_the_checks_makes_them_when_it_comes_again(self, now, source, monkeypatch):

        class Killed(BaseException):
            pass

        def die(*_):
            raise Killed

        checking = services.check_recipe
        monkeypatch.setattr(services, "check_recipe", die)
        with pytest.raises(Killed):
            fetch_source(source.pk, now=now)
        assert source.recipes.get().checked_at is None
        monkeypatch.setattr(services, "check_recipe", checking)
        fetch_source(source.pk, now=now + MINUTE)
        assert source.recipes.get().checked_at == now + MINUTE


class TestWhatIsKept:
    def test_the_context_is_one_deterministic_tar(self, now, approved, source):
        body = kept_blobs().read(approved.context_digest, 10_000_000)
        assert hashlib.sha256(body).hexdigest() == approved.context_digest.removeprefix("sha256:")
        assert len(body) == approved.context_bytes
        second = SourceFactory(now, url=source.url, arguments={"OTHER": "x"})
        assert fetch_source(second.pk, now=now).context_digest == approved.context_digest

    def test_checks_were_made_before_anybody_heard_of_it(self, now, approved):
        assert recipe_by_id(approved.pk).checked_at == now
        verbs = list(Record.objects.order_by("pk").values_list("verb", flat=True))
        wanted = ["recipe.found", "recipe.checked", "source.fetched"]
        assert [verb for verb in verbs if verb in wanted] == wanted
