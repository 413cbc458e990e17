"""What BuildKit said is read as it was printed: a program in buildctl's place prints what the real one did."""

import sys
from pathlib import Path

import pytest

from builds.adapters.builders.buildkit import BuildKitBuilder, buildkit_version
from builds.adapters.builders.interface import BuilderFailed, BuildPlan

PRINTED = Path(__file__).parents[2] / "data" / "buildkit"


@pytest.fixture(autouse=True)
def _buildctl(settings, tmp_path: Path):
    program = tmp_path / "buildctl"
    said = (PRINTED / "cancelled-platform.log").read_text()
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"print('buildctl test v0' if '--version' in sys.argv else {said!r})\n"
        "sys.exit('--version' not in sys.argv)\n"
    )
    program.chmod(0o755)
    settings.GOLDGATE_BUILDKIT_BUILDCTL = str(program)
    settings.GOLDGATE_BUILDKIT_ADDRESS = "tcp://127.0.0.1:9"
    for name in ("CA_FILE", "CERTIFICATE_FILE", "KEY_FILE"):
        setattr(settings, f"GOLDGATE_BUILDKIT_{name}", str(tmp_path / name))
    buildkit_version.cache_clear()  # it keeps what the first program said
    yield
    buildkit_version.cache_clear()


@pytest.mark.parametrize(
    ("platforms", "where"),
    [
        pytest.param(["linux/amd64", "linux/arm64"], " while building linux/arm64", id="several"),
        pytest.param(["linux/arm64"], "", id="one"),
    ],
)
def test_a_failed_platform_is_named_although_its_step_was_cancelled_at_last(tmp_path: Path, platforms, where):
    (tmp_path / "work").mkdir()
    made = BuildPlan(
        directory=tmp_path,
        dockerfile=b"FROM base:1\nARG TARGETARCH\nCOPY only-$TARGETARCH /\n",
        arguments={},
        target="",
        platforms=platforms,
        bases=[],
        labels={},
        epoch=None,
        allowed_hosts=None,
    )
    with pytest.raises(BuilderFailed) as failed:
        BuildKitBuilder().build(made, log=lambda text: None, check=lambda: None)
    assert failed.value.line == 3
    assert failed.value.detail.startswith(f"BuildKit ended with 1{where}: failed to solve: ")
