"""What a component and its release are called in the advisories' world."""

import pytest

from scans.domain.ecosystems import (
    coordinates_of,
    ecosystem_of_release,
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
        ],
    )
    def test_of_ubuntu_what_pro_fixes_counts_and_other_packages_do_not(self, name, expected):
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

    @pytest.mark.parametrize("os_id", ["alpine", "chainguard", "debian", "ubuntu", "wolfi"])
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
        ],
    )
    def test_say_what_advisories_name(self, purl, expected):
        found = coordinates_of(purl)
        assert (found.ecosystem, found.source_name, found.source_version) == expected
