"""BuildKit as a builder: a real buildkitd behind mutual TLS builds what the plan says, and nothing else."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from builds.adapters.builders.buildkit import BuildKitBuilder, daemon_platforms
from builds.adapters.builders.interface import BuilderFailed, BuilderUnavailable, BuildPlan, PlannedBase
from tests.builds.builders.platforms import TWO, children_in, files_in, index_archive
from tests.integration.buildkitd import Daemon, buildkitd
from tests.integration.world import debian_images

pytestmark = pytest.mark.integration
DIGEST = f"sha256:{'d' * 64}"
LABELS = {"org.opencontainers.image.title": 'debian, "12"', "org.opencontainers.image.revision": "c" * 40}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with buildkitd(tmp_path_factory.mktemp("buildkit")) as started:
        yield started


@pytest.fixture(autouse=True)
def _settings(settings: Any, daemon: Daemon) -> None:
    for name, value in daemon.settings.items():
        setattr(settings, name, value)


@dataclass
class Said:
    text: str = ""

    def __call__(self, text: str) -> None:
        self.text += text


def plan(directory: Path, dockerfile: str, **changes: Any) -> BuildPlan:
    """A job directory with one file in its context, on the real Debian image."""
    layout = debian_images()["old"]
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    (directory / "work" / "context").mkdir(parents=True)
    (directory / "work" / "context" / "hello").write_text("hello\n")
    reference = f"registry.example/debian@{digest}"
    made = BuildPlan(
        directory=directory,
        dockerfile=dockerfile.encode(),
        arguments={},
        target="",
        platforms=["linux/amd64"],
        bases=[PlannedBase("debian:12", reference, digest, {"linux/amd64": layout})],
        labels=LABELS,
        epoch=1_700_000_000,
        allowed_hosts=None,
    )
    return replace(made, **changes)


def build(made: BuildPlan, said: Said | None = None) -> Any:
    return BuildKitBuilder().build(made, log=said or Said(), check=lambda: None)


def config_of(archive: Path, digest: str) -> dict[str, Any]:
    with tarfile.open(archive) as opened:

        def read(name: str) -> Any:
            member = opened.extractfile(f"blobs/{name.replace(':', '/')}")
            assert member is not None
            return json.load(member)

        return dict(read(read(digest)["config"]["digest"]))


DOCKERFILE = "FROM debian:12\nCOPY hello /hello\nRUN cat /hello && ls /sys/class/net\nUSER 65532\n"


def test_builds_on_the_given_base_with_labels_and_no_network(tmp_path: Path):
    said = Said()
    output = build(plan(tmp_path, DOCKERFILE), said)
    config = config_of(output.archive, output.digest)
    assert config["config"]["User"] == "65532"
    assert config["config"]["Labels"] == LABELS
    assert output.builder_version.startswith("buildctl")
    # The only interface is the loopback one.
    assert "eth" not in said.text
    assert any(line.endswith(" lo") for line in said.text.splitlines())


def test_two_builds_of_one_plan_are_one_digest(tmp_path: Path):
    first = build(plan(tmp_path / "1", DOCKERFILE))
    assert build(plan(tmp_path / "2", DOCKERFILE)).digest == first.digest


def two_platforms(directory: Path, dockerfile: str, **changes: Any) -> BuildPlan:
    """On an index of amd64 and arm64, each in its layout, as a source with both is planned."""
    layouts = {}
    directory.mkdir(exist_ok=True)
    for platform in TWO:
        archive = index_archive(directory / "base.tar", {platform: {"etc/platform": platform.encode()}})
        layout = directory / "bases" / platform.replace("/", "-")
        layout.mkdir(parents=True)
        with tarfile.open(archive) as opened:
            opened.extractall(layout, filter="data")
        only = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"].partition(":")[2]
        child = json.loads((layout / "blobs" / "sha256" / only).read_text())["manifests"][0]
        (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [child]}))
        layouts[platform] = layout
    base = PlannedBase("base:1", f"registry.example/base@{DIGEST}", DIGEST, layouts)
    return plan(directory, dockerfile, platforms=TWO, bases=[base], **changes)


class TestSeveralPlatforms:
    COPIES = "FROM base:1\nARG TARGETARCH\nCOPY hello /$TARGETARCH\nUSER 65532\n"

    def test_make_an_index_of_images_each_on_its_own_base(self, tmp_path: Path):
        output = build(two_platforms(tmp_path, self.COPIES))
        children = children_in(output.archive)
        assert list(children) == TWO
        for platform, (manifest, config) in children.items():
            assert files_in(output.archive, manifest) == ["etc/platform", platform.rpartition("/")[2]]
            assert config["config"]["Labels"] == LABELS
            assert manifest["annotations"] == LABELS

    def test_twice_are_one_digest(self, tmp_path: Path):
        first = build(two_platforms(tmp_path / "1", self.COPIES))
        assert build(two_platforms(tmp_path / "2", self.COPIES)).digest == first.digest

    def test_a_program_that_the_daemon_does_not_run_is_refused_before_it_begins(self, tmp_path: Path):
        foreign = [one for one in TWO if one not in daemon_platforms()]
        if not foreign:
            pytest.skip("LEFT OUT: this buildkitd emulates arm64")
        said = Said()
        with pytest.raises(BuilderFailed) as refused:
            build(two_platforms(tmp_path, 'FROM base:1\nRUN ["/x"]\n'), said)
        assert (refused.value.failure_code, refused.value.line) == ("platform_not_runnable", 2)
        assert f"{foreign[0]} cannot be built here" in refused.value.detail
        assert said.text == ""

    def test_a_stage_may_run_on_the_daemons_own_platform_for_all_of_them(self, tmp_path: Path):
        """Cross-building: nothing of arm64 is run."""
        text = (
            "FROM --platform=$BUILDPLATFORM debian:12 AS tools\nARG TARGETARCH\nRUN echo $TARGETARCH > /made\n"
            "FROM base:1\nCOPY --from=tools /made /made\n"
        )
        made = two_platforms(tmp_path, text)
        made = replace(made, bases=[*made.bases, *plan(tmp_path / "debian", "").bases])
        output = build(made)
        assert [files_in(output.archive, manifest)[-1] for manifest, _ in children_in(output.archive).values()] == [
            "made",
            "made",
        ]

    def test_one_that_fails_is_named_and_leaves_nothing(self, tmp_path: Path):
        text = "FROM base:1\nARG TARGETARCH\nCOPY only-$TARGETARCH /\n"
        made = two_platforms(tmp_path, text)
        (made.work / "context" / "only-amd64").write_text("x")
        with pytest.raises(BuilderFailed) as failed:
            build(made)
        assert (failed.value.line, failed.value.failure_code) == (3, "build_failed")
        assert "while building linux/arm64" in failed.value.detail
        assert not (tmp_path / "image.tar").exists()


def test_a_failing_line_is_named(tmp_path: Path):
    with pytest.raises(BuilderFailed) as failed:
        build(plan(tmp_path, "FROM debian:12\nCOPY hello /hello\nRUN exit 7\n"))
    assert (failed.value.line, failed.value.failure_code) == (3, "build_failed")
    assert not (tmp_path / "image.tar").exists()


def test_an_image_that_was_not_given_is_not_pulled(tmp_path: Path):
    with pytest.raises(BuilderFailed) as failed:
        build(plan(tmp_path, "FROM 127.0.0.1:9/elsewhere/debian:12\nUSER 65532\n"))
    assert "127.0.0.1:9/elsewhere/debian:12" in failed.value.detail


@pytest.mark.parametrize("before", ["", "\ufeff", "#!/bin/sh\n", "\ufeff#!/bin/sh\n", "# check=skip=all\n"])
def test_a_foreign_frontend_is_not_run(tmp_path: Path, before: str):
    output = build(plan(tmp_path, f"{before}# syntax=evil.example/frontend:1\n{DOCKERFILE}"))
    assert config_of(output.archive, output.digest)["config"]["User"] == "65532"


def test_listed_hosts_are_refused_with_the_cure(tmp_path: Path):
    with pytest.raises(BuilderFailed, match="with buildah"):
        build(plan(tmp_path, DOCKERFILE, allowed_hosts=["deb.example"]))


def test_a_check_that_raises_ends_the_build(tmp_path: Path):
    class Lost(Exception):
        pass

    def check() -> None:
        raise Lost

    with pytest.raises(Lost):
        BuildKitBuilder().build(plan(tmp_path, "FROM debian:12\nRUN sleep 60\n"), log=Said(), check=check)
    assert not (tmp_path / "image.tar").exists()


def test_without_our_certificate_it_does_not_answer(tmp_path: Path, settings: Any, daemon: Daemon):
    settings.GOLDGATE_BUILDKIT_CERTIFICATE_FILE = str(daemon.foreign_certificate)
    settings.GOLDGATE_BUILDKIT_KEY_FILE = str(daemon.foreign_key)
    with pytest.raises(BuilderUnavailable):
        build(plan(tmp_path, DOCKERFILE))


def test_a_plain_address_is_refused(tmp_path: Path, settings: Any):
    settings.GOLDGATE_BUILDKIT_ADDRESS = "unix:///run/buildkit/buildkitd.sock"
    with pytest.raises(BuilderUnavailable, match="mutual TLS"):
        build(plan(tmp_path, DOCKERFILE))
