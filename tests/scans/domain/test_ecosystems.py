"""What a component and its release are called in the advisories' world."""

import pytest

from scans.domain.ecosystems import (
    coordinates_of,
    ecosystem_of_release,
    is_key_of_rpm,
    is_preview,
    is_rolling,
    normal_ecosystem,
    release_cycle,
)
from scans.domain.inventory import DATABASE_OF_SYSTEM
from scans.domain.versions import has_order


class TestReleases:
    @pytest.mark.parametrize(
        ("os_id", "os_version", "expected"),
        [
            ("alpine", "3.19.1", "Alpine:v3.19"),
            ("alpine", "3.24", "Alpine:v3.24"),
            ("alpine", "3.24.0_alpha20260127", ""),
            ("alpine", "edge", ""),
            ("alpine", "3", ""),
            ("alpine", "", ""),
            ("wolfi", "20230201", "Wolfi"),
            ("chainguard", "20230214", "Chainguard"),
            ("ubuntu", "22.04", "Ubuntu:22.04"),
            ("debian", "12", "Debian:12"),
            ("debian", "", ""),
            ("fedora", "43", ""),
            ("rhel", "9.4", "Red Hat:9"),
            ("rhel", "10.0", "Red Hat:10"),
            ("rhel", "9", ""),
            ("rhel", "9.4 beta", ""),
            ("almalinux", "8.10", "AlmaLinux:8"),
            ("almalinux", "10", ""),  # Kitten, which is between two releases, names no minor one
            ("rocky", "9.4", ""),
            ("centos", "9", ""),
        ],
    )
    def test_have_the_name_that_advisories_use(self, os_id, os_version, expected):
        assert ecosystem_of_release(os_id, os_version) == expected

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04"),
            ("Ubuntu:25.10", "Ubuntu:25.10"),
            ("Ubuntu:Pro:18.04:LTS", "Ubuntu:18.04"),
            ("Ubuntu:Pro:FIPS-updates:20.04:LTS", "Ubuntu:Pro:FIPS-updates:20.04:LTS"),
            ("Ubuntu:Pro:24.04:LTS:Realtime:Kernel", "Ubuntu:Pro:24.04:LTS:Realtime:Kernel"),
            ("Ubuntu:22.04:LTS:for:NVIDIA:BlueField", "Ubuntu:22.04:LTS:for:NVIDIA:BlueField"),
            ("Alpine:v3.19", "Alpine:v3.19"),
            ("Debian:12", "Debian:12"),
            ("Red Hat:enterprise_linux:9::baseos", "Red Hat:9"),
            ("Red Hat:enterprise_linux:9::appstream", "Red Hat:9"),
            ("Red Hat:enterprise_linux:10.2", "Red Hat:10"),
            ("Red Hat:rhel_els:7", "Red Hat:7"),
            ("Red Hat:rhel_eus:9.4::baseos", "Red Hat:rhel_eus:9.4::baseos"),
            ("Red Hat:enterprise_linux_eus:10.0", "Red Hat:enterprise_linux_eus:10.0"),
            ("Red Hat:openstack:10::el7", "Red Hat:openstack:10::el7"),
            ("AlmaLinux:9", "AlmaLinux:9"),
        ],
    )
    def test_what_is_written_for_a_release_counts_and_for_other_packages_does_not(self, name, expected):
        assert normal_ecosystem(name) == expected

    def test_a_state_between_two_releases_is_none(self):
        assert is_preview("alpine", "3.24.0_alpha20260127")
        assert not is_preview("alpine", "3.24.0")
        assert not is_preview("debian", "12")

    def test_what_rolls_has_no_release(self):
        assert is_rolling("wolfi")
        assert is_rolling("chainguard")
        assert not is_rolling("alpine")

    def test_end_of_life_data_names_the_branch(self):
        assert release_cycle("alpine", "3.19.1") == "3.19"
        assert release_cycle("alpine", "edge") == "edge"
        assert release_cycle("ubuntu", "22.04") == "22.04"
        assert release_cycle("rhel", "9.4") == "9"
        assert release_cycle("almalinux", "8.10") == "8"
        assert release_cycle("rhel", "9") == "9"

    @pytest.mark.parametrize("os_id", ["almalinux", "alpine", "chainguard", "debian", "rhel", "ubuntu", "wolfi"])
    def test_what_can_be_compared_has_a_package_database_that_can_be_missed(self, os_id):
        assert has_order(ecosystem_of_release(os_id, "1.0"))
        assert os_id in DATABASE_OF_SYSTEM


class TestCoordinates:
    @pytest.mark.parametrize(
        ("purl", "expected"),
        [
            pytest.param(
                "pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=alpine-3.19.1&upstream=openssl",
                ("Alpine:v3.19", "openssl", "3.1.4-r5"),
                id="the source package",
            ),
            pytest.param(
                "pkg:apk/alpine/musl@1.2.4_git20230717-r4?arch=x86_64&distro=alpine-3.19.1",
                ("Alpine:v3.19", "musl", "1.2.4_git20230717-r4"),
                id="its own source",
            ),
            pytest.param(
                "pkg:apk/wolfi/libcrypto3@3.6.0-r4?arch=x86_64&distro=wolfi-20230201&upstream=openssl",
                ("Wolfi", "libcrypto3", "3.6.0-r4"),
                id="Wolfi lists what is installed",
            ),
            pytest.param(
                "pkg:apk/alpine/musl@1.2.5-r9?arch=x86_64&distro=alpine-3.24.0_alpha20260127",
                ("", "musl", "1.2.5-r9"),
                id="edge",
            ),
            pytest.param(
                "pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.10?arch=amd64&upstream=openssl&distro=ubuntu-22.04",
                ("Ubuntu:22.04", "openssl", "3.0.2-0ubuntu1.10"),
                id="Ubuntu",
            ),
            pytest.param(
                "pkg:rpm/redhat/openssl-libs@3.0.7-18.el9_2?arch=x86_64&distro=rhel-9.2&epoch=1"
                "&upstream=openssl-3.0.7-18.el9_2.src.rpm",
                ("Red Hat:9", "openssl-libs", "1:3.0.7-18.el9_2"),
                id="Red Hat lists what is installed, with its epoch",
            ),
            pytest.param(
                "pkg:rpm/almalinux/curl-minimal@7.76.1-29.el9_4.1?arch=x86_64&distro=almalinux-9.4",
                ("AlmaLinux:9", "curl-minimal", "7.76.1-29.el9_4.1"),
                id="AlmaLinux too; no epoch is none",
            ),
            pytest.param(
                "pkg:rpm/redhat/openssl-libs@1:3.0.7-18.el9_2?distro=rhel-9.2",
                ("Red Hat:9", "openssl-libs", "1:3.0.7-18.el9_2"),
                id="an epoch within the version",
            ),
            pytest.param(
                "pkg:rpm/redhat/nodejs@20.11.1-1.module%2Bel9.3.0%2B21000%2B1a2b3c4d?distro=rhel-9.3&epoch=1",
                ("Red Hat:9", "nodejs (module)", "1:20.11.1-1.module+el9.3.0+21000+1a2b3c4d"),
                id="a stream of a module",
            ),
            pytest.param(
                "pkg:rpm/rocky/curl@7.76.1-29.el9_4.1?distro=rocky-9.4",
                ("", "curl", "7.76.1-29.el9_4.1"),
                id="Rocky Linux",
            ),
        ],
    )
    def test_say_what_advisories_name(self, purl, expected):
        found = coordinates_of(purl)
        assert (found.ecosystem, found.source_name, found.source_version) == expected

    @pytest.mark.parametrize(
        ("purl", "expected"),
        [
            ("pkg:rpm/redhat/gpg-pubkey@fd431d51-4ae0493b?distro=rhel-9.4", True),
            ("pkg:rpm/gpg-pubkey@fd431d51-4ae0493b", True),
            ("pkg:rpm/redhat/gpg-pubkey-tools@1-1", False),
            ("pkg:deb/debian/gpg-pubkey@1-1", False),
        ],
    )
    def test_a_key_in_rpms_database_is_no_package(self, purl, expected):
        assert is_key_of_rpm(purl) is expected
