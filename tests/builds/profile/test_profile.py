"""What an image is made of, beside its certified neighbours."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.roles import Role
from builds.domain.profile import Neighbour, Profile, is_smaller, smaller_than
from builds.selectors.profiles import profile_view
from builds.services.inspections import inspect_artifact
from catalog import services as catalog
from catalog.models import Image
from tests.builds.inspection.imported import imported
from tests.builds.inspection.layer_bytes import entry, layer
from tests.factories.accounts import person_with
from tests.factories.catalog import IndexFactory, SubversionFactory, VersionFactory
from tests.factories.scans import deb, inventory_of

FULL = Profile(
    platform="linux/amd64",
    packages=99,
    packed_bytes=1000,
    unpacked_bytes=3000,
    files=50,
    shells=("bash", "sh"),
    package_managers=("apt",),
    interpreters=("perl",),
)
STATIC = replace(FULL, packages=3, packed_bytes=10, shells=(), package_managers=(), interpreters=())


class TestSmaller:
    @pytest.mark.parametrize(
        ("one", "other", "is_it"),
        [
            pytest.param(STATIC, FULL, True, id="less of everything"),
            pytest.param(FULL, STATIC, False, id="more of everything"),
            pytest.param(FULL, FULL, False, id="the same"),
            pytest.param(replace(FULL, packed_bytes=999), FULL, True, id="fewer bytes"),
            pytest.param(replace(STATIC, packages=100), FULL, False, id="fewer bytes, more packages"),
            pytest.param(replace(STATIC, shells=("sh",)), replace(FULL, shells=()), False, id="brings a shell"),
            pytest.param(replace(STATIC, packages=None), FULL, False, id="nobody counted its packages"),
            pytest.param(STATIC, replace(FULL, packages=None), False, id="nobody counted the other's"),
        ],
    )
    def test_is_less_of_everything(self, one, other, is_it):
        assert is_smaller(one, other) is is_it

    def test_the_smallest_stands_first_and_the_unknown_nowhere(self):
        middle = replace(FULL, packages=50, packed_bytes=500)
        rows = [
            Neighbour("middle", "1", "d", middle),
            Neighbour("?", "2", "d", None),
            Neighbour("static", "3", "d", STATIC),
        ]
        assert [one.name for one in smaller_than(FULL, rows)] == ["static", "middle"]


def certified(now, name, *, purpose="runtime", packages=1, files=(), index=False, tmp_path=None):
    """A certified image of ``files`` and ``packages``, its files read."""
    version = VersionFactory(now, name)
    Image.objects.filter(pk=version.image_id).update(purpose=purpose)
    image = imported(tmp_path, layer(*files, entry("name", name.encode() * 50)))
    inventory_of(image, now, [deb(f"lib{number}", "1") for number in range(packages)])
    inspect_artifact(image.pk, now=now)
    subversion = SubversionFactory(now, version=version, artifact=IndexFactory(now, image) if index else image)
    catalog.set_certified(
        subversion=subversion, starts_at=now, ends_at=now + timedelta(days=90), repository="registry.example/golden/x"
    )
    return subversion


SHELL = entry("bin/sh", bytes(range(256)) * 40, mode=0o755)


@pytest.mark.django_db
class TestNeighbours:
    def test_names_smaller_certified_images_for_the_same_purpose(self, now, tmp_path):
        full = certified(now, "full/1", packages=5, files=[SHELL], tmp_path=tmp_path)
        certified(now, "static/1", packages=2, tmp_path=tmp_path)
        certified(now, "tools/1", purpose="build", tmp_path=tmp_path)
        view = profile_view(full, now)
        assert view.profiles[0].shells == ("sh",)
        assert view.profiles[0].packages == 5
        assert [one.name.partition(" ")[0] for one in view.neighbours] == ["static/1"]
        assert [one.name.partition(" ")[0] for one in view.smaller] == ["static/1"]

    def test_the_smallest_has_none_that_is_smaller(self, now, tmp_path):
        certified(now, "full/1", packages=5, files=[SHELL], tmp_path=tmp_path)
        static = certified(now, "static/1", packages=2, tmp_path=tmp_path)
        assert profile_view(static, now).smaller == ()

    def test_an_index_is_compared_on_the_same_platform(self, now, tmp_path):
        full = certified(now, "full/1", packages=5, files=[SHELL], tmp_path=tmp_path)
        certified(now, "static/1", packages=2, index=True, tmp_path=tmp_path)
        assert len(profile_view(full, now).smaller) == 1

    def test_what_is_no_longer_certified_is_no_neighbour(self, now, tmp_path):
        full = certified(now, "full/1", packages=5, files=[SHELL], tmp_path=tmp_path)
        certified(now, "static/1", packages=2, tmp_path=tmp_path)
        assert profile_view(full, now + timedelta(days=91)).neighbours == ()

    def test_what_nobody_looked_into_is_unknown_with_the_reason(self, now):
        view = profile_view(SubversionFactory(now), now)
        assert view.profiles == ()
        assert view.unknown == {"linux/amd64": "Its files were not inspected yet."}

    def test_its_queries_do_not_grow_with_the_neighbours(self, now, tmp_path, django_assert_max_num_queries):
        full = certified(now, "full/1", packages=5, files=[SHELL], tmp_path=tmp_path)
        for number in range(6):
            certified(now, f"static/{number}", index=number % 2 == 0, tmp_path=tmp_path)
        with django_assert_max_num_queries(11):
            profile_view(full, now)


@pytest.mark.django_db
class TestApi:
    def test_says_it_all(self, now, tmp_path):
        full = certified(now, "full/1", packages=5, files=[SHELL], tmp_path=tmp_path)
        certified(now, "static/1", packages=2, tmp_path=tmp_path)
        client = APIClient()
        client.force_authenticate(person_with(Role.VIEWER))
        answer = client.get(f"/api/v1/subversions/{full.pk}/profile")
        assert answer.status_code == 200
        assert answer.json()["profiles"][0]["packages"] == 5
        assert answer.json()["unknown"] == {}

    def test_of_no_subversion_is_missing(self):
        client = APIClient()
        client.force_authenticate(person_with(Role.VIEWER))
        assert client.get("/api/v1/subversions/0190a1b0-0000-7000-8000-000000000000/profile").status_code == 404
