"""One source, several platforms: one index, or one reason why not. Nothing here is emulated."""

import pytest

from builds.adapters.builders import platforms
from builds.domain.platforms import normal
from builds.models import Build
from builds.services.asking import begin_build
from builds.services.base_layers import BaseByPlatform, BasePlatformMissing, require_platforms
from builds.services.directories import directory_of
from jobs.services import enqueue
from registry.services.progress import silent
from tests.builds.builders.platforms import TWO, arm64_program, children_in, files_in, index_base
from tests.builds.builders.support import (
    BUSYBOX,
    base_entry,
    build_of,
    busybox_archive,
    busybox_base,
    log_of,
    needs_buildah,
    run_once,
)
from tests.factories.builds import SourceFactory
from tests.jobs.support import run_due_jobs

pytestmark = [needs_buildah, pytest.mark.django_db]
COPIES = "FROM base:1\nARG TARGETARCH\nCOPY hello.txt /srv/$TARGETARCH/\nUSER 65532\n"
# As upstream's indexes say it: arm64 with its variant, which sources leave out.
UPSTREAM = {"linux/amd64": {"etc/motd": b"amd64"}, "linux/arm64/v8": {"etc/motd": b"arm64", "hello": arm64_program()}}


@pytest.fixture
def both(db, now, tmp_path):
    return index_base(now, tmp_path, UPSTREAM)


@pytest.fixture
def no_emulation(monkeypatch, tmp_path):
    """Whatever this machine has."""
    monkeypatch.setattr(platforms, "BINFMT", tmp_path / "binfmt")


def rule(directory, *, flags="F", state="enabled", machine="b7", name="qemu-aarch64") -> None:
    """A rule of binfmt_misc, as the kernel shows it."""
    directory.mkdir(exist_ok=True)
    (directory / "status").write_text("enabled\n")
    (directory / "register").write_text("")
    (directory / name).write_text(
        f"{state}\ninterpreter /usr/bin/qemu\nflags: {flags}\noffset 0\n"
        f"magic 7f454c46020101000000000000000000020{'0'}{machine}00\nmask {'ff' * 20}\n"
    )


class TestAnIndex:
    def test_has_an_image_for_each_platform_each_on_its_own_base(self, now, both, no_emulation):
        build = build_of(now, COPIES, both, platforms=TWO)
        run_once(build, now)
        assert build.state == "built", log_of(build)
        archive = directory_of(build.pk) / "image.tar"
        children = children_in(archive)
        assert [normal(one) for one in children] == TWO
        amd64, arm64 = children.values()
        assert files_in(archive, amd64[0]) == ["etc/motd", "srv", "srv/amd64", "srv/amd64/hello.txt"]
        assert files_in(archive, arm64[0]) == ["etc/motd", "hello", "srv", "srv/arm64", "srv/arm64/hello.txt"]
        for manifest, config in (amd64, arm64):
            assert config["config"]["Labels"]["org.opencontainers.image.base.digest"] == both.digest
            assert manifest["annotations"]["org.opencontainers.image.revision"] == build.recipe.commit
        assert "== linux/amd64 ==" in log_of(build)
        assert "== linux/arm64 ==" in log_of(build)

    def test_twice_is_the_same_digest_in_whatever_order_the_platforms_stand(self, now, both):
        source, digests = SourceFactory(now), []
        for wanted in (TWO, TWO[::-1]):
            build = build_of(now, COPIES, both, source=source, platforms=wanted, commit="c" * 40)
            run_once(build, now)
            digests.append(build.output_digest)
            Build.objects.update(state="failed", failure="Only to go on.", finished_at=now)
        assert digests[0] == digests[1] != ""

    def test_one_platform_that_is_not_this_machines_is_an_image_of_it(self, now, both, no_emulation):
        build = build_of(now, COPIES, both, platforms=["linux/arm64"])
        run_once(build, now)
        assert build.state == "built", log_of(build)
        require_platforms(build.recipe, directory_of(build.pk) / "image.tar")

    def test_build_arguments_name_the_platform_as_recipes_are_read(self, now, no_emulation):
        text = "FROM scratch\nARG BUILDARCH\nARG BUILDPLATFORM\nLABEL on=$BUILDPLATFORM\nCOPY hello.txt /$BUILDARCH/\n"
        build = build_of(now, text, platforms=TWO)
        run_once(build, now)
        assert build.state == "built", log_of(build)
        for platform, (_, config) in children_in(directory_of(build.pk) / "image.tar").items():
            assert config["config"]["Labels"]["on"] == platform


class TestARefusal:
    def refused(self, build, now):
        run_once(build, now)
        assert build.state == "failed"
        assert not directory_of(build.pk).exists()
        return build.failure_code, build.failed_line

    def test_a_run_that_nothing_here_runs_is_refused_before_it_begins(self, now, both, no_emulation):
        build = build_of(now, 'FROM base:1\nRUN ["/hello"]\nUSER 65532\n', both, platforms=TWO)
        assert self.refused(build, now) == ("platform_not_runnable", 2)
        assert "linux/arm64 cannot be built here: line 2 runs a program of it" in build.failure
        assert "this builder runs linux/amd64 alone" in build.failure
        assert "let this one emulate it" in build.failure
        assert "STEP" not in log_of(build)

    def test_a_platform_that_the_base_lacks_is_named_with_those_it_has(self, now, both):
        build = build_of(now, COPIES, both, platforms=["linux/amd64", "linux/s390x"])
        assert self.refused(build, now) == ("base_platform_missing", 1)
        assert f"base:1 ({both.digest}) has no image for linux/s390x; it has linux/amd64, linux/arm64/v8" in str(
            build.failure
        )

    def test_so_it_is_before_the_builder_hears_of_it(self, now, both):
        build = build_of(now, COPIES, both, platforms=["linux/s390x"])
        with pytest.raises(BasePlatformMissing):
            begin_build(build_id=build.pk, now=now, progress=silent)
        enqueue("builds.begin", subject_id=build.pk, now=now)
        run_due_jobs(now)
        build.refresh_from_db()
        assert (build.state, build.failure_code) == ("failed", "base_platform_missing")

    def test_a_base_for_each_platform_is_refused(self, now, both, tmp_path):
        other = busybox_base(now, tmp_path)
        bases = [base_entry("base-amd64:1", both), base_entry("base-arm64:1", other)]
        build = build_of(now, "ARG TARGETARCH\nFROM base-$TARGETARCH:1\n", None, bases=bases, platforms=TWO)
        with pytest.raises(BaseByPlatform, match="base-amd64:1, base-arm64:1"):
            begin_build(build_id=build.pk, now=now, progress=silent)

    def test_a_stage_of_another_platform_is_refused_by_buildah(self, now, both):
        text = "FROM --platform=linux/amd64 base:1 AS tools\nFROM base:1\nCOPY --from=tools /etc/motd /motd\n"
        build = build_of(now, text, both, platforms=TWO)
        assert self.refused(build, now) == ("stage_platform", 1)
        assert "asks for linux/amd64 while linux/arm64 is built" in build.failure

    def test_an_archive_without_one_of_the_platforms_is_refused(self, now, both, tmp_path):
        recipe = build_of(now, COPIES, both, platforms=TWO).recipe
        with pytest.raises(platforms.BuilderFailed) as refused:
            require_platforms(recipe, busybox_archive(tmp_path / "one.tar"))
        assert refused.value.failure_code == "platform_missing"
        assert "images for linux/amd64, where linux/amd64, linux/arm64 was asked for" in refused.value.detail

    def test_one_platform_that_fails_fails_the_build_and_the_log_says_which(self, now, both):
        text = "FROM base:1 AS tools\nFROM scratch\nUSER 65532\nCOPY --from=tools /hello /hello\n"
        build = build_of(now, text, both, platforms=TWO)
        assert self.refused(build, now) == ("build_failed", 4)
        assert "while building linux/amd64" in build.failure

    def test_the_second_of_two_as_well(self, now, both):
        text = "FROM base:1\nARG TARGETARCH\nUSER 65532\nCOPY $TARGETARCH /\n"
        second = build_of(now, text, both, platforms=TWO, files={"amd64": b"x"})
        assert self.refused(second, now) == ("build_failed", 4)
        assert "while building linux/arm64" in second.failure
        assert "== linux/arm64 ==" in log_of(second)


class TestLimits:
    def test_time_is_the_builds_and_not_each_platforms(self, now, settings, monkeypatch, tmp_path):
        """Two programs of four seconds each, in a build that has seven. Whatever their images say, both run here."""
        monkeypatch.setattr(platforms, "BINFMT", tmp_path / "binfmt")
        rule(tmp_path / "binfmt")
        settings.GOLDGATE_BUILDER_SECONDS = 7
        program = {"busybox": BUSYBOX.read_bytes()}
        base = index_base(now, tmp_path, dict.fromkeys(TWO, program))
        build = build_of(now, 'FROM base:1\nRUN ["/busybox", "sleep", "4"]\n', base, platforms=TWO)
        run_once(build, now)
        assert (build.state, build.failure_code) == ("failed", "time_limit")
        assert "longer than 7 seconds while building linux/" in build.failure


class TestWhatRunsHere:
    def test_a_rule_of_binfmt_misc_counts(self, monkeypatch, tmp_path):
        monkeypatch.setattr(platforms, "BINFMT", tmp_path)
        rule(tmp_path)
        assert platforms.runnable_platforms() == [platforms.native_platform(), "linux/arm64"]

    def test_by_what_it_is_for_and_not_by_its_name(self, monkeypatch, tmp_path):
        monkeypatch.setattr(platforms, "BINFMT", tmp_path)
        rule(tmp_path, name="something", machine="f3")
        assert "linux/riscv64" in platforms.runnable_platforms()

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({"flags": ""}, id="whose-emulator-a-build-would-not-see"),
            pytest.param({"state": "disabled"}, id="that-is-off"),
        ],
    )
    def test_but_not_one(self, monkeypatch, tmp_path, fields):
        monkeypatch.setattr(platforms, "BINFMT", tmp_path)
        rule(tmp_path, **fields)
        assert platforms.runnable_platforms() == [platforms.native_platform()]

    def test_without_binfmt_misc_it_is_this_machines_own(self, no_emulation):
        assert platforms.runnable_platforms() == [platforms.native_platform()]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v9", "linux/arm64/v9"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("", ""),
    ],
)
def test_a_platform_has_one_spelling(written, expected):
    assert normal(written) == expected
