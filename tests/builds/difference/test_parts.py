"""Each part of a difference by itself, and what the whole says of them."""

from dataclasses import replace

import pytest

from builds.domain.configuration import RunConfiguration
from builds.domain.difference import (
    Difference,
    FindingRow,
    ImageDifference,
    LayerRow,
    Package,
    Side,
    Unknown,
    compare_configurations,
    compare_files,
    compare_findings,
    compare_layers,
    compare_packages,
)
from builds.domain.difference.files import MAX_LISTED, FileMove
from builds.domain.layer_files import FileEntry, Kind


def file(path: str, mode: int = 0o644, sha256: str = "a", **fields) -> FileEntry:
    return FileEntry(path=path, kind=fields.pop("kind", Kind.FILE), mode=mode, sha256=sha256, **fields)


def package(name: str, version: str) -> Package:
    return Package("deb", name, version, "Debian:12", name)


def by_number(one: Package, other: Package) -> bool | None:
    if "?" in one.version + other.version:
        return None
    return int(one.version) > int(other.version)


class TestPackages:
    @pytest.mark.parametrize(
        ("older", "newer", "moves"),
        [
            pytest.param(["1"], ["2"], [("upgraded", "1", "2")], id="rose"),
            pytest.param(["2"], ["1"], [("downgraded", "2", "1")], id="fell"),
            pytest.param(["1"], ["?"], [("changed", "1", "?")], id="nobody can tell"),
            pytest.param([], ["1"], [("added", "", "1")], id="came"),
            pytest.param(["1"], [], [("removed", "1", "")], id="went"),
            pytest.param(["1"], ["1"], [], id="stayed"),
            pytest.param(["1", "2"], ["1", "3"], [("upgraded", "2", "3")], id="one of two versions rose"),
            pytest.param(["1", "2"], ["3"], [("removed", "1", ""), ("removed", "2", ""), ("added", "", "3")], id="two"),
        ],
    )
    def test_what_became_of_one(self, older, newer, moves):
        part = compare_packages([package("a", v) for v in older], [package("a", v) for v in newer], by_number)
        assert [(one.move.value, one.older, one.newer) for one in part.changes] == moves

    def test_counts_both_sides(self):
        part = compare_packages([package("a", "1")], [package("a", "1"), package("b", "1")], by_number)
        assert (part.older_count, part.newer_count) == (1, 2)

    @pytest.mark.parametrize(
        ("newer", "is_only"),
        [
            pytest.param([("a", "2"), ("b", "1")], True, id="one rose"),
            pytest.param([("a", "1"), ("b", "1")], False, id="nothing"),
            pytest.param([("a", "2"), ("b", "1"), ("c", "1")], False, id="one came too"),
            pytest.param([("a", "2")], False, id="one went too"),
        ],
    )
    def test_only_upgrades(self, newer, is_only):
        older = [package("a", "1"), package("b", "1")]
        assert compare_packages(older, [package(*one) for one in newer], by_number).is_only_upgrades is is_only


def finding(name: str, package: str = "a", severity: str = "low", rank: int = 2, **fields) -> FindingRow:
    return FindingRow(name, package, severity, rank, "1", **fields)


class TestFindings:
    def test_fixed_new_and_remaining(self):
        part = compare_findings([finding("C-1"), finding("C-2")], [finding("C-2"), finding("C-3")])
        names = [[one.vulnerability_id for one in rows] for rows in (part.fixed, part.new, part.remaining)]
        assert names == [["C-1"], ["C-3"], ["C-2"]]

    def test_the_same_vulnerability_of_another_package_is_new(self):
        part = compare_findings([finding("C-1", "a")], [finding("C-1", "b")])
        assert (len(part.fixed), len(part.new)) == (1, 1)

    def test_a_newer_version_that_has_it_too_is_no_change(self):
        part = compare_findings([finding("C-1")], [replace(finding("C-1"), installed="2")])
        assert (part.fixed, part.new) == ((), ())

    @pytest.mark.parametrize(
        ("new", "worst"),
        [
            pytest.param([], "none", id="none is new"),
            pytest.param([finding("C-1"), finding("C-2", severity="high", rank=4)], "high", id="the highest"),
            pytest.param(
                [finding("C-1", severity="critical", rank=5), finding("C-2", severity="unknown", rank=6)],
                "unknown",
                id="unrated stands with the worst",
            ),
        ],
    )
    def test_the_worst_that_is_new(self, new, worst):
        assert compare_findings([], new).worst_new_severity == worst

    def test_exploited_ones_come_first(self):
        rows = [finding("C-1", severity="critical", rank=5), finding("C-2", is_exploited=True)]
        assert [one.vulnerability_id for one in compare_findings([], rows).new] == ["C-2", "C-1"]


class TestFiles:
    @pytest.mark.parametrize(
        ("older", "newer", "change"),
        [
            pytest.param([], [file("x")], ("added", ()), id="came"),
            pytest.param([file("x")], [], ("removed", ()), id="went"),
            pytest.param([file("x")], [file("x", sha256="b")], ("changed", ("content",)), id="content"),
            pytest.param([file("x")], [file("x", 0o600)], ("changed", ("mode",)), id="mode"),
            pytest.param([file("x")], [file("x", uid=7)], ("changed", ("owner",)), id="owner"),
            pytest.param([file("x")], [file("x", capabilities="1")], ("changed", ("capabilities",)), id="capabilities"),
            pytest.param(
                [file("x", kind=Kind.LINK, target="a", sha256="")],
                [file("x", 0o777, kind=Kind.LINK, target="b", sha256="")],
                ("changed", ("target",)),
                id="a link's target, whatever its mode",
            ),
            pytest.param(
                [file("x", sha256="")],
                [file("x", kind=Kind.DIRECTORY, sha256="")],
                ("changed", ("kind",)),
                id="what it is",
            ),
        ],
    )
    def test_what_became_of_one(self, older, newer, change):
        (row,) = compare_files(older, newer).listed
        assert (row.move.value, row.what) == change

    def test_another_layer_is_no_change(self):
        assert compare_files([file("x", layer=0)], [file("x", layer=3)]).listed == ()

    def test_lists_are_read_by_the_components_of_paths(self):
        older = [file("a"), file("a/b"), file("a-c")]
        newer = [file("a"), file("a-c"), file("b")]
        assert [(one.move.value, one.path) for one in compare_files(older, newer).listed] == [
            ("removed", "a/b"),
            ("added", "b"),
        ]

    def test_what_weighs_most_is_marked_and_stands_first(self):
        older = [file("bin/a", 0o755), file("bin/b", 0o4755), file("data", 0o644)]
        newer = [
            file("bin/a", 0o4755),
            file("bin/b", 0o755),
            file("bin/c", 0o755),
            file("data", 0o666),
            file("zcap", capabilities="1"),
        ]
        part = compare_files(older, newer)
        assert [one.path for one in part.listed] == ["bin/a", "zcap", "bin/b", "data", "bin/c"]
        counts = (part.new_setuid, part.lost_setuid, part.new_executables, part.new_world_writable)
        assert counts == (1, 1, 1, 1)
        assert (part.new_capabilities, part.mode_changes) == (1, 3)

    def test_of_very_many_the_weightiest_are_listed_and_all_counted(self):
        newer = [file(f"f{number:06}") for number in range(MAX_LISTED + 50)]
        newer.append(file("zz/su", 0o4755))
        part = compare_files([], newer)
        assert part.counts[FileMove.ADDED] == MAX_LISTED + 51
        assert len(part.listed) == MAX_LISTED
        assert part.listed[0].path == "zz/su"
        assert part.is_cut


class TestConfiguration:
    RUN = RunConfiguration(
        user="1", entrypoint=("/a",), env={"A": "1", "TOKEN": "x"}, labels={"l": "1"}, ports=("1/tcp",)
    )

    @pytest.mark.parametrize(
        ("changes", "row"),
        [
            pytest.param({"user": "0"}, ("user", "", "1", "0"), id="user"),
            pytest.param({"entrypoint": ("/b", "x")}, ("entrypoint", "", ["/a"], ["/b", "x"]), id="entrypoint"),
            pytest.param({"cmd": ("x",)}, ("cmd", "", [], ["x"]), id="cmd"),
            pytest.param({"working_dir": "/x"}, ("working_dir", "", "", "/x"), id="workdir"),
            pytest.param({"stop_signal": "INT"}, ("stop_signal", "", "", "INT"), id="stop signal"),
            pytest.param({"env": {"A": "2", "TOKEN": "x"}}, ("env", "A", "1", "2"), id="variable"),
            pytest.param({"env": {"A": "1"}}, ("env", "TOKEN", "(not shown)", None), id="secret variable gone"),
            pytest.param({"labels": {}}, ("label", "l", "1", None), id="label"),
            pytest.param({"ports": ()}, ("port", "1/tcp", "", None), id="port"),
            pytest.param({"volumes": ("/v",)}, ("volume", "/v", None, ""), id="volume"),
        ],
    )
    def test_one_field(self, changes, row):
        (found,) = compare_configurations(self.RUN, replace(self.RUN, **changes))
        assert (found.field, found.name, found.older, found.newer) == row

    def test_a_secret_that_changed_is_told_without_its_value(self):
        (found,) = compare_configurations(self.RUN, replace(self.RUN, env={"A": "1", "TOKEN": "y"}))
        assert (found.older, found.newer) == ("(not shown)", "(not shown)")


class TestLayers:
    def test_shared_by_what_is_in_them(self):
        base, own = LayerRow("sha256:1", "d1", 10), LayerRow("sha256:2", "d2", 5)
        repacked = replace(base, digest="sha256:9", size_bytes=8)
        part = compare_layers([base], [repacked, own])
        assert part.shared == {"d1"}
        assert (part.older_bytes, part.newer_bytes, part.bytes_to_pull) == (10, 13, 13)

    def test_a_layer_that_a_node_has_is_not_pulled(self):
        base, own = LayerRow("sha256:1", "d1", 10), LayerRow("sha256:2", "d2", 5)
        assert compare_layers([base], [base, own]).bytes_to_pull == 5


PATCHED = ImageDifference(
    older=Side("sha256:1"),
    newer=Side("sha256:2"),
    packages=compare_packages([package("a", "1")], [package("a", "2")], by_number),
    findings=compare_findings([finding("C-1")], []),
    files=compare_files([file("x")], [file("x", sha256="b")]),
    configuration=(),
    layers=compare_layers([LayerRow("sha256:1", "d1", 10)], [LayerRow("sha256:3", "d3", 12)]),
)
LABEL = compare_configurations(
    RunConfiguration(), RunConfiguration(labels={"org.opencontainers.image.created": "2026-11-24"})
)
NEW_USER = compare_configurations(RunConfiguration(), RunConfiguration(user="1"))
NOBODY_LOOKED = Unknown("Nobody looked.")


class TestOnlyPackagePatches:
    @pytest.mark.parametrize(
        ("change", "verdict"),
        [
            pytest.param({}, True, id="packages rose"),
            pytest.param({"configuration": LABEL}, True, id="and labels that every build writes"),
            pytest.param({"configuration": NEW_USER}, False, id="and the user changed"),
            pytest.param({"findings": compare_findings([], [finding("C-9")])}, False, id="and a finding is new"),
            pytest.param({"files": compare_files([], [file("su", 0o4755)])}, False, id="and a set-uid program is new"),
            pytest.param({"files": compare_files([], [file("x", capabilities="1")])}, False, id="and capabilities"),
            pytest.param({"files": compare_files([], [file("x", 0o666)])}, False, id="and a file for everybody"),
            pytest.param({"packages": compare_packages([], [package("a", "1")], by_number)}, False, id="one came"),
            pytest.param({"packages": compare_packages([], [], by_number)}, False, id="none rose"),
            pytest.param({"findings": NOBODY_LOOKED}, None, id="nobody knows the findings"),
            pytest.param({"files": NOBODY_LOOKED}, None, id="nobody knows the files"),
            pytest.param({"packages": NOBODY_LOOKED}, None, id="nobody knows the packages"),
            pytest.param({"packages": NOBODY_LOOKED, "configuration": NEW_USER}, False, id="unknown, and surely not"),
        ],
    )
    def test_verdict(self, change, verdict):
        assert replace(PATCHED, **change).is_only_package_patches is verdict


class TestTheWhole:
    def test_unknown_numbers_are_null_and_not_zero(self):
        summary = replace(PATCHED, findings=NOBODY_LOOKED, files=NOBODY_LOOKED).summary()
        assert summary["findings_new"] is None
        assert summary["worst_new_severity"] is None
        assert summary["new_setuid_count"] is None
        assert summary["packages_upgraded"] == 1

    def test_images_are_summed_and_the_worst_counts(self):
        worse = replace(PATCHED, findings=compare_findings([], [finding("C-9", severity="high", rank=4)]))
        summary = Difference(Side("sha256:1"), Side("sha256:2"), (PATCHED, worse)).summary()
        assert (summary["packages_upgraded"], summary["findings_new"]) == (2, 1)
        assert summary["worst_new_severity"] == "high"
        assert summary["is_only_package_patches"] is False

    def test_one_unknown_makes_the_sum_unknown(self):
        images = (PATCHED, replace(PATCHED, files=NOBODY_LOOKED))
        summary = Difference(Side("sha256:1"), Side("sha256:2"), images).summary()
        assert summary["new_setuid_count"] is None
        assert summary["is_only_package_patches"] is None

    def test_a_platform_that_went_is_never_only_patches(self):
        whole = Difference(Side("sha256:1"), Side("sha256:2"), (PATCHED,), only_older=("linux/arm64",))
        assert whole.summary()["is_only_package_patches"] is False

    def test_the_form_for_machines_names_its_schema_and_its_unknowns(self):
        unknown = replace(PATCHED, files=NOBODY_LOOKED)
        found = Difference(Side("sha256:1", "debian/12 1"), Side("sha256:2"), (unknown,)).as_json()
        assert found["schema"] == "goldgate.difference/v1"
        assert found["images"][0]["unknown"] == {"files": "Nobody looked."}
        assert found["images"][0]["files"] is None
        assert found["older"] == {"digest": "sha256:1", "name": "debian/12 1", "platform": ""}

    def test_names_made_to_deceive_are_shown_as_they_are(self):
        hidden = compare_files([], [file("gpj\u202eexe")])
        row = replace(PATCHED, files=hidden).as_json()["files"]["changes"][0]
        assert row["path"] == "/gpj\\u202eexe"
