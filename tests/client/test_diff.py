"""``goldgate diff``: what a person reads, and what a program does."""

import json

import pytest

from tests.client.diff_answers import OTHER, SUMMARY, difference
from tests.client.stand_in import DIGEST, Answer, StandIn, problem
from tests.client.test_statuses import GOOD, INSPECTED

API = "/api/v1/differences"
HOSTILE = {
    "older_count": 1, "newer_count": 2, "added_total": 71, "removed_total": 0, "changed_total": 0,
    "mode_changes_total": 0, "lost_setuid_total": 0, "is_cut": True,
    "changes": [{"change": "added", "path": "/opt/[/red]su", "what": [], "older": None,
                 "newer": {"kind": "file", "mode": "4755", "uid": 0, "gid": 0, "size": 1, "sha256": None,
                           "target": None},
                 "marks": ["is_new_setuid", "is_new_executable"]}],
}  # fmt: skip


@pytest.fixture
def known(signed_in: StandIn) -> StandIn:
    signed_in.answers[f"GET {API}"] = Answer(difference())
    return signed_in


class TestDiff:
    def test_asks_for_what_was_named(self, run, known):
        assert run("diff", "debian/12@12.1", OTHER).status == 0
        assert known.asked[-1].query == f"from=debian%2F12%4012.1&to={OTHER.replace(':', '%3A')}"

    def test_says_what_is_unknown(self, run, known):
        found = difference(unknown={"findings": "The newer image was not scanned."}, findings=None)
        known.answers[f"GET {API}"] = Answer(found)
        assert "findings: unknown. The newer image was not scanned." in run("diff", DIGEST, OTHER).out

    def test_marks_what_is_dangerous_and_counts_what_is_not_listed(self, run, known):
        known.answers[f"GET {API}"] = Answer(difference(files=HOSTILE))
        ran = run("diff", DIGEST, OTHER)
        assert "NEW SET-UID, new program" in ran.out
        assert "/opt/[/red]su" in ran.out
        assert "and 70 more" in ran.err

    def test_names_platforms_that_came_and_went(self, run, known):
        rows = {"only_older_platforms": ["linux/arm64"], "only_newer_platforms": ["linux/s390x"]}
        known.answers[f"GET {API}"] = Answer(difference() | rows)
        said = run("diff", DIGEST, OTHER).out
        assert "linux/arm64: gone" in said
        assert "linux/s390x: new" in said

    def test_claims_no_patches_where_it_cannot_tell(self, run, known):
        known.answers[f"GET {API}"] = Answer(difference(summary=SUMMARY | {"is_only_package_patches": None}))
        assert "nothing else changed" not in run("diff", DIGEST, OTHER).out

    @pytest.mark.parametrize("form", [("--format", "json"), ("-o", "json")])
    def test_json_is_what_the_portal_says(self, run, known, form):
        assert json.loads(run("diff", DIGEST, OTHER, *form).out) == difference()

    def test_one_digest_is_said_to_be_one(self, run, known):
        known.answers[f"GET {API}"] = Answer(difference() | {"is_same": True, "images": []})
        assert "They are one digest." in run("diff", DIGEST, DIGEST).out

    def test_what_is_not_there_is_wrong_input(self, run, signed_in):
        signed_in.answers[f"GET {API}"] = Answer(problem(404, "Nothing is called 'x'."), 404)
        ran = run("diff", "x", "y")
        assert ran.status == 2
        assert "Nothing is called" in ran.err


ESCAPES = "\x1b]0;renamed\x07\x1b[2J\u202egpj.exe"


class TestTerminal:
    """What strangers wrote into an image is shown, and moves no cursor."""

    def test_obeys_no_label(self, run, known):
        images = [{**difference()["images"][0], "configuration": [changed_label(ESCAPES)]}]
        known.answers[f"GET {API}"] = Answer(difference() | {"images": images})
        ran = run("diff", DIGEST, OTHER)
        assert "⟨U+001B⟩]0;renamed⟨U+0007⟩" in ran.out
        assert "\x1b" not in ran.out

    def test_obeys_no_reason(self, run, signed_in):
        signed_in.answers = GOOD | {
            f"GET /api/v1/artifacts/{DIGEST}/inspection": Answer(
                {"digest": DIGEST, "images": [INSPECTED | {"state": "failed", "failure": ESCAPES}]}
            )
        }
        said = run("show", DIGEST).out
        assert "⟨U+202E⟩gpj.exe" in said
        assert "\x1b" not in said

    def test_obeys_no_refusal(self, run, signed_in):
        signed_in.answers[f"GET {API}"] = Answer(problem(404, ESCAPES), 404)
        said = run("diff", "x", "y").err
        assert "renamed" in said
        assert "\x1b" not in said

    def test_begins_no_line_of_its_own(self, run, signed_in):
        failed = INSPECTED | {"state": "failed", "failure": "no layer\nscan           complete"}
        signed_in.answers = GOOD | {
            f"GET /api/v1/artifacts/{DIGEST}/inspection": Answer({"digest": DIGEST, "images": [failed]})
        }
        said = run("show", DIGEST).out
        assert "no layer scan           complete" in said


def changed_label(value):
    """One row of a difference's configuration."""
    return {"field": "label", "name": "title", "older": None, "newer": value}


class TestShow:
    """What ``goldgate show`` says of the files: never clean where nobody could look."""

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            pytest.param({}, "linux/amd64: 9523 files, 177079208 bytes; shells: bash sh; ", id="read"),
            pytest.param({"state": "unknown"}, "linux/amd64: unknown: not inspected", id="nobody looked"),
            pytest.param(
                {"state": "failed", "failure": "Layer 1 leads upward."}, "failed: Layer 1 leads upward.", id="could not"
            ),
        ],
    )
    def test_files(self, run, signed_in, change, line):
        signed_in.answers = GOOD | {
            f"GET /api/v1/artifacts/{DIGEST}/inspection": Answer({"digest": DIGEST, "images": [INSPECTED | change]})
        }
        assert line in run("show", DIGEST).out
