import hashlib

import pytest

from accounts.roles import Role
from audit.models import Record
from builds.errors import SourceRefused
from builds.services.sources import fetch_source
from tests.builds.sources.conftest import DOCKERFILE, FILES
from tests.factories.accounts import person_with

pytestmark = pytest.mark.django_db


class TestFetchSource:
    def test_what_the_ref_names_becomes_a_recipe(self, now, source, repository):
        recipe = fetch_source(source.pk, now=now)
        assert recipe.commit == repository.git("rev-parse", "main")
        assert recipe.ref == "refs/heads/main"
        assert (recipe.url, recipe.directory, recipe.dockerfile_path) == (source.url, "", "Dockerfile")
        assert recipe.dockerfile == DOCKERFILE
        assert (recipe.author_name, recipe.author_email) == ("Anna Author", "anna@example.com")
        assert recipe.files == [
            [path, mode, len(FILES[path]), hashlib.sha256(FILES[path].encode()).hexdigest()]
            for path, mode in (("Dockerfile", "100644"), ("motd", "100644"), ("scripts/run.sh", "100755"))
        ]
        assert [base["kind"] for base in recipe.bases] == ["scratch"]
        assert recipe.signature["state"] == "none"
        source.refresh_from_db()
        assert (source.last_commit, source.last_fetched_at, source.last_failure) == (recipe.commit, now, "")
        told = Record.objects.get(verb="source.fetched")
        assert told.data["recipe"] == str(recipe.pk)
        assert told.data["is_new"] is True


class TestRefRules:
    @pytest.fixture
    def tagged(self, repository):
        """Three tags on three commits, one of them annotated."""
        found = {}
        for tag in ("v12.1", "v12.9", "v12.10"):
            found[tag] = repository.commit(FILES | {"motd": f"{tag}\n"}, ref=f"refs/commits/{tag}")
            repository.git("tag", tag, found[tag])
        repository.git("tag", "-a", "-m", "signed off", "v13.0", found["v12.1"])
        return found

    @pytest.mark.parametrize(
        ("rule", "tag", "ref"),
        [
            ("v12.1", "v12.1", "refs/tags/v12.1"),
            ("refs/tags/v12.9", "v12.9", "refs/tags/v12.9"),
            ("v12.*", "v12.10", "refs/tags/v12.10"),
            ("v*", "v12.1", "refs/tags/v13.0"),  # an annotated tag is the commit that it names
        ],
    )
    def test_tags(self, now, source, tagged, rule, tag, ref):
        source.ref_rule = rule
        source.save()
        recipe = fetch_source(source.pk, now=now)
        assert (recipe.commit, recipe.ref) == (tagged[tag], ref)

    def test_one_commit(self, now, source, repository, tagged):
        source.ref_rule = tagged["v12.9"]
        source.save()
        recipe = fetch_source(source.pk, now=now)
        assert (recipe.commit, recipe.ref) == (tagged["v12.9"], "")

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            ("nothing", "no branch and no tag"),
            ("v9.*", "no tag that matches"),
            ("both", "a branch and a tag"),
            ("1" * 40, "not our ref"),
        ],
    )
    def test_that_name_nothing_or_two_things(self, now, source, repository, rule, words):
        repository.git("tag", "both", "main")
        repository.git("branch", "both", "main")
        source.ref_rule = rule
        source.save()
        with pytest.raises(SourceRefused, match=words) as refused:
            fetch_source(source.pk, now=now)
        assert refused.value.cure

    def test_a_commit_rule_that_names_a_tag(self, now, source, repository, tagged):
        source.ref_rule = repository.git("rev-parse", "v13.0")
        source.save()
        with pytest.raises(SourceRefused, match="no commit of its own"):
            fetch_source(source.pk, now=now)

    @pytest.mark.parametrize("directory", ["images", "motd"])
    def test_a_directory_that_is_none(self, now, source, directory):
        source.directory = directory
        source.save()
        with pytest.raises(SourceRefused):
            fetch_source(source.pk, now=now)


class TestAuthors:
    def test_the_one_account_with_that_address_is_the_author(self, now, source):
        anna = person_with(Role.REVIEWER, email="Anna@Example.com")
        assert fetch_source(source.pk, now=now).author == anna

    def test_of_two_nobody_is_guessed(self, now, source):
        for _ in range(2):
            person_with(Role.REVIEWER, email="anna@example.com")
        recipe = fetch_source(source.pk, now=now)
        assert (recipe.author, recipe.author_email) == (None, "anna@example.com")

    def test_signs_that_a_page_would_act_on_do_not_come_along(self, now, source, repository):
        repository.commit(FILES | {"x": "x"}, GIT_AUTHOR_NAME="Anna \x1b[31m\u202eevil", GIT_AUTHOR_EMAIL="a@b")
        assert fetch_source(source.pk, now=now).author_name == "Anna [31mevil"

    def test_a_dockerfile_that_cannot_be_read(self, now, source, repository):
        repository.commit({"Dockerfile": "FRUM scratch\n"})
        with pytest.raises(SourceRefused, match="The Dockerfile cannot be read"):
            fetch_source(source.pk, now=now)
