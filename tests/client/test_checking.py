"""``check`` and ``import``: what is sent, what is shown, what is too much."""

import json
import time

import pytest

from tests.client.stand_in import DIGEST, REFERENCE, Answer
from tests.client.test_statuses import API, GOOD, IMPORT, JOB, VERDICT

LIMIT = 2 * 1024 * 1024


@pytest.fixture
def known(signed_in):
    signed_in.answers = dict(GOOD)
    return signed_in


class TestCheck:
    def test_sends_the_manifest_as_it_is(self, run, known, tmp_path):
        text = "kind: Pod\nspec: {containers: [{image: größe}]}\n"
        (tmp_path / "pod.yaml").write_text(text)
        assert run("check", "-f", str(tmp_path / "pod.yaml"), "--cluster", "east", "--namespace", "web").status == 0
        assert known.asked[-1].json == {"manifest": text, "cluster": "east", "namespace": "web"}

    def test_standard_input(self, run, known):
        assert run("check", "-f", "-", stdin=b"kind: Pod\n").status == 0
        assert known.asked[-1].json == {"manifest": "kind: Pod\n"}

    @pytest.mark.parametrize(("size", "status"), [(LIMIT, 0), (LIMIT + 1, 2)])
    @pytest.mark.parametrize("path", ["file", "-"])
    def test_a_manifest_has_a_size(self, run, known, tmp_path, path, size, status):
        body = b"#" * size
        (tmp_path / "file").write_bytes(body)
        ran = run("check", "-f", str(tmp_path / "file") if path == "file" else "-", stdin=body)
        assert ran.status == status
        assert (len(known.asked) == 1) == (status == 0)

    def test_a_file_without_an_end(self, run, known):
        began = time.monotonic()
        ran = run("check", "-f", "/dev/zero")
        assert (ran.status, "larger than" in ran.err) == (2, True)
        assert time.monotonic() - began < 10

    def test_what_is_no_text(self, run, known, tmp_path):
        (tmp_path / "file").write_bytes(b"\xff\xfe\x00")
        ran = run("check", "-f", str(tmp_path / "file"))
        assert (ran.status, "UTF-8" in ran.err) == (2, True)

    def test_what_passes_is_one_line(self, run, known):
        checks = [{"outcome": "pass", "code": "known", "reason": "It is known."},
                  {"outcome": "warn", "code": "signed", "reason": "Its key is old.", "remedy": ""}]  # fmt: skip
        image = VERDICT["images"][0] | {"checks": checks}  # type: ignore[index]
        known.answers[f"POST {API}/decisions"] = Answer(VERDICT | {"images": [image]})
        ran = run("check", REFERENCE)
        assert ran.out == f"allowed  {REFERENCE}\n  ! warn     signed: Its key is old.\n"
        assert "snapshot 7, policy 1; https://goldgate.example/d/1" in ran.err

    def test_a_denied_object_without_images_says_why(self, run, known):
        denied = VERDICT | {"allowed": False, "images": [], "message": "The snapshot has expired."}
        known.answers[f"POST {API}/decisions"] = Answer(denied)
        ran = run("check", REFERENCE)
        assert (ran.status, ran.out) == (1, "DENIED  The snapshot has expired.\n")

    def test_json_is_the_decision(self, run, known):
        assert json.loads(run("check", "-o", "json", REFERENCE).out) == VERDICT


class TestShow:
    def test_what_nobody_looked_into_is_unknown_not_clean(self, run, known):
        del known.answers[f"GET {API}/artifacts/{DIGEST}/scan"]
        ran = run("show", DIGEST)
        assert (ran.status, "unknown: not scanned" in ran.out) == (0, True)
        assert json.loads(run("show", "-o", "json", DIGEST).out)["scan"] is None

    def test_what_is_not_there_is_missing(self, run, known):
        assert run("show", DIGEST.replace("ab", "cd")).status == 2


class TestImport:
    def test_progress_is_a_line_whenever_it_changes(self, run, known, monkeypatch):
        """Not on a terminal, as in a CI log: no bar, nothing twice."""
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        says = ["", "Fetching layer 1 of 2", "Fetching layer 1 of 2", "Fetching layer 2 of 2"]
        jobs = [
            Answer(JOB | {"state": "running", "progress": {"done": 1, "total": 9, "unit": "bytes", "text": text}})
            for text in says
        ]
        known.answers[f"GET {API}/jobs/j1"] = [*jobs, Answer(JOB)]  # type: ignore[assignment]
        ran = run("import", "r.example/a:1")
        assert ran.err.splitlines() == ["running", "Fetching layer 1 of 2", "Fetching layer 2 of 2", "Done."]
        assert ran.out == f"r.example/a:1: done {DIGEST}\n"

    def test_an_archive_is_sent_as_it_is(self, run, known, tmp_path):
        body = bytes(range(256)) * 8192
        (tmp_path / "image.tar").write_bytes(body)
        words = ["--name", "debian", "--platform", "linux/amd64", "--platform", "linux/arm64"]
        assert run("import", "--archive", str(tmp_path / "image.tar"), *words).status == 0
        asked = known.asked[0]
        assert (asked.body, asked.headers["Content-Type"]) == (body, "application/x-tar")
        assert asked.query == "name=debian&platforms=linux%2Famd64%2Clinux%2Farm64"

    def test_several_references_are_several_imports(self, run, known):
        run("import", "r.example/a:1", "r.example/b:1", "--platform", "linux/amd64", "--no-wait")
        assert [asked.json for asked in known.asked] == [
            {"reference": "r.example/a:1", "platforms": ["linux/amd64"]},
            {"reference": "r.example/b:1", "platforms": ["linux/amd64"]},
        ]

    def test_a_list_has_a_size_and_is_text(self, run, known, tmp_path):
        (tmp_path / "list").write_text("r.example/a:1\n" * 20_000)
        assert run("import", "--list", str(tmp_path / "list")).status == 2
        (tmp_path / "list").write_bytes(b"\xff\xfe")
        assert run("import", "--list", str(tmp_path / "list")).status == 2
        assert known.asked == []

    def test_warnings_are_told(self, run, known):
        known.answers[f"GET {API}/imports/i1"] = Answer(IMPORT | {"warnings": ["It has no user."]})
        assert "! It has no user." in run("import", "r.example/a:1").err
