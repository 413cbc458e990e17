"""Names on the policy's list: what each reaches, and what cannot stand there."""

import copy

import pytest

from gate.denied_bases import DeniedBase, fault_of
from gate.policy import DEFAULT, DEFAULT_JSON, MalformedPolicy, PolicyDocument

ENTRY = {"name": "docker.io/library/ubuntu", "reason": "No one here patches it.", "instead": "debian:12"}


def reaches(name: str, repository: str, *tags: str) -> bool:
    return DeniedBase(name, "x", "").reaches(repository, tags)


class TestReaches:
    @pytest.mark.parametrize(
        ("name", "repository"),
        [
            ("docker.io/library/ubuntu", "docker.io/library/ubuntu"),
            ("docker.io/library/ubuntu", "docker.io/ubuntu"),
            ("docker.io/library/ubuntu", "index.docker.io/library/ubuntu"),
            ("docker.io/library/ubuntu", "registry-1.docker.io/library/ubuntu"),
            ("docker.io/library/ubuntu", "DOCKER.IO/library/ubuntu"),
            ("docker.io/library/ubuntu", "docker.io:443/library/ubuntu"),
            ("docker.io/ubuntu", "docker.io/library/ubuntu"),
            ("docker.io/ubuntu", "docker.io/ubuntu/nginx"),
            ("docker.io/bitnami", "docker.io/bitnami/redis"),
            ("docker.io", "docker.io/library/ubuntu"),
            ("docker.io", "docker.io/anybody/anything"),
            ("quay.io/a", "quay.io/a/b/c"),
            ("r.example:5000/a", "r.example:5000/a"),
            ("index.docker.io/library/ubuntu", "docker.io/library/ubuntu"),
        ],
    )
    def test_the_repository_and_what_is_below_it(self, name, repository):
        assert reaches(name, repository, "1")
        assert reaches(name, repository)

    @pytest.mark.parametrize(
        ("name", "repository"),
        [
            ("docker.io/bitnami", "docker.io/bitnamilegacy/redis"),
            ("docker.io/library/ubuntu", "docker.io/library/ubuntu-core"),
            ("docker.io/library/ubuntu", "docker.io/somebody/ubuntu"),
            ("docker.io/library/ubuntu", "quay.io/library/ubuntu"),
            ("docker.io/library/ubuntu", "registry.example/docker.io/library/ubuntu"),
            ("docker.io", "docker.io.evil.example/a"),
            ("docker.io", "notdocker.io/a"),
            ("r.example:5000/a", "r.example/a"),
            ("quay.io/a/b", "quay.io/a"),
        ],
    )
    def test_nothing_beside_it(self, name, repository):
        assert not reaches(name, repository, "1")

    @pytest.mark.parametrize(
        ("tag", "is_reached"),
        [
            ("10", True),
            ("10-slim", True),
            ("10.13", True),
            ("100", False),
            ("1", False),
            ("buster", False),
            ("v10", False),
        ],
    )
    def test_a_tag_and_what_continues_it(self, tag, is_reached):
        assert reaches("docker.io/library/debian:10", "docker.io/library/debian", "x", tag) is is_reached

    def test_a_tag_reaches_nothing_that_has_none(self):
        assert not reaches("docker.io/library/debian:10", "docker.io/library/debian")


class TestName:
    @pytest.mark.parametrize(
        "name",
        ["docker.io", "docker.io/library/ubuntu", "r.example:5000/a/b:1.2-x", "localhost/a", "quay.io/a__b/c-d.e"],
    )
    def test_written_in_full(self, name):
        assert fault_of(name) == ""

    @pytest.mark.parametrize(
        "name",
        [
            *("", "ubuntu", "ubuntu:22.04", "library/ubuntu", "docker.io/", "docker.io//a", "docker.io/a/"),
            *("docker.io/*", "docker.io/a*", "docker.io/Ubuntu", "DOCKER.io/a", "docker.io/a:", "docker.io/a b"),
            *("docker.io/a@sha256:" + "a" * 64, "docker.io/../a", "docker.io/a\n", "-x.io/a", "docker.io/" + "a" * 400),
            *("docker.io:0/a", "docker.io:x/a", "docker.io:x"),
        ],
    )
    def test_nothing_else(self, name):
        assert fault_of(name)


class TestInThePolicy:
    def policy(self, *entries: object) -> PolicyDocument:
        return PolicyDocument.from_json({**copy.deepcopy(DEFAULT_JSON), "denied_bases": list(entries)})

    def test_it_is_read_written_and_hashed(self):
        found = self.policy(ENTRY)
        assert found.denied_bases == (DeniedBase(**ENTRY),)
        assert found.to_json()["denied_bases"] == [ENTRY]
        assert PolicyDocument.from_json(found.to_json()) == found
        assert found.sha256 != DEFAULT.sha256

    def test_a_policy_without_it_reads_and_hashes_as_before(self):
        assert "denied_bases" not in DEFAULT.to_json()
        assert DEFAULT.denied_bases == ()

    @pytest.mark.parametrize(
        ("entries", "pointer"),
        [
            ([], "/denied_bases"),
            ([ENTRY, ENTRY], "/denied_bases"),
            (["docker.io/a"], "/denied_bases/0"),
            ([{"name": "docker.io/a", "reason": "x"}], "/denied_bases/0"),
            ([{**ENTRY, "until": "x"}], "/denied_bases/0"),
            ([{**ENTRY, "name": "ubuntu"}], "/denied_bases/0/name"),
            ([{**ENTRY, "name": 5}], "/denied_bases/0/name"),
            ([ENTRY, {**ENTRY, "name": "docker.io/*"}], "/denied_bases/1/name"),
            ([{**ENTRY, "reason": " "}], "/denied_bases/0/reason"),
            ([{**ENTRY, "reason": "a\nb"}], "/denied_bases/0/reason"),
            ([{**ENTRY, "instead": None}], "/denied_bases/0/instead"),
            ([{**ENTRY, "instead": "\u202ex"}], "/denied_bases/0/instead"),
            ([{**ENTRY, "name": f"docker.io/a{n}"} for n in range(1001)], "/denied_bases"),
        ],
    )
    def test_what_is_wrong_is_named(self, entries, pointer):
        with pytest.raises(MalformedPolicy) as refused:
            self.policy(*entries)
        assert pointer in [row.pointer for row in refused.value.errors]

    def test_null_is_no_list(self):
        with pytest.raises(MalformedPolicy):
            PolicyDocument.from_json({**DEFAULT_JSON, "denied_bases": None})
