import hashlib

import pytest

from audit.models import Record
from builds.services.sources import fetch_source
from tests.builds.sources.conftest import DOCKERFILE, FILES

pytestmark = pytest.mark.django_db


class TestFetchSource:
    def test_what_the_ref_names_becomes_a_recipe(self, now, source, repository):
        recipe = fetch_source(source.pk, now=now)
        assert recipe.commit == repository.git("rev-parse", "main")
        assert recipe.ref == "refs/heads/main"
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
