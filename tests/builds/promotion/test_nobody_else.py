"""Certification alone reaches the certified side: every service of the room that pushes or names a place for it."""

import ast
from pathlib import Path

import pytest

import builds
from builds.errors import SourceInvalid
from builds.services.repositories import candidate_repository
from builds.services.taking_in import add_candidate
from registry.models import Registry, Repository
from signing import services as signing
from tests.factories.builds import BuildFactory, SourceFactory
from tests.factories.catalog import ArtifactFactory, certified_side

pytestmark = pytest.mark.django_db
ROOM = Path(builds.__file__).parent
# What writes into a registry. ``copy_artifact`` is called in one place, for a source's candidate repository.
PUSHING = {"copy_artifact", "put_manifest", "put_blob", "mount_blob", "delete_manifest", "begin_publication"}


def calls():
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute | ast.Name):
                name = node.attr if isinstance(node, ast.Attribute) else node.id
                if name in PUSHING:
                    yield str(path.relative_to(ROOM)), name


class TestNobodyElsePushesThere:
    def test_the_room_writes_to_registries_in_one_place(self):
        assert set(calls()) == {("services/taking_in.py", "copy_artifact")}

    @pytest.mark.parametrize("path", ["golden", "golden/debian", "golden/builds/debian"])
    def test_no_source_pushes_its_candidates_to_the_certified_side(self, now, path):
        certified_side(now)
        with pytest.raises(SourceInvalid):
            candidate_repository(name=f"registry.example/{path}", now=now)
        assert not Repository.objects.filter(registry__side="certified").exists()

    def test_nor_when_its_registry_changed_sides_since(self, now):
        registry = Registry.objects.create(
            name="source", host="other.example", base_url="https://other.example", created_at=now
        )
        source = SourceFactory(now, candidate_repository=Repository.objects.create(
            registry=registry, path="debian", created_at=now
        ))  # fmt: skip
        build = BuildFactory(now, source=source)
        Registry.objects.update(side="certified")
        with pytest.raises(SourceInvalid):
            add_candidate(build, ArtifactFactory(now), now=now)
        assert not build.subversion

    def test_nor_where_both_sides_share_a_host(self, now):
        certified_side(now)
        Registry.objects.create(
            name="source", host="registry.example", base_url="https://registry.example", created_at=now
        )
        with pytest.raises(SourceInvalid):
            candidate_repository(name="registry.example/golden/debian", now=now)
        assert candidate_repository(name="registry.example/builds/debian", now=now).registry.name == "source"

    def test_a_publication_of_a_certification_goes_nowhere_else(self, now):
        source = Registry.objects.create(
            name="source", host="other.example", base_url="https://other.example", created_at=now
        )
        place = Repository.objects.create(registry=source, path="debian", created_at=now)
        with pytest.raises(signing.TargetNotCertifiedSide):
            signing.begin_publication(
                artifact=None,
                target=place,
                predicate_type="t",
                predicate={},
                actor=None,
                now=now,  # type: ignore[arg-type]
            )
