"""BuildKit as a builder: a real buildkitd behind mutual TLS builds what the plan says, and nothing else."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from builds.adapters.builders.buildkit import BuildKitBuilder
from builds.adapters.builders.interface import BuilderFailed, BuilderUnavailable, BuildPlan, PlannedBase
from tests.integration.buildkitd import Daemon, buildkitd
from tests.integration.world import debian_images

pytestmark = pytest.mark.integration
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


def test_a_failing_line_is_named(tmp_path: Path):
    with pytest.raises(BuilderFailed) as failed:
        build(plan(tmp_path, "FROM debian:12\nCOPY hello /hello\nRUN exit 7\n"))
    assert (failed.value.line, failed.value.failure_code) == (3, "build_failed")
    assert not (tmp_path / "image.tar").exists()


def test_an_image_that_was_not_given_is_not_pulled(tmp_path: Path):
    with pytest.raises(BuilderFailed) as failed:
        build(plan(tmp_path, "FROM 127.0.0.1:9/elsewhere/debian:12\nUSER 65532\n"))
    assert "127.0.0.1:9/elsewhere/debian:12" in failed.value.detail


def test_a_foreign_frontend_is_not_run(tmp_path: Path):
    output = build(plan(tmp_path, "# syntax=evil.example/frontend:1\n" + DOCKERFILE))
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
