"""The starter set itself, and what its loader refuses."""

import gzip
import json
from pathlib import Path

import pytest

from catalog.definitions import InventoryMethod, Kind, definition, definitions, parse_definition
from catalog.errors import DefinitionMalformed, DefinitionMissing
from oci.reference import Reference
from registry.domain.presets import PRESETS
from scans.domain.support import parse_support_data

DATA = Path(__file__).parents[2] / "data" / "endoflife" / "endoflife.json.gz"
WANTED = {
    Kind.IMAGE: {
        "debian-slim", "ubuntu", "alpine", "distroless-static", "distroless-base", "ubi-minimal", "ubi-micro",
        "wolfi-base", "busybox",
    },
    Kind.HOST_SYSTEM: {"fedora-coreos", "flatcar", "bottlerocket"},
    Kind.NOTE: {"scratch"},
}  # fmt: skip

GOOD = """
name = "ours"
title = "Ours"
kind = "image"
purpose = "runtime"
summary = "A base of our own."
licence = "MIT"
links = ["https://example.org/ours"]
recommended = "1"

[inventory]
method = "package_database"
rule = "Read from dpkg."

[minimality]
has_shell = true
has_package_manager = false
notes = "Small."

[[versions]]
name = "1"
reference = "registry.example.org/base/ours:1"
end_of_life = { product = "debian", cycle = "12" }
"""


class TestTheStarterSet:
    def test_it_has_what_teams_expect(self):
        found = {kind: {one.name for one in definitions() if one.kind is kind} for kind in Kind}
        assert found == WANTED

    @pytest.mark.parametrize("name", sorted(WANTED[Kind.IMAGE]))
    def test_an_image_names_upstream_tags_and_no_digest(self, name):
        for version in definition(name).versions:
            reference = Reference.parse(version.reference)
            assert (bool(reference.tag), reference.digest) == (True, None)

    @pytest.mark.parametrize("name", sorted(WANTED[Kind.HOST_SYSTEM]))
    def test_a_host_system_has_no_reference_and_no_checksum(self, name):
        assert {version.reference for version in definition(name).versions} == {""}

    def test_a_preset_is_the_host_of_its_references(self):
        hosts = {preset.key: preset.host for preset in PRESETS}
        named = [one for one in definitions() if one.registry]
        assert named
        for one in named:
            assert {Reference.parse(version.reference).registry for version in one.versions} == {hosts[one.registry]}

    def test_every_end_of_life_that_the_data_knows_resolves_to_dates(self):
        data = {(one.product, one.cycle): one for one in parse_support_data(gzip.decompress(DATA.read_bytes()))}
        products = set(json.loads(gzip.decompress(DATA.read_bytes())))
        keys = [one.end_of_life for each in definitions() for one in each.versions if one.end_of_life]
        known = [key for key in keys if key.product in products]
        assert {key.product for key in keys} - products == {"flatcar", "bottlerocket"}  # told as unknown
        assert len(known) >= 14
        assert [key for key in known if data.get((key.product, key.cycle)) is None] == []
        assert [key for key in known if data[(key.product, key.cycle)].eol is None] == []

    def test_nothing_that_is_replaced_is_recommended(self):
        replaced = [one.name for one in definitions() if one.recommended and one.name != "busybox"
                    if one.version(one.recommended).replacement]  # fmt: skip
        assert replaced == []

    def test_what_has_no_package_database_says_how_its_inventory_is_proven(self):
        by_sbom = {one.name for one in definitions() if one.inventory.method is InventoryMethod.SBOM_ATTESTATION}
        assert {"scratch", "busybox", "distroless-static"} <= by_sbom
        for name in by_sbom:
            assert 0 < definition(name).inventory.waiver_days <= 180
        for name in ("scratch", "busybox", "distroless-static"):
            assert "attestation" in definition(name).inventory.rule

    def test_there_is_no_such_definition(self):
        with pytest.raises(DefinitionMissing, match="no 'windows'"):
            definition("windows")


class TestParseDefinition:
    def test_a_good_one_is_read(self):
        found = parse_definition(GOOD, file="ours.toml")
        assert (found.name, found.version("1").end_of_life.product, found.version("2")) == ("ours", "debian", None)

    @pytest.mark.parametrize(
        ("old", "new", "field"),
        [
            pytest.param('title = "Ours"', 'titel = "Ours"', "title", id="misspelt"),
            pytest.param('title = "Ours"', 'title = "Ours"\ntrusted = true', "trusted", id="unknown-field"),
            pytest.param("has_shell = true", "has_shell = true\ncolour = 1", "minimality.colour", id="unknown-inside"),
            pytest.param('name = "1"\n', 'name = "1"\ndigest = "sha256:00"\n', "versions[0].digest", id="a-digest"),
            pytest.param("ours:1", f"ours@sha256:{1:064x}", "versions[0].reference", id="a-digest-for-a-tag"),
            pytest.param("/ours:1", "/ours", "versions[0].reference", id="no-tag"),
            pytest.param("registry.example.org/base/ours:1", "ours:1", "versions[0].reference", id="not-canonical"),
            pytest.param('kind = "image"', 'kind = "virtual"', "kind", id="unknown-kind"),
            pytest.param('purpose = "runtime"', 'purpose = "fun"', "purpose", id="unknown-purpose"),
            pytest.param('name = "ours"', 'name = "../ours"', "name", id="a-name-that-is-a-path"),
            pytest.param('recommended = "1"', 'recommended = "2"', "recommended", id="recommends-nothing"),
            pytest.param("has_shell = true", 'has_shell = "yes"', "minimality.has_shell", id="a-word-for-a-flag"),
            pytest.param("https://example.org", "javascript:alert(1)//", "links", id="a-link-that-is-a-script"),
            pytest.param('"package_database"', '"sbom_attestation"', "inventory.waiver_days", id="no-end-for-a-waiver"),
            pytest.param('licence = "MIT"', 'licence = "MIT"\nregistry = "quay"', "versions[0].reference", id="preset"),
            pytest.param("[minimality]", "[minimality", "no TOML", id="broken"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_file_and_field(self, old, new, field):
        assert old in GOOD
        with pytest.raises(DefinitionMalformed) as refused:
            parse_definition(GOOD.replace(old, new), file="ours.toml")
        assert "ours.toml" in str(refused.value)
        assert field in str(refused.value)

    def test_a_version_is_there_once(self):
        text = GOOD + GOOD[GOOD.index("[[versions]]") :]
        with pytest.raises(DefinitionMalformed, match="twice"):
            parse_definition(text, file="ours.toml")

    def test_a_file_without_end_is_not_read(self):
        with pytest.raises(DefinitionMalformed, match="bytes"):
            parse_definition(GOOD + "#" * 70_000, file="ours.toml")
