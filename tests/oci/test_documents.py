"""Manifests, indexes and configurations that programs could read in different ways are refused, naming the key."""

import json

import pytest

from oci import media_types
from oci.config import ImageConfig
from oci.errors import DocumentTooLarge, ForeignLayer, MalformedDocument, UnsupportedMediaType
from oci.manifest import Index, Manifest, is_attestation, parse_manifest

DIGEST = "sha256:" + "a" * 64
CONFIG = {"mediaType": media_types.OCI_CONFIG, "digest": DIGEST, "size": 2}
LAYER = {"mediaType": media_types.OCI_LAYER_GZIP, "digest": DIGEST, "size": 3}
CHILD = {"mediaType": media_types.OCI_MANIFEST, "digest": DIGEST, "size": 4}
MANIFEST = {"schemaVersion": 2, "config": CONFIG, "layers": [LAYER]}
INDEX = {"schemaVersion": 2, "manifests": [CHILD]}


def raw(text: str) -> bytes:
    return text.encode()


def with_layer(**more) -> dict:
    return {**MANIFEST, "layers": [{**LAYER, **more}]}


class TestReadManifests:
    def test_a_manifest_without_media_type_is_told_by_its_content_type(self):
        """umoci writes none."""
        found = parse_manifest(json.dumps(MANIFEST).encode(), media_types.OCI_MANIFEST + "; charset=utf-8")
        assert isinstance(found, Manifest)
        assert found.is_image
        assert (found.config.size, len(found.layers)) == (2, 1)

    @pytest.mark.parametrize("kind", sorted(media_types.INDEXES))
    def test_an_index_lists_its_runnable_children(self, kind):
        listed = [
            {**CHILD, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {**CHILD, "platform": {"os": "unknown", "architecture": "unknown"}},
        ]
        found = parse_manifest(json.dumps({**INDEX, "mediaType": kind, "manifests": listed}).encode(), kind)
        assert isinstance(found, Index)
        assert [str(one.platform) for one in found.runnable] == ["linux/arm64/v8"]

    def test_calling_itself_an_attestation_does_not_keep_a_platform_from_running(self):
        """A runtime chooses by platform alone, so such a child must not pass unseen."""
        listed = {
            **CHILD,
            "platform": {"os": "linux", "architecture": "amd64"},
            "annotations": {"vnd.docker.reference.digest": DIGEST, "vnd.docker.reference.type": "attestation-manifest"},
        }
        found = parse_manifest(json.dumps({**INDEX, "manifests": [listed]}).encode(), media_types.OCI_INDEX)
        assert isinstance(found, Index)
        assert not is_attestation(found.manifests[0])

    def test_labels_and_annotations_may_differ_in_case_alone(self):
        body = json.dumps({**MANIFEST, "annotations": {"a": "1", "A": "2"}}).encode()
        assert parse_manifest(body, media_types.OCI_MANIFEST).annotations == {"a": "1", "A": "2"}


M, X, D, L = media_types.OCI_MANIFEST, media_types.OCI_INDEX, media_types.DOCKER_MANIFEST, media_types.DOCKER_LIST
DOUBLE = f'{{"schemaVersion":2,"config":{json.dumps(CONFIG)},"layers":[],"layers":[]}}'

REFUSED = [
    pytest.param(raw(DOUBLE), M, "'layers' twice", id="duplicate-key"),
    pytest.param(raw('{"schemaVersion":2,"schemaVersion":1}'), M, "'schemaVersion' twice", id="duplicate-version"),
    pytest.param(
        raw('{"schemaVersion":2,"manifests":[{"digest":"a","digest":"b"}]}'), X, "'digest' twice", id="duplicate-below"
    ),
    pytest.param(
        raw('{"schemaVersion":2,"annotations":{"a":"1","a":"2"}}'), M, "'a' twice", id="duplicate-in-annotations"
    ),
    pytest.param({**MANIFEST, "Layers": []}, M, "'Layers'", id="case-variant-beside"),
    pytest.param({"schemaVersion": 2, "config": CONFIG, "LAYERS": [LAYER]}, M, "'LAYERS'", id="case-variant-alone"),
    pytest.param({**MANIFEST, "layerſ": []}, M, "layer", id="case-variant-long-s"),
    pytest.param({**MANIFEST, "ConfiG": CONFIG}, M, "'ConfiG'", id="case-variant-config"),
    pytest.param({**INDEX, "Manifests": []}, X, "'Manifests'", id="case-variant-manifests"),
    pytest.param({**MANIFEST, "MediaType": X}, M, "'MediaType'", id="case-variant-media-type"),
    pytest.param({**MANIFEST, "unknown": 1, "Unknown": 2}, M, "'Unknown'", id="two-unknown-keys-by-case"),
    pytest.param(with_layer(Digest=DIGEST), M, "'Digest'", id="case-variant-in-descriptor"),
    pytest.param(
        {**INDEX, "manifests": [{**CHILD, "platform": {"os": "linux", "OS": "windows", "architecture": "amd64"}}]},
        X,
        "'OS'",
        id="case-variant-in-platform",
    ),
    pytest.param({**MANIFEST, "manifests": [CHILD]}, M, "'manifests'", id="manifests-beside-layers"),
    pytest.param({**MANIFEST, "manifests": None}, M, "'manifests'", id="manifests-null-beside-layers"),
    pytest.param({**INDEX, "layers": [LAYER]}, X, "'layers'", id="layers-in-an-index"),
    pytest.param({**INDEX, "config": CONFIG}, X, "'config'", id="config-in-an-index"),
    pytest.param({**INDEX, "layers": []}, L, "'layers'", id="layers-in-a-list"),
    pytest.param({**MANIFEST, "mediaType": X}, M, "mediaType", id="media-type-not-content-type"),
    pytest.param({**MANIFEST, "mediaType": D}, M, "mediaType", id="docker-told-as-oci"),
    pytest.param({**MANIFEST, "mediaType": M}, X, "mediaType", id="manifest-told-as-index"),
    pytest.param({**MANIFEST, "mediaType": 7}, M, "mediaType", id="media-type-a-number"),
    pytest.param(json.dumps(MANIFEST).encode() + b"{}", M, "one JSON value", id="two-values"),
    pytest.param(json.dumps(MANIFEST).encode() + b"\x00", M, "one JSON value", id="trailing-nul"),
    pytest.param(b"\xef\xbb\xbf" + json.dumps(MANIFEST).encode(), M, "one JSON value", id="byte-order-mark"),
    pytest.param(json.dumps(MANIFEST).encode("utf-16"), M, "one JSON value", id="utf-16"),
    pytest.param(b"", M, "one JSON value", id="empty"),
    pytest.param(b"[]", M, "JSON object", id="a-list"),
    pytest.param(b"null", M, "JSON object", id="null"),
    pytest.param(b'{"schemaVersion":NaN}', M, "NaN", id="nan"),
    pytest.param(b'{"schemaVersion":' + b"9" * 100_000 + b"}", M, "one JSON value", id="endless-number"),
    pytest.param(b'{"a":' * 40 + b"1" + b"}" * 40, M, "nested", id="deep"),
    pytest.param(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", M, "nested", id="very-deep"),
    pytest.param(b'{"schemaVersion":2,"artifactType":"\\ud800"}', M, "half a character", id="lone-surrogate"),
    pytest.param(b'{"schemaVersion":2,"artifactType":"a\\u0000b"}', M, "NUL", id="nul-in-a-string"),
    pytest.param({"schemaVersion": 1, "fsLayers": [], "history": []}, M, "schema 1", id="schema-1"),
    pytest.param({**MANIFEST, "fsLayers": []}, M, "'fsLayers'", id="schema-1-keys-in-schema-2"),
    pytest.param({**MANIFEST, "schemaVersion": 3}, M, "schemaVersion", id="schema-3"),
    pytest.param({**MANIFEST, "schemaVersion": "2"}, M, "schemaVersion", id="schema-as-text"),
    pytest.param({"config": CONFIG, "layers": []}, M, "schemaVersion", id="no-schema"),
    pytest.param({"schemaVersion": 2, "layers": []}, M, "manifest.config", id="no-config"),
    pytest.param({"schemaVersion": 2, "config": CONFIG}, M, "manifest.layers", id="no-layers"),
    pytest.param({**MANIFEST, "layers": {}}, M, "manifest.layers", id="layers-an-object"),
    pytest.param({**MANIFEST, "layers": [LAYER] * 1001}, M, "1000", id="too-many-layers"),
    pytest.param({"schemaVersion": 2}, X, "manifest.manifests", id="index-without-manifests"),
    pytest.param(with_layer(digest="sha256:abc"), M, "layers[0].digest", id="short-digest"),
    pytest.param(with_layer(digest=None), M, "layers[0].digest", id="no-digest"),
    pytest.param(with_layer(size=-1), M, "layers[0].size", id="negative-size"),
    pytest.param(with_layer(size="3"), M, "layers[0].size", id="size-as-text"),
    pytest.param(with_layer(size=True), M, "layers[0].size", id="size-as-truth"),
    pytest.param(with_layer(size=1e3), M, "layers[0].size", id="size-as-float"),
    pytest.param(with_layer(size=1 << 60), M, "layers[0].size", id="size-beyond-reason"),
    pytest.param(with_layer(annotations={"a": 1}), M, "annotations", id="annotation-a-number"),
    pytest.param({**MANIFEST, "subject": "x"}, M, "subject", id="subject-a-text"),
]


class TestRefusedManifests:
    @pytest.mark.parametrize(("body", "content_type", "said"), REFUSED)
    def test_the_refusal_names_the_key(self, body, content_type, said):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        with pytest.raises(MalformedDocument) as caught:
            parse_manifest(body, content_type)
        assert said in caught.value.detail
        assert caught.value.cure

    def test_over_the_cap_nothing_is_parsed(self):
        with pytest.raises(DocumentTooLarge):
            parse_manifest(b"{" * (4 * 1024 * 1024 + 1), M)

    @pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", *sorted(media_types.SCHEMA_1)])
    def test_an_unknown_content_type_is_refused(self, content_type):
        with pytest.raises(UnsupportedMediaType):
            parse_manifest(json.dumps(MANIFEST).encode(), content_type)

    @pytest.mark.parametrize(
        "more", [{"urls": ["https://elsewhere.example/layer"]}, *({"mediaType": t} for t in media_types.FOREIGN_LAYERS)]
    )
    def test_a_layer_from_elsewhere_is_refused(self, more):
        with pytest.raises(ForeignLayer, match=r"layers\[0\]"):
            parse_manifest(json.dumps(with_layer(**more)).encode(), M)

    def test_every_single_byte_changed_is_read_the_same_or_refused(self):
        """No damage may raise anything but our own refusal."""
        body = json.dumps({**MANIFEST, "mediaType": M}).encode()
        for at in range(len(body)):
            for byte in (0, 34, 44, 92, 123, 255):
                damaged = body[:at] + bytes([byte]) + body[at + 1 :]
                try:
                    parse_manifest(damaged, M)
                except MalformedDocument:
                    continue


def config(**more) -> bytes:
    return json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [DIGEST]}, **more}).encode()


class TestImageConfig:
    def test_it_says_who_it_runs_as_and_on_what(self):
        found = ImageConfig.parse(
            config(config={"User": "65532", "Env": ["A=b"]}, history=[{"created_by": "RUN x", "empty_layer": True}])
        )
        assert (found.user, found.env, found.os, [str(one) for one in found.diff_ids]) == (
            "65532",
            ("A=b",),
            "linux",
            [DIGEST],
        )
        assert found.history[0].is_empty_layer

    def test_what_is_left_out_is_empty(self):
        found = ImageConfig.parse(config(config=None, history=None))
        assert (found.user, found.env, found.labels, found.history) == ("", (), {}, ())

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"config": {"User": "65532", "user": "0"}}, "'user'"),
            ({"config": {"USER": "0"}}, "'USER'"),
            ({"Config": {"User": "0"}}, "'Config'"),
            ({"config": {"User": 0}}, "User"),
            ({"config": {"Env": "A=b"}}, "Env"),
            ({"config": []}, "config"),
            ({"rootfs": {"diff_ids": ["x"]}}, "diff_ids"),
            ({"rootfs": {"Diff_IDs": [DIGEST]}}, "'Diff_IDs'"),
            ({"rootfs": {}}, "diff_ids"),
            ({"history": {}}, "history"),
            ({"history": [{"empty_layer": "yes"}]}, "history[0].empty_layer"),
            ({"os": 7}, "os"),
        ],
    )
    def test_the_refusal_names_the_key(self, more, said):
        with pytest.raises(MalformedDocument) as caught:
            ImageConfig.parse(config(**more))
        assert said in caught.value.detail
