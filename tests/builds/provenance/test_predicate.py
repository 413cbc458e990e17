"""The predicate: exactly SLSA v1's members, with digests, and without secrets."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from builds.domain.provenance import (
    MASKED,
    BaseUsed,
    BuildFacts,
    ByProduct,
    builder_uri,
    is_secret,
    oci_purl,
    slsa_predicate,
    without_password,
)

COMMIT = "1f2e3d4c" * 5
BASE = "sha256:" + "ab" * 32


def facts(**changes) -> BuildFacts:
    values = {
        "build_type": "https://goldgate.dev/build/dockerfile/v1",
        "builder_id": "https://goldgate.example/builders/buildah",
        "builder_version": {"buildah": "1.28.2"},
        "invocation_id": "https://goldgate.example/builds/1",
        "started_at": datetime(2026, 11, 24, 13, 0, 0, 123, tzinfo=timezone(timedelta(hours=1))),
        "finished_at": datetime(2026, 11, 24, 12, 1, tzinfo=UTC),
        "source_uri": "https://git.example/base.git",
        "ref": "refs/heads/main",
        "commit": COMMIT,
        "parameters": {
            "directory": "debian",
            "dockerfile": "Dockerfile",
            "arguments": {"SUITE": "bookworm", "API_TOKEN": "s3cret"},
            "target": "",
            "platforms": ["linux/amd64"],
        },
        "internal": {"recipe": {"sha256": "0" * 64}, "isolation": "chroot", "network": {"policy": "none"}},
        "bases": [BaseUsed("docker.io/library/debian:12", BASE, {"stage": 1, "kind": "adopted"})],
        "byproducts": [ByProduct("log", "sha256:" + "cd" * 32, "text/plain")],
        **changes,
    }
    return BuildFacts(**values)


class TestPredicate:
    def test_has_the_members_of_the_specification_and_no_others(self):
        assert slsa_predicate(facts()) == {
            "buildDefinition": {
                "buildType": "https://goldgate.dev/build/dockerfile/v1",
                "externalParameters": {
                    "source": {"uri": "https://git.example/base.git", "ref": "refs/heads/main"},
                    "directory": "debian",
                    "dockerfile": "Dockerfile",
                    "arguments": {"API_TOKEN": MASKED, "SUITE": "bookworm"},
                    "target": "",
                    "platforms": ["linux/amd64"],
                },
                "internalParameters": {
                    "recipe": {"sha256": "0" * 64},
                    "isolation": "chroot",
                    "network": {"policy": "none"},
                },
                "resolvedDependencies": [
                    {"uri": "git+https://git.example/base.git@refs/heads/main", "digest": {"gitCommit": COMMIT}},
                    {
                        "uri": "pkg:oci/debian@sha256%3A" + "ab" * 32 + "?repository_url=docker.io/library/debian",
                        "digest": {"sha256": "ab" * 32},
                        "annotations": {"stage": 1, "kind": "adopted"},
                    },
                ],
            },
            "runDetails": {
                "builder": {"id": "https://goldgate.example/builders/buildah", "version": {"buildah": "1.28.2"}},
                "metadata": {
                    "invocationId": "https://goldgate.example/builds/1",
                    "startedOn": "2026-11-24T12:00:00Z",
                    "finishedOn": "2026-11-24T12:01:00Z",
                },
                "byproducts": [{"name": "log", "digest": {"sha256": "cd" * 32}, "mediaType": "text/plain"}],
            },
        }

    def test_no_password_of_the_source_is_in_it(self):
        said = json.dumps(slsa_predicate(facts(source_uri="https://robot:hunter2@git.example/base.git")))
        assert "hunter2" not in said
        assert "robot" not in said
        assert "git+https://git.example/base.git@refs/heads/main" in said

    def test_a_local_source_is_a_file_address(self):
        found = slsa_predicate(facts(source_uri="/srv/git/base.git"))
        (commit, *_) = found["buildDefinition"]["resolvedDependencies"]
        assert commit["uri"] == "git+file:///srv/git/base.git@refs/heads/main"

    def test_the_builder_stays_the_same_from_build_to_build(self):
        assert builder_uri("https://goldgate.example/", "buildah") == "https://goldgate.example/builders/buildah"


class TestSecrets:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PASSWORD", "x"),
            ("DB_PASSWORD", "x"),
            ("apiKey", "x"),
            ("NPM_AUTH_TOKEN", "x"),
            ("GPG_PRIVATE_KEY", "x"),
            ("credentials", "x"),
            ("X", "ghp_" + "a1" * 18),
            ("X", "glpat-" + "a1" * 10),
            ("X", "AKIAABCDEFGHIJKLMNOP"),
            ("X", "-----BEGIN RSA PRIVATE KEY-----"),
            ("http_proxy", "http://me:hunter2@proxy.example:3128"),
            ("X", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlMTIz"),
        ],
    )
    def test_what_looks_like_one_is_masked(self, name, value):
        assert is_secret(name, value)

    @pytest.mark.parametrize("name", ["SUITE", "DEBIAN_MIRROR", "AUTHOR", "KEYRING_PACKAGE", "TOKENIZER", "MONKEY"])
    def test_what_does_not_is_shown(self, name):
        assert not is_secret(name, "https://deb.example/debian")

    def test_an_empty_value_hides_nothing(self):
        assert not is_secret("TOKEN", "")


class TestAddresses:
    @pytest.mark.parametrize(
        ("reference", "expected"),
        [
            ("debian:12", "pkg:oci/debian@sha256%3Aab"),
            ("127.0.0.1:5055/base", "pkg:oci/base@sha256%3Aab?repository_url=127.0.0.1:5055/base"),
            (
                "r.example/golden/debian:12@sha256:ab",
                "pkg:oci/debian@sha256%3Aab?repository_url=r.example/golden/debian",
            ),
        ],
    )
    def test_a_base_is_a_package_url(self, reference, expected):
        assert oci_purl(reference, "sha256:ab") == expected

    def test_a_path_stays_a_path(self):
        assert without_password("/srv/git/base@home.git") == "/srv/git/base@home.git"
