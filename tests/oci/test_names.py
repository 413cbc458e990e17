"""Digests, references, platforms, chain ids: what is read, what is refused, what the refusal says."""

import pytest

from oci.chain import chain_ids
from oci.digest import Digest
from oci.errors import MalformedDigest, MalformedPlatform, MalformedReference, ReferenceNotCanonical
from oci.platform import Platform
from oci.reference import Completion, Reference, is_host, is_repository_path, is_tag, is_within

HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class TestDigest:
    def test_the_empty_bytes_have_the_digest_that_everybody_knows(self):
        assert str(Digest.of(b"")) == f"sha256:{HEX}"
        assert Digest.parse(f"sha256:{HEX}").names(b"")
        assert not Digest.parse(f"sha256:{HEX}").names(b"x")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "sha256",
            "sha256:",
            HEX,
            f"sha256:{HEX[:63]}",
            f"sha256:{HEX}0",
            f"sha256:{HEX.upper()}",
            f"SHA256:{HEX}",
            f"sha512:{HEX}",
            f"md5:{HEX[:32]}",
            f"sha384:{HEX}{HEX[:32]}",
            f"sha256:{HEX}\n",
            f" sha256:{HEX}",
            f"sha256:{'０' * 64}",
            f"sha256:{'g' * 64}",
        ],
    )
    def test_anything_else_is_refused_with_the_form_to_write(self, text):
        with pytest.raises(MalformedDigest) as caught:
            Digest.parse(text)
        assert "sha256:" in caught.value.cure

    def test_the_fallback_tag_is_a_tag(self):
        assert is_tag(Digest.of(b"").fallback_tag)
        assert Digest.of(b"").fallback_tag == f"sha256-{HEX}"


class TestReference:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("docker.io/library/debian:12", ("docker.io", "library/debian", "12", "")),
            (f"ghcr.io/a/b@sha256:{HEX}", ("ghcr.io", "a/b", "", f"sha256:{HEX}")),
            (f"localhost:5000/x:1@sha256:{HEX}", ("localhost:5000", "x", "1", f"sha256:{HEX}")),
            ("[::1]:5000/x", ("[::1]:5000", "x", "", "")),
            ("localhost/x", ("localhost", "x", "", "")),
        ],
    )
    def test_the_canonical_form_is_read_and_comes_back(self, text, parts):
        found = Reference.parse(text)
        assert (found.registry, found.repository, found.tag, str(found.digest or "")) == parts
        assert str(found) == text
        assert Reference.is_canonical(text)

    @pytest.mark.parametrize(
        ("text", "cure"),
        [
            ("debian", "docker.io/library/debian"),
            ("debian:12", "docker.io/library/debian:12"),
            ("docker.io/debian", "docker.io/library/debian"),
            ("index.docker.io/library/debian", "docker.io/library/debian"),
            ("team/app", "docker.io/team/app"),
            ("Registry.example/app", "registry.example/app"),
            ("registry.example:0443/app", "leading zeros"),
            ("registry.example:99999/app", "65535"),
            ("registry.example:0/app", "65535"),
        ],
    )
    def test_a_second_spelling_is_refused_with_the_first(self, text, cure):
        with pytest.raises(ReferenceNotCanonical) as caught:
            Reference.parse(text)
        assert cure in caught.value.cure
        assert not Reference.is_canonical(text)

    def test_completion_happens_only_when_asked_for(self):
        assert str(Reference.parse("debian:12", completion=Completion.DOCKER)) == "docker.io/library/debian:12"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "a.b/c\n",
            "a.b/c ",
            "a.b/C",
            "a.b/c:",
            "a.b/c@",
            "a.b//c",
            "a.b/c:-x",
            f"a.b/c@sha256:{HEX[:63]}",
            HEX,
            "a.b/c:tag:tag",
            "https://a.b/c",
            "a.b/../c",
            "a.b/c\x00",
            "a.b/" + "x" * 256,
            "a" * 5000,
            "a_b.c/d",
        ],
    )
    def test_what_is_no_reference_is_refused(self, text):
        with pytest.raises(MalformedReference) as caught:
            Reference.parse(text)
        assert caught.value.cure
        assert len(str(caught.value)) < 1000

    def test_a_pinned_reference_has_the_digest_and_no_tag(self):
        pinned = Reference.parse("a.b/c:1").pinned(Digest.of(b""))
        assert str(pinned) == f"a.b/c@sha256:{HEX}"

    def test_a_long_hostile_text_is_refused_at_once(self):
        """No backtracking: a grammar with nested repeats must not be a way to hold a worker."""
        for text in ("a" + "-" * 4000 + "!", "a." * 2000 + "/", "a/" + "a__" * 1300, "x:" + "9" * 4000 + "/"):
            assert not Reference.is_canonical(text)

    def test_hosts_and_paths_are_judged_alone(self):
        assert is_host("a.b:443")
        assert is_host("localhost:5000")
        assert not is_host("A.b")
        assert not is_host("a.b/c")
        assert not is_host("plain")
        assert is_repository_path("a/b-c/d_e")
        assert not is_repository_path("a/../b")
        assert not is_repository_path("a:b")


class TestPlatform:
    def test_a_platform_comes_back_as_written(self):
        assert str(Platform.parse("linux/arm/v7")) == "linux/arm/v7"
        assert Platform.parse("linux/arm64").matches(Platform("linux", "arm64"))
        assert Platform("linux", "arm", "v7").matches(Platform("linux", "arm"))
        assert not Platform("linux", "arm").matches(Platform("linux", "arm", "v7"))
        assert Platform.parse("unknown/unknown").is_unknown

    @pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/amd64\n", "linux/am d64"])
    def test_anything_else_is_refused(self, text):
        with pytest.raises(MalformedPlatform):
            Platform.parse(text)


class TestChainIds:
    def test_they_are_those_of_the_specification(self):
        """config.md#layer-chainid: ChainID(L0|L1) = Digest(ChainID(L0) + " " + DiffID(L1))."""
        one, two = Digest.of(b"1"), Digest.of(b"2")
        assert chain_ids([one, two]) == (one, Digest.of(f"{one} {two}".encode()))
        assert chain_ids([]) == ()
        assert chain_ids([one, two])[1] != chain_ids([two, one])[1]


class TestWithin:
    @pytest.mark.parametrize(
        ("name", "place", "holds"),
        [
            ("registry.example/base/tool", "registry.example/base/tool", True),
            ("registry.example/base/tool", "registry.example/base", True),
            ("registry.example/base/tool", "registry.example", True),
            ("registry.example/base-old/tool", "registry.example/base", False),
            ("registry.example/base", "registry.example/base/tool", False),
            ("registry.example.evil/base", "registry.example", False),
            ("other.example/registry.example/base", "registry.example", False),
        ],
    )
    def test_places_hold_whole_components(self, name, place, holds):
        assert is_within(name, place) is holds
