"""What the API says of Dockerfiles, as the stand-in gives it.

``tests/builds/dockerfile/test_api.py`` holds the real one to the same members.
"""

from typing import Any

from tests.client.stand_in import REFERENCE

TEXT = "FROM debian:12 AS base\nRUN sudo id\n"
FIXED = f"FROM {REFERENCE} AS base\nRUN sudo id\n"


def base(**members: Any) -> dict[str, Any]:
    """A FROM that names no digest."""
    return {
        "use": "from", "asked": "debian:12", "written": "debian:12", "stage": 0, "line": 1, "kind": "certified",
        "reference": REFERENCE, "digest": REFERENCE.partition("@")[2], "title": "debian/12 12.1",
        "reason": "Certified: debian/12 12.1.", "warning": "", "suggestion": "", "fix": REFERENCE, **members,
    }  # fmt: skip


def row(rule: str, severity: str, line: int | None, message: str, remedy: str = "", path: str = "") -> dict[str, Any]:
    """One result."""
    return {"rule": rule, "severity": severity, "line": line, "path": path, "message": message, "remedy": remedy}


def answer(**members: Any) -> dict[str, Any]:
    """A certified base without a digest, sudo, and a note of hadolint's."""
    return {
        "outcome": "fail",
        "results": [
            row("GG1007", "warning", 1, "FROM debian:12 names no digest.", f"Write {REFERENCE}."),
            row("GG1055", "error", 2, "sudo starts id.", "Leave it out."),
            row("DL3059", "note", 2, "Multiple RUN.", "See DL3059."),
        ],
        "bases": [base()],
        "rules": [
            {
                "id": "GG1007",
                "title": "Base without a digest",
                "severity": "warning",
                "why": "It moves.",
                "cure": "Pin.",
            },
            {"id": "GG1055", "title": "sudo", "severity": "error", "why": "Root.", "cure": "Leave it out."},
        ],
        "fixed": FIXED,
        **members,
    }


def fixed_answer() -> dict[str, Any]:
    """The same, of the text that is pinned."""
    results = [one for one in answer()["results"] if one["rule"] != "GG1007"]
    return answer(results=results, bases=[base(asked=REFERENCE, written=REFERENCE, fix="")])
