"""Sources, recipes and builds for tests.

SourceFactory(now)                        # of a version of its own, built by buildah from a local path
RecipeFactory(now, source=source)         # with a Dockerfile of three lines, not approved
BuildFactory(now, recipe=recipe)          # asked
"""

import hashlib
import itertools
from datetime import datetime

from accounts.roles import Role
from builds.models import Build, Recipe, Source
from catalog.models import Version
from tests.factories.accounts import person_with
from tests.factories.catalog import VersionFactory

_number = itertools.count(1)

DOCKERFILE = "FROM debian:12\nRUN apt-get update && apt-get -y upgrade && rm -rf /var/lib/apt/lists/*\nUSER 65532\n"


def SourceFactory(now: datetime, *, version: Version | None = None, **fields: object) -> Source:  # noqa: N802
    """A source; its owner is a platform administrator."""
    owner = fields.pop("owner", None) or person_with(Role.PLATFORM_ADMIN)
    values = {
        "name": f"source-{next(_number)}",
        "version": version or VersionFactory(now),
        "owner": owner,
        "url": "/srv/git/base.git",
        "ref_rule": "main",
        "platforms": ["linux/amd64"],
        "is_base_recipe": True,
        "created_at": now,
        "created_by": owner,
        **fields,
    }
    return Source.objects.create(**values)


def RecipeFactory(now: datetime, *, source: Source | None = None, **fields: object) -> Recipe:  # noqa: N802
    """A recipe that nobody approved yet."""
    source = source or SourceFactory(now)
    number = source.recipes.count() + 1
    values = {
        "source": source,
        "number": number,
        "sha256": hashlib.sha256(f"{source.pk}{number}".encode()).hexdigest(),
        "commit": f"{next(_number):040x}",
        "ref": "refs/heads/main",
        "url": source.url,
        "directory": source.directory,
        "dockerfile_path": source.dockerfile,
        "dockerfile": DOCKERFILE,
        "context_digest": f"sha256:{0:064x}",
        "context_bytes": 0,
        "platforms": source.platforms,
        "allowed_hosts": sorted(source.allowed_hosts),
        "created_at": now,
        **fields,
    }
    return Recipe.objects.create(**values)


def BuildFactory(now: datetime, *, recipe: Recipe | None = None, **fields: object) -> Build:  # noqa: N802
    """A build that was asked for."""
    source = fields.pop("source", None) or (recipe.source if recipe else SourceFactory(now))
    values = {"source": source, "recipe": recipe, "number": source.builds.count() + 1, "asked_at": now, **fields}
    return Build.objects.create(**values)
