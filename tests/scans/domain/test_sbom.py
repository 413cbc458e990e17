"""Bills of materials that somebody attested: both formats, and what hostile ones come to."""

import json

import pytest

from scans.domain import sbom
from scans.domain.sbom import read_sbom
from scans.domain.statements import CYCLONEDX_TYPE, SPDX_TYPE, AttestationRefused, Statement
from tests.factories.attestations import cyclonedx, spdx

OPENSSL = "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"
LIBSSL = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
GO = "pkg:golang/example.com/tool@v1.2.3"
BOTH = pytest.mark.parametrize("form", [cyclonedx, spdx])


def read(document, form=cyclonedx):
    kind = CYCLONEDX_TYPE if form is cyclonedx else SPDX_TYPE
    return read_sbom(Statement(kind, document if isinstance(document, bytes) else json.dumps(document).encode()))


def refused(document, form=cyclonedx) -> AttestationRefused:
    with pytest.raises(AttestationRefused) as caught:
        read(document, form)
    return caught.value


class TestComponents:
    @BOTH
    def test_they_are_read_by_package_url(self, form):
        found = read(form([LIBSSL, OPENSSL, GO]), form)
        assert [one.purl for one in found.components] == sorted([LIBSSL, OPENSSL, GO])
        libssl = next(one for one in found.components if one.name == "libssl3")
        assert (libssl.ecosystem, libssl.source_name, libssl.source_version) == (
            "Debian:12", "openssl", "3.0.11-1~deb12u2",
        )  # fmt: skip

    @pytest.mark.parametrize("version", ["1.4", "1.5", "1.6"])
    def test_cyclonedx_from_1_4_on(self, version):
        assert read(cyclonedx([GO], version=version)).format == f"CycloneDX {version}"

    def test_parts_of_parts_count_too(self):
        document = cyclonedx([OPENSSL])
        document["components"][0]["components"] = [{"type": "library", "name": "x", "purl": GO}]
        assert {one.purl for one in read(document).components} == {OPENSSL, GO}

    def test_what_has_no_package_url_is_counted(self):
        document = cyclonedx([GO])
        document["components"] += [{"type": "library", "name": "bare"}, {"type": "file", "name": "/a"}]
        assert read(document).without_purl == 1
        document = spdx([GO])
        document["packages"] += [{"name": "bare"}, {"name": "image", "primaryPackagePurpose": "CONTAINER"}]
        assert read(document, spdx).without_purl == 1

    def test_the_image_itself_is_no_component(self):
        assert [one.purl for one in read(spdx([GO, "pkg:oci/tool@sha256%3Aab?arch=amd64"]), spdx).components] == [GO]

    @BOTH
    def test_a_key_that_rpm_trusts_is_none_either(self, form):
        bash = "pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4"
        found = read(form([bash, "pkg:rpm/redhat/gpg-pubkey@fd431d51-4ae0493b?distro=rhel-9.4"]), form)
        assert [one.purl for one in found.components] == [bash]
        assert found.components[0].ecosystem == "Red Hat:9"


class TestTheRelease:
    @BOTH
    def test_package_urls_name_it(self, form):
        assert read(form([OPENSSL, GO]), form).releases == (("debian", "12"),)

    @BOTH
    def test_the_system_lends_it_to_package_urls_that_do_not(self, form):
        """As scanners do that know the system: a state of a release is that release."""
        found = read(form(["pkg:deb/debian/openssl@3.0.11?arch=amd64"], system=("debian", "12.5")), form)
        assert found.releases == (("debian", "12"),)
        assert found.components[0].ecosystem == "Debian:12"
        assert "distro=debian-12" in found.components[0].purl

    def test_a_state_of_a_release_is_the_release(self):
        found = read(cyclonedx(["pkg:deb/debian/openssl@3.0.11?distro=debian-12.5"], system=("debian", "12.5")))
        assert (found.releases, found.components[0].ecosystem) == ((("debian", "12"),), "Debian:12")

    def test_a_system_without_a_package_of_it_is_none(self):
        assert read(cyclonedx([GO], system=("debian", "12"))).releases == ()
        assert read(cyclonedx(["pkg:deb/ubuntu/x@1"], system=("debian", "12"))).releases == ()

    def test_two_systems_lend_nothing(self):
        document = cyclonedx(["pkg:deb/debian/openssl@3.0.11"], system=("debian", "12"))
        document["components"].append({"type": "operating-system", "name": "debian", "version": "13"})
        assert read(document).releases == ()

    def test_several_are_all_told(self):
        other = OPENSSL.replace("debian-12", "debian-13")
        assert read(cyclonedx([OPENSSL, other])).releases == (("debian", "12"), ("debian", "13"))
        assert len(read(cyclonedx([OPENSSL], system=("debian", "13"))).releases) == 2

    def test_a_code_name_is_no_release(self):
        found = read(cyclonedx(["pkg:deb/debian/openssl@3.0.11?distro=bookworm"], system=("debian", "12")))
        assert (found.releases, found.components[0].ecosystem) == ((), "")


class TestHostileInput:
    @pytest.mark.parametrize(
        ("document", "where"),
        [
            pytest.param(cyclonedx([GO, "no purl"]), "components[1].purl", id="no-purl"),
            pytest.param(cyclonedx(["pkg:golang/x@" + "1" * 301]), "components[0].purl", id="long-version"),
            pytest.param(cyclonedx(["pkg:golang/" + "x" * 1000 + "@1"]), "components[0].purl", id="long-purl"),
            pytest.param(cyclonedx(["pkg:golang/x@1%0A2"]), "components[0].purl", id="line-break"),
            pytest.param(cyclonedx(["pkg:golang/x@1%002"]), "components[0].purl", id="nul"),
            pytest.param(cyclonedx(["pkg:golang/x@%E2%80%AE1"]), "components[0].purl", id="turned-text"),
            pytest.param(cyclonedx(["pkg:" + "t" * 40 + "/x@1"]), "components[0].purl", id="long-type"),
            pytest.param(cyclonedx([GO], version="1.3"), "specVersion", id="older"),
            pytest.param(cyclonedx([GO]) | {"bomFormat": "SPDX"}, "bomFormat", id="other-format"),
        ],
    )
    def test_cyclonedx_is_refused_with_the_member_named(self, document, where):
        assert refused(document).where == where

    @pytest.mark.parametrize(
        ("document", "where"),
        [
            pytest.param(spdx(["pkg:"]), "packages[0].externalRefs[0].referenceLocator", id="no-purl"),
            pytest.param(spdx([GO], version="SPDX-2.2"), "spdxVersion", id="older"),
            pytest.param(spdx([GO], version="SPDX-3.0"), "spdxVersion", id="newer"),
        ],
    )
    def test_spdx_too(self, document, where):
        assert refused(document, spdx).where == where

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"null", id="null"),
            pytest.param(b'"SPDXVersion: SPDX-2.3"', id="tag-value"),
            pytest.param(b"[" * 200_000, id="deep"),
            pytest.param(json.dumps(cyclonedx([GO]) | {"components": "x"}).encode(), id="wrong-type"),
            pytest.param(json.dumps(cyclonedx([GO]) | {"components": [{"purl": 7}]}).encode(), id="number"),
        ],
    )
    def test_what_is_no_such_document_is_refused(self, body):
        assert refused(body).code == "sbom_malformed"
        assert refused(body, spdx).code == "sbom_malformed"

    def test_the_wrong_member_is_named_by_the_reader(self):
        assert "$.components[0].purl" in refused(cyclonedx([GO]) | {"components": [{"purl": 7}]}).detail

    @BOTH
    def test_an_empty_one_proves_nothing(self, form):
        assert refused(form([]), form).code == "no_components"

    @BOTH
    def test_too_many_are_refused(self, form, monkeypatch):
        monkeypatch.setattr(sbom, "MAX_COMPONENTS", 2)
        assert len(read(form([GO, OPENSSL]), form).components) == 2
        assert refused(form([GO, OPENSSL, LIBSSL]), form).code == "too_many_components"

    def test_too_many_without_a_package_url_are_refused_too(self, monkeypatch):
        monkeypatch.setattr(sbom, "MAX_COMPONENTS", 2)
        document = cyclonedx([GO, OPENSSL])
        document["components"] += [{"type": "library", "name": "x"}] * 3
        assert read(document).without_purl <= 3

    def test_parts_lie_at_most_so_deep(self):
        inner: dict = {"type": "library", "name": "x", "purl": GO}
        for _ in range(30):
            inner = {"type": "library", "name": "x", "components": [inner]}
        assert refused(cyclonedx([GO]) | {"components": [inner]}).code == "sbom_malformed"
