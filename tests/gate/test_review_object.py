"""The plain reading of an object finds exactly what the general walk finds, or leaves it to the walk."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate import review_object
from gate.objects import images_in
from gate.review_object import UnreadableObject, read_object
from tests.factories.reviews import KINDS, container, object_of, pod, pod_spec


def same(value: Any, raw: bytes | None = None) -> None:
    body = raw if raw is not None else json.dumps(value).encode()
    found = read_object(body)
    expected = images_in(json.loads(body))

    def key(use):
        return (use.path, use.reference, use.place, str(use.run_as_user), use.is_user_malformed)

    assert sorted(map(key, found.images)) == sorted(map(key, expected))


def is_plain(value: Any) -> bool:
    return review_object._read_plainly(json.dumps(value).encode()) is not None


class TestPlain:
    @pytest.mark.parametrize("kind", KINDS)
    def test_ordinary_objects_of_every_kind_are_read_plainly(self, kind):
        spec = pod_spec(
            container(securityContext={"runAsUser": 5}),
            initContainers=[container("b")],
            ephemeralContainers=[container("c")],
            volumes=[{"name": "v", "image": {"reference": "d"}}, {"name": "w", "emptyDir": {}}],
            securityContext={"runAsUser": 7, "runAsNonRoot": True},
        )
        value = object_of(kind, spec)
        assert is_plain(value)
        same(value)

    def test_names_and_owners_are_read_either_way(self):
        owner = {"kind": "ReplicaSet", "name": "r", "uid": "1", "controller": True}
        value = pod(ownerReferences=[owner])
        for extra in ({}, {"extra": {"image": "hidden"}}):
            found = read_object(json.dumps({**value, **extra}).encode())
            assert (found.kind, found.name, found.uid, found.owners) == ("Pod", "web-1", "0c1d", [owner])
        generated = pod(name="", generateName="web-")
        assert read_object(json.dumps(generated).encode()).name == "web-"


class TestNotPlain:
    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"x": {"image": "hidden"}}, id="another-place"),
            pytest.param({"containers": [{"name": "a", "Image": "hidden", "image": "shown"}]}, id="another-case"),
            pytest.param({"containers": [{"name": "a"}]}, id="no-image"),
            pytest.param({"containers": [{"image": None}]}, id="null"),
            pytest.param({"containers": [{"image": 7}]}, id="number"),
            pytest.param({"containers": ["x"]}, id="text-for-a-container"),
            pytest.param({"containers": {"a": {"image": "hidden"}}}, id="object-for-a-list"),
            pytest.param({"volumes": [{"image": {}}]}, id="volume-without-reference"),
            pytest.param({"volumes": [{"image": "text"}]}, id="volume-image-as-text"),
            pytest.param({"containers": [{"image": "a", "securityContext": {"runAsUser": "0"}}]}, id="user-as-text"),
            pytest.param({"containers": [{"image": "a", "securityContext": {"runAsUser": 1.0}}]}, id="user-as-float"),
            pytest.param({"containers": [{"image": "a", "securityContext": {"runAsUser": True}}]}, id="user-as-bool"),
            pytest.param({"containers": [{"image": "a", "securityContext": []}]}, id="security-as-list"),
            pytest.param({"containers": [{"image": "a", "env": [{"image": "hidden"}]}]}, id="inside-a-container"),
            pytest.param({"status": {"image": "hidden"}}, id="status-below-the-top"),
            pytest.param({"other": {"initContainers": [{"name": "a"}]}}, id="no-image-in-another-place"),
        ],
    )
    def test_anything_unusual_goes_the_general_way_and_is_found(self, change):
        value = pod(pod_spec(**change))
        assert not is_plain(value)
        same(value)

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param('{"spec":{"x":{"im\\u0061ge":"hidden"}}}', id="escaped-key"),
            pytest.param('{"spec":{"containers":[{"image":"a","im\\u0061ge":"hidden"}]}}', id="escaped-twin"),
            pytest.param(
                '{"spec":{"containers":[{"image":"a"}],"containers":[{"image":"hidden"}]}}', id="doubled-list"
            ),
            pytest.param('{"spec":{"containers":[{"image":"a","image":"hidden"}]}}', id="doubled-key"),
            pytest.param('{"spec":{"x":{"image" \n\t: "hidden"}}}', id="spaces-before-the-colon"),
            pytest.param('{"spec":{"x":{"\\u0069mage":"hidden"}}}', id="escaped-first-letter"),
        ],
    )
    def test_no_spelling_hides_a_key(self, text):
        body = text.encode()
        assert review_object._read_plainly(body) is None
        same(None, body)
        assert "hidden" in [use.reference for use in read_object(body).images]

    def test_text_that_looks_like_a_key_is_none(self):
        value = pod(pod_spec(container(args=['{"image": "x"}', '"image":'])))
        assert is_plain(value)
        same(value)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff", b"{} {}"])
    def test_what_is_no_object_is_refused(self, body):
        with pytest.raises(UnreadableObject):
            read_object(body)


USERS = st.one_of(st.none(), st.integers(-2, 2**33), st.booleans(), st.just("7"), st.just(1.0))
SECURITY = st.one_of(st.none(), st.fixed_dictionaries({}, optional={"runAsUser": USERS, "runAsNonRoot": st.booleans()}))
IMAGES = st.one_of(st.text(max_size=5), st.sampled_from(["a", "", None, 7]))
ITEMS = st.one_of(
    st.fixed_dictionaries({"image": IMAGES}, optional={"securityContext": SECURITY, "x": IMAGES, "Image": IMAGES}),
    st.sampled_from([None, 7, "x", [], {}, [{"image": "n"}]]),
)
VOLUMES = st.fixed_dictionaries(
    {}, optional={"image": st.one_of(IMAGES, st.fixed_dictionaries({}, optional={"reference": IMAGES})), "name": IMAGES}
)
SPECS = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            "containers": st.one_of(st.none(), st.lists(ITEMS, max_size=3)),
            "initContainers": st.lists(ITEMS, max_size=2),
            "ephemeralContainers": st.lists(ITEMS, max_size=2),
            "volumes": st.lists(VOLUMES, max_size=2),
            "securityContext": SECURITY,
            "template": TEMPLATES,
            "jobTemplate": TEMPLATES,
            "other": st.one_of(ITEMS, SPECS),
        },
    )
)
TEMPLATES = st.one_of(
    st.none(), st.fixed_dictionaries({}, optional={"spec": SPECS, "metadata": st.just({"labels": {"image": "l"}})})
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={"kind": st.sampled_from(KINDS), "spec": SPECS, "template": TEMPLATES, "image": IMAGES, "status": SPECS},
)


class TestEquivalence:
    @settings(max_examples=1500, deadline=None)
    @given(value=OBJECTS)
    def test_both_readings_find_the_same(self, value):
        same(value)
