"""Which images an object would run: everywhere, in any kind, each with its path and user."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.engine import decide
from gate.objects import MAX_DEPTH, MAX_IMAGES, ObjectTooDeep, TooManyImages, carries_pods, images_in
from gate.verdict import Place
from tests.factories.gate import APP_REFERENCE, NOW, SnapshotFactory, digest_of
from tests.factories.reviews import KINDS, container, object_of, pod, pod_spec

UNCERTIFIED = f"registry.corp/apps/web@{digest_of('uncertified')}"
PLACES: dict[str, dict[str, Any]] = {
    "containers": {"containers": [container(), container(UNCERTIFIED)]},
    "initContainers": {"initContainers": [container(UNCERTIFIED)]},
    "ephemeralContainers": {"ephemeralContainers": [container(UNCERTIFIED)]},
    "image volume": {"volumes": [{"name": "v", "image": {"reference": UNCERTIFIED, "pullPolicy": "Always"}}]},
}


class TestKindsAndPlaces:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("place", PLACES)
    def test_one_uncertified_image_anywhere_is_denied(self, snapshot_of: SnapshotFactory, kind, place):
        snapshot = snapshot_of()
        good = images_in(object_of(kind, pod_spec()))
        assert decide(good, snapshot=snapshot, at=NOW).allowed
        bad = images_in(object_of(kind, pod_spec(**PLACES[place])))
        verdict = decide(bad, snapshot=snapshot, at=NOW)
        assert not verdict.allowed
        assert [image.reference for image in verdict.images if not image.allowed] == [UNCERTIFIED]

    def test_paths_are_kept(self):
        spec = pod_spec(**PLACES["image volume"], initContainers=[container(UNCERTIFIED)])
        assert [use.path for use in images_in(object_of("CronJob", spec))] == [
            "spec.jobTemplate.spec.template.spec.containers[0].image",
            "spec.jobTemplate.spec.template.spec.volumes[0].image.reference",
            "spec.jobTemplate.spec.template.spec.initContainers[0].image",
        ]


class TestWhatIsAnImage:
    @pytest.mark.parametrize("key", ["image", "Image", "IMAGE", "iMage"])
    def test_a_key_in_any_case(self, key):
        assert [use.reference for use in images_in({"spec": {key: "x"}})] == ["x"]

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param({"kind": "Pod", "metadata": {"image": "x"}, "spec": {}}, id="metadata"),
            pytest.param({"kind": "Pod", "status": {"containerStatuses": [{"image": "x"}]}}, id="status"),
            pytest.param({"spec": {"template": {"metadata": {"labels": {"image": "x"}}, "spec": {}}}}, id="labels"),
            pytest.param({"spec": {"images": "x", "imagePullPolicy": "Always", "imageID": "x"}}, id="other-keys"),
            pytest.param({"managedFields": [{"image": "x"}]}, id="managed-fields"),
            pytest.param({"spec": {"image": None}}, id="null"),
        ],
    )
    def test_what_is_none(self, value):
        assert images_in(value) == []

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param({"spec": {"metadata": {"image": "x"}}}, id="metadata-without-a-spec-beside-it"),
            pytest.param({"spec": {"status": {"image": "x"}}}, id="status-below-the-top"),
            pytest.param({"spec": {"a": [[{"image": "x"}]]}}, id="list-in-a-list"),
            pytest.param({"a": {"image": {"image": "x"}}}, id="object-of-that-name-is-walked"),
            pytest.param({"spec": {"volumes": [{"image": {"reference": "x"}}]}}, id="image-volume"),
        ],
    )
    def test_what_is_one_all_the_same(self, value):
        assert [use.reference for use in images_in(value)] == ["x"]

    @pytest.mark.parametrize(
        "item",
        [{"name": "a"}, {"image": ""}, {"image": 7}, {"image": ["x"]}, {"image": None}, {"image": {}}, "x", 7, None],
    )
    @pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers"])
    def test_a_container_without_a_readable_image_is_an_empty_image(self, item, place):
        assert [use.reference for use in images_in({"spec": {place: [item]}})] == [""]

    @pytest.mark.parametrize("image", [{}, {"reference": ""}, {"reference": 7}])
    def test_an_image_volume_without_a_reference_is_an_empty_image(self, image):
        assert [use.reference for use in images_in({"spec": {"volumes": [{"image": image}]}})] == [""]

    def test_an_empty_image_is_denied(self, snapshot_of: SnapshotFactory):
        uses = images_in(pod(pod_spec(container(), {"name": "b", "image": ""})))
        assert not decide(uses, snapshot=snapshot_of(), at=NOW).allowed

    @pytest.mark.parametrize("value", [None, [], "x", 7, {}, {"spec": {"containers": []}}])
    def test_nothing_is_found_in_nothing(self, value):
        assert images_in(value) == []


class TestUsers:
    @pytest.mark.parametrize(
        ("own", "pod_wide", "expected"),
        [
            (None, None, (None, False)),
            ({"runAsUser": 7}, None, (7, False)),
            (None, {"runAsUser": 8}, (8, False)),
            ({"runAsUser": 7}, {"runAsUser": 0}, (7, False)),
            ({"runAsUser": 0}, {"runAsUser": 8}, (0, False)),
            ({"runAsNonRoot": True}, {"runAsUser": 8}, (8, False)),
            ({"runAsUser": None}, {"runAsUser": 8}, (8, False)),
            ({"runAsUser": "7"}, {"runAsUser": 8}, (None, True)),
            ({"runAsUser": True}, None, (None, True)),
            ({"runAsUser": 1.0}, None, (None, True)),
            ([], {"runAsUser": 8}, (None, True)),
        ],
    )
    @pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers"])
    def test_the_container_overrides_the_pod(self, own, pod_wide, expected, place):
        item = {"image": "x"} if own is None else {"image": "x", "securityContext": own}
        spec = {place: [item]} if pod_wide is None else {place: [item], "securityContext": pod_wide}
        use = images_in({"spec": spec})[0]
        assert (use.run_as_user, use.is_user_malformed) == expected

    def test_a_volume_runs_as_nobody(self):
        assert images_in({"spec": PLACES["image volume"]})[0].place is Place.VOLUME


class TestLimits:
    def test_an_object_as_deep_as_allowed_is_read(self):
        value: Any = {"image": "x"}
        for _ in range(MAX_DEPTH - 1):
            value = {"a": value}
        assert len(images_in(value)) == 1

    def test_a_deeper_one_is_refused(self):
        value: Any = {"image": "x"}
        for _ in range(100_000):
            value = {"a": value}
        with pytest.raises(ObjectTooDeep):
            images_in(value)

    def test_a_key_of_megabytes_is_not_repeated_for_each_image(self):
        found = images_in({"spec": {"k" * 3_000_000: [{"image": "x"}] * 400}})
        assert len(found) == 400
        assert sum(len(use.path) for use in found) < 400 * 200

    def test_more_images_than_an_answer_can_name_are_refused(self):
        with pytest.raises(TooManyImages):
            images_in({"spec": {"containers": [container()] * (MAX_IMAGES + 1)}})


class TestCarriers:
    @pytest.mark.parametrize("kind", KINDS[:9])
    def test_kinds_that_make_pods(self, kind):
        assert carries_pods("", kind)

    @pytest.mark.parametrize("kind", ["ConfigMap", "Scale", "Binding", ""])
    def test_others(self, kind):
        assert not carries_pods(kind)


KEYS = st.sampled_from(
    ["spec", "template", "items", "containers", "volumes", "data", "x", "status", "metadata", "image"]
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


@st.composite
def hidden(draw: st.DrawFn) -> dict[str, Any]:
    """An object with one uncertified image somewhere outside what is not looked at."""
    value: Any = {draw(st.sampled_from(["image", "Image"])): UNCERTIFIED}
    for _ in range(draw(st.integers(0, 6))):
        around = draw(st.dictionaries(KEYS, TREES, max_size=3))
        key = draw(st.sampled_from(["spec", "template", "data", "x", "containers", "items"]))
        value = {**around, key: [value] if draw(st.booleans()) else value}
        if "spec" in value:
            value.pop("metadata", None)
    return {"kind": draw(st.sampled_from(["Pod", "Rollout", "Anything"])), "spec": value}


class TestHiddenAnywhere:
    @settings(max_examples=400, deadline=None)
    @given(value=hidden())
    def test_one_uncertified_image_hidden_anywhere_is_found(self, value):
        before = copy.deepcopy(value)
        assert UNCERTIFIED in [use.reference for use in images_in(value)]
        assert value == before

    @settings(max_examples=200, deadline=None)
    @given(value=TREES)
    def test_no_object_breaks_the_walk(self, value):
        for use in images_in(value):
            assert isinstance(use.reference, str)


def test_the_certified_twin_is_found_too():
    assert [use.reference for use in images_in(pod())] == [APP_REFERENCE]
