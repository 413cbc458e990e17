import json
import tarfile
import tempfile
from pathlib import Path

import pytest

from builds.adapters.builders import buildah
from builds.adapters.builders.interface import BuilderFailed
from builds.domain.log_text import MASK
from builds.services.base_layers import require_base
from builds.services.directories import directory_of
from registry.adapters.archive import Archive
from registry.selectors import config_documents
from registry.services import configs_in_archive
from tests.builds.builders.support import (
    base_entry,
    build_of,
    busybox_archive,
    log_of,
    needs_buildah,
    run_once,
)
from tests.factories.builds import SourceFactory

pytestmark = [needs_buildah, pytest.mark.django_db]


def built(build, now):
    """The manifest and the configuration of what was built."""
    run_once(build, now)
    assert build.state == "built", log_of(build)
    with Archive(directory_of(build.pk) / "image.tar") as archive:
        top = archive.choose()
        assert str(top.digest) == build.output_digest
        manifest = json.loads(archive.manifest(top.digest))
    if "manifests" in manifest:
        return manifest, {}
    with tarfile.open(directory_of(build.pk) / "image.tar") as tar:
        name = f"blobs/sha256/{manifest['config']['digest'].partition(':')[2]}"
        return manifest, json.load(tar.extractfile(name))


class TestABuild:
    def test_runs_the_recipe_on_the_base_that_was_verified(self, now, base):
        build = build_of(now, "FROM base:1\nCOPY hello.txt /srv/\nRUN cat /srv/hello.txt && id\nUSER 65532\n", base)
        manifest, config = built(build, now)
        assert config["config"]["User"] == "65532"
        assert "hello\nuid=0(root)" in log_of(build)
        # The base's layer is the first of three, as it was.
        assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"])
        assert build.builder_version.startswith("buildah 1.")
        assert build.builder_id.endswith("/builders/buildah")
        assert build.is_reviewed is False

    def test_says_where_it_comes_from_on_image_and_manifest(self, now, base):
        source = SourceFactory(now, url="https://git.example/base.git")
        build = build_of(now, "FROM base:1\nUSER 65532\n", base, source=source)
        manifest, config = built(build, now)
        expected = {
            "org.opencontainers.image.created": "2026-11-20T08:00:00Z",
            "org.opencontainers.image.revision": build.recipe.commit,
            "org.opencontainers.image.source": "https://git.example/base.git",
            "org.opencontainers.image.title": source.version.image.name,
            "org.opencontainers.image.version": source.version.name,
            "org.opencontainers.image.base.name": f"registry.example/base@{base.digest}",
            "org.opencontainers.image.base.digest": base.digest,
        }
        assert expected.items() <= config["config"]["Labels"].items()
        assert expected.items() <= manifest["annotations"].items()
        assert config["created"] == "2026-11-20T08:00:00Z"

    def test_the_same_recipe_twice_gives_the_same_bytes(self, now, base):
        recipe = build_of(now, "FROM base:1\nCOPY hello.txt /srv/\nRUN echo x > /y\n", base).recipe
        source = recipe.source
        first = source.builds.get()
        run_once(first, now)
        first.state = "failed"
        type(first).objects.filter(pk=first.pk).update(state="failed", failure="Only to go on.", finished_at=now)
        second = source.builds.create(recipe=recipe, number=2, asked_at=now)
        run_once(second, now)
        assert second.state == "built", log_of(second)
        assert first.output_digest == second.output_digest != ""

    def test_stages_arguments_and_targets_are_as_written(self, now, base):
        text = (
            "ARG BASE=base\nFROM ${BASE}:1 AS first\nARG GREETING=none\nRUN echo $GREETING > /greeting\n"
            "FROM base:1 AS second\nCOPY --from=first /greeting /greeting\nRUN cat /greeting\n"
            "FROM second AS third\nRUN exit 9\n"
        )
        bases = [base_entry("base:1", base, written="${BASE}:1"), base_entry("base:1", base)]
        build = build_of(now, text, None, bases=bases, arguments={"GREETING": "good morning"}, target="second")
        built(build, now)
        assert "good morning" in log_of(build)

    def test_files_may_be_copied_from_a_known_image(self, now, base):
        bases = [base_entry("tools:2", base, use="copy", is_final=False)]
        build = build_of(now, "FROM scratch\nCOPY --from=tools:2 /bin/busybox /busybox\nUSER 65532\n", bases=bases)
        _, config = built(build, now)
        assert "org.opencontainers.image.base.digest" not in config["config"]["Labels"]
        assert len(config["rootfs"]["diff_ids"]) == 1

    def test_several_platforms_make_an_index(self, now, db):
        platforms = ["linux/amd64", "linux/arm64"]
        build = build_of(now, "FROM scratch\nCOPY hello.txt /srv/\nUSER 65532\n", platforms=platforms)
        manifest, _ = built(build, now)
        assert [one["platform"]["architecture"] for one in manifest["manifests"]] == ["amd64", "arm64"]

    def test_what_the_operator_mounts_is_seen_and_not_kept(self, now, base, settings):
        with tempfile.TemporaryDirectory() as name:
            Path(name).chmod(0o755)  # builds run as nobody in particular: it must be readable for everyone
            self._mount(now, base, settings, Path(name) / "mirror.list")

    def _mount(self, now, base, settings, mirror):
        mirror.write_text("deb http://mirror.example stable main\n")
        settings.GOLDGATE_BUILDER_MOUNTS = f"{mirror}:/etc/mirror.list"
        text = "FROM base:1\nRUN cat /etc/mirror.list; echo changed > /etc/mirror.list; true\n"
        build = build_of(now, text, base)
        built(build, now)
        assert "deb http://mirror.example" in log_of(build)
        assert mirror.read_text() == "deb http://mirror.example stable main\n"


class TestABuildThatFails:
    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            pytest.param("FROM base:1\n\nRUN true\nRUN echo oh no && \\\n    exit 3\n", 4, "exit status 3", id="run"),
            pytest.param(
                "FROM base:1 AS a\nRUN true\nFROM base:1\nRUN exit 4\n", 4, "exit status 4", id="second-stage"
            ),
            pytest.param("FROM base:1\nCOPY missing.txt /\n", 2, "missing.txt", id="copy"),
        ],
    )
    def test_says_the_line_and_the_last_words(self, now, base, text, line, words):
        build = build_of(now, text, base)
        job = run_once(build, now)
        assert (build.state, build.failure_code, build.failed_line) == ("failed", "build_failed", line)
        assert words in build.failure
        assert build.failure in log_of(build)
        assert job.state == "failed"
        assert not directory_of(build.pk).exists()

    def test_quotes_no_secret_and_no_escape_in_its_sentence(self, now, base):
        text = "FROM base:1\nARG DEPLOY_TOKEN\nCOPY said.txt /\nRUN cat /said.txt; nosuchprogram $DEPLOY_TOKEN\n"
        build = build_of(
            now,
            text,
            base,
            arguments={"DEPLOY_TOKEN": "correct-horse-battery"},
            files={"said.txt": b"\x1b[2Jcorrect-horse-battery\n"},
        )
        # The instruction itself is quoted, with its argument put in.
        job = run_once(build, now)
        for told in (build.failure, job.error_text, log_of(build)):
            assert "correct-horse" not in told
            assert "\x1b" not in told
        assert MASK in log_of(build)

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            pytest.param({"bases": [{"asked": "base:1", "kind": "refused", "line": 1}]}, "base_refused", id="refused"),
            pytest.param({"bases": []}, "build_failed", id="a-base-that-nobody-resolved"),
        ],
    )
    def test_is_refused_with_its_reason(self, now, base, fields, code):
        build = build_of(now, "FROM base:1\nUSER 65532\n", base, **fields)
        run_once(build, now)
        assert (build.state, build.failure_code) == ("failed", code)

    def test_a_base_without_the_platform_is_refused(self, now, base):
        bases = [base_entry("base:1", base)]
        build = build_of(now, "FROM base:1\n", None, bases=bases, platforms=["linux/arm64"])
        run_once(build, now)
        assert build.failure_code == "base_platform_missing"


class TestAStepThatGetsAtItsBase:
    def test_changes_no_layer_of_it(self, now, base):
        """By CVE-2024-1753, which buildah 1.28 has: the build's own store is as far as it goes."""
        text = (
            "FROM base:1 AS prepared\nRUN ln -s / /link\nFROM base:1\n"
            "RUN --mount=type=bind,from=prepared,source=/link,target=/host,rw "
            "for one in /host/build/storage/vfs/dir/*/etc/passwd; do echo owned::0:0:::/bin/sh >> $one; done\n"
        )
        build = build_of(now, text, base)
        run_once(build, now)
        if build.state == "failed":
            assert build.failure_code in ("base_changed", "build_failed")
            return
        expected = config_documents(base)[""]["rootfs"]["diff_ids"]
        made = configs_in_archive(directory_of(build.pk) / "image.tar")[""]["rootfs"]["diff_ids"]
        assert made[: len(expected)] == expected

    def test_an_image_on_other_layers_is_refused(self, now, base, tmp_path):
        recipe = build_of(now, "FROM base:1\n", base).recipe
        with pytest.raises(BuilderFailed) as refused:
            require_base(recipe, busybox_archive(tmp_path / "other.tar", motto=b"another base\n"))
        assert refused.value.failure_code == "base_changed"


class TestWithoutBuildah:
    def test_a_build_fails_with_the_cure(self, now, base, monkeypatch):
        buildah.buildah_version.cache_clear()
        monkeypatch.setattr(buildah, "BUILDAH", "/usr/bin/buildah-that-is-not-here")
        build = build_of(now, "FROM base:1\n", base)
        run_once(build, now)
        buildah.buildah_version.cache_clear()
        assert (build.state, build.failure_code) == ("failed", "builder_unavailable")
        assert "apt-get install buildah" in build.failure
