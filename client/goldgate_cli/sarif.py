"""Results as SARIF 2.1.0 (OASIS), which code hosts show beside the lines that they are about.

One run, one artifact. Each result has the region of its line; a base that can be pinned has the change as a fix.
"""

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {"error": "error", "warning": "warning", "note": "note"}
_HADOLINT = "https://github.com/hadolint/hadolint/wiki/"
_SHELLCHECK = "https://www.shellcheck.net/wiki/"

Json = dict[str, Any]


def report(answer: Json, text: str, path: str, *, rules_url: str) -> Json:
    """The SARIF log of one check. ``path`` is as the person named it; "-" is standard input."""
    rules = _rules(answer, rules_url)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    lines = text.removeprefix("\ufeff").split("\n")
    location = {"uri": _uri(path)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "Goldgate", "informationUri": rules_url, "version": "0.1.0", "rules": rules}
                },
                "columnKind": "unicodeCodePoints",
                "artifacts": [{"location": location, "mimeType": "text/x-dockerfile"}],
                "results": [
                    _result(row, lines, location, index[row["rule"]], answer["bases"]) for row in answer["results"]
                ],
            }
        ],
    }


def _rules(answer: Json, rules_url: str) -> list[Json]:
    known = {rule["id"]: rule for rule in answer["rules"]}
    found: list[Json] = []
    for name in sorted({row["rule"] for row in answer["results"]}):
        rule = known.get(name)
        if rule is None:
            site = _SHELLCHECK if name.startswith("SC") else _HADOLINT
            found.append({"id": name, "helpUri": site + quote(name)})
            continue
        found.append(
            {
                "id": name,
                "shortDescription": {"text": rule["title"]},
                "fullDescription": {"text": rule["why"]},
                "help": {"text": rule["cure"]},
                "helpUri": f"{rules_url}#{name}",
                "defaultConfiguration": {"level": _LEVEL.get(rule["severity"], "warning")},
            }
        )
    return found


def _result(row: Json, lines: list[str], location: Json, rule_index: int, bases: list[Json]) -> Json:
    number = row["line"] or 1
    line = lines[number - 1].rstrip("\r") if number <= len(lines) else ""
    words = f"{row['message']} {row['remedy']}".strip()
    mark = hashlib.sha256(f"{row['rule']}\0{row['path']}\0{line.strip()}".encode()).hexdigest()
    found: Json = {
        "ruleId": row["rule"],
        "ruleIndex": rule_index,
        "level": _LEVEL.get(row["severity"], "warning"),
        "message": {"text": words},
        "locations": [{"physicalLocation": {"artifactLocation": location, "region": _region(number, line)}}],
        # The same finding keeps its mark when lines above it come and go.
        "partialFingerprints": {"goldgate/v1": mark},
    }
    fixes = [_fix(base, number, line, location) for base in bases if base["line"] == number and base["fix"]]
    told = [fix for fix in fixes if fix is not None]
    if told and row["rule"].startswith("GG10"):
        found["fixes"] = told
    return found


def _region(number: int, line: str) -> Json:
    return {"startLine": number, "startColumn": 1, "endColumn": max(len(line), 1) + 1, "snippet": {"text": line}}


def _fix(base: Json, number: int, line: str, location: Json) -> Json | None:
    """The change that writes a certified digest; None where the word stands on another line of the instruction."""
    at = line.find(base["written"])
    if at < 0 or base["fix"] == base["written"]:
        return None
    region = {"startLine": number, "startColumn": at + 1, "endColumn": at + 1 + len(base["written"])}
    replacement = {"deletedRegion": region, "insertedContent": {"text": base["fix"]}}
    return {
        "description": {"text": f"Write {base['fix']}."},
        "artifactChanges": [{"artifactLocation": location, "replacements": [replacement]}],
    }


def _uri(path: str) -> str:
    """Relative to where the command runs, since code hosts look below the root of the repository."""
    if path == "-":
        return "Dockerfile"
    whole = Path(os.path.abspath(path))
    try:
        return quote(whole.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return whole.as_uri()
