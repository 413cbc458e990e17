"""``goldgate check -f Dockerfile``: every base looked up, every rule asked, and the references put right with --fix."""

import difflib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from goldgate_cli import output, sarif
from goldgate_cli.api import Api
from goldgate_cli.errors import Exit, Unreachable, WrongInput
from goldgate_cli.files import write_file

MAX_DOCKERFILE_BYTES = 512 * 1024
FORMATS = ("text", "json", "sarif")
MARK = {"error": "✗ error", "warning": "! warning", "note": "· note"}
_NAME = re.compile(r"(^|\.)(Dockerfile|Containerfile)(\.|$)", re.IGNORECASE)
_FIRST_WORD = re.compile(r"\A(FROM|ARG)[ \t]+[^:\s]", re.IGNORECASE)
_REFERENCE = r"[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._-]+)+@sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})"
# Where a reference may stand in a word: alone, behind --from=, or within a --mount.
_PLACES = re.compile(rf"\A(|[\"']|--from=|--mount=(?:[^\s]*,)?from=){_REFERENCE}([\"']|,\S*|\\|`|)\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person gave beside the file."""

    path: str  # "-" is standard input
    arguments: tuple[str, ...]
    target: str
    platforms: tuple[str, ...]
    is_fixing: bool
    format: str
    report: str  # a file for the report; "" is standard output


def is_dockerfile(path: str, text: str) -> bool:
    """Whether a file is a Dockerfile: by its name, else by its first word that is no comment."""
    if path != "-" and _NAME.search(os.path.basename(path)):
        return True
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return bool(_FIRST_WORD.match(first))


def check_dockerfile(api: Api, text: str, asked: Asked) -> Exit:
    """Ask, fix where that was asked for, and report. The exit status is that of the text as it is afterwards."""
    body = {
        "dockerfile": text,
        "arguments": _arguments(asked.arguments),
        "target": asked.target,
        "platforms": list(asked.platforms),
    }
    body = {name: value for name, value in body.items() if value or name == "dockerfile"}
    answer = api.post("dockerfile-checks", body)
    if asked.is_fixing:
        fixed = _fixed(text, answer["fixed"])
        if fixed != text:
            _write(asked, text, fixed)
            text = fixed
            answer = api.post("dockerfile-checks", body | {"dockerfile": text})
        elif asked.path == "-":
            sys.stdout.buffer.write(text.encode())
    if not (asked.is_fixing and asked.path == "-" and not asked.report):
        _report(api, answer, text, asked)
    _summary(answer)
    return Exit.DENIED if answer["outcome"] == "fail" else Exit.ALLOWED


def _arguments(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, has_value, value = one.partition("=")
        if not name:
            raise WrongInput(f"--build-arg {one} names nothing: write NAME=VALUE.")
        # As docker build does: a name alone stands for the variable of that name here.
        found[name] = value if has_value else os.environ.get(name, "")
    return found


def _fixed(text: str, fixed: str) -> str:
    """What came back, if nothing but references is different in it. Raises Unreachable.

    The file is somebody's own: whoever answers may name images, and may write nothing else.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    old, new = text.removeprefix("\ufeff").split("\n"), fixed.removeprefix("\ufeff").split("\n")
    is_same = len(old) == len(new) and all(_is_same_line(left, right) for left, right in zip(old, new, strict=True))
    if not is_same:
        raise Unreachable("The answer changes more than references: nothing was written.")
    return mark + "\n".join(new)


def _is_same_line(old: str, new: str) -> bool:
    if old == new:
        return True
    before, after = re.split(r"(\s+)", old), re.split(r"(\s+)", new)
    if len(before) != len(after):
        return False
    words = [at for at, word in enumerate(before) if word.strip()]
    for at, (left, right) in enumerate(zip(before, after, strict=True)):
        if left == right:
            continue
        match = _PLACES.match(right)
        if match is None or not left.startswith(match[1]) or not left.endswith(match[2]):
            return False
        # A reference alone is the image of a FROM, and never the instruction itself.
        is_flag = match[1].startswith("--")
        if not is_flag and (at == words[0] or before[words[0]].upper() != "FROM"):
            return False
    return True


def _write(asked: Asked, text: str, fixed: str) -> None:
    name = "Dockerfile" if asked.path == "-" else asked.path
    lines = difflib.unified_diff(
        text.splitlines(), fixed.splitlines(), fromfile=name, tofile=f"{name} (fixed)", lineterm="", n=1
    )
    for line in lines:
        output.say(line)
    if asked.path == "-":
        sys.stdout.buffer.write(fixed.encode())
        return
    target = Path(os.path.realpath(asked.path))
    try:
        write_file(target, fixed.encode(), mode=target.stat().st_mode & 0o7777)
    except OSError as error:
        raise WrongInput(f"{asked.path} cannot be written: {error.strerror}.") from error


def _report(api: Api, answer: dict[str, Any], text: str, asked: Asked) -> None:
    match asked.format:
        case "sarif":
            shown = json.dumps(
                sarif.report(answer, text, asked.path, rules_url=api.address("dockerfile-rules")), indent=2
            )
        case "json":
            shown = json.dumps(answer, indent=2, ensure_ascii=False)
        case _:
            shown = "\n".join(_lines(answer, asked.path))
    if not asked.report:
        if shown:
            click.echo(shown if asked.format != "text" else output.visible(shown))
        return
    try:
        write_file(Path(asked.report), (shown + "\n").encode(), mode=0o644)
    except OSError as error:
        raise WrongInput(f"{asked.report} cannot be written: {error.strerror}.") from error


def _lines(answer: dict[str, Any], path: str) -> list[str]:
    name = "<stdin>" if path == "-" else path
    found: list[str] = []
    for base in answer["bases"]:
        if base["kind"] in ("certified", "adopted"):
            found.append(f"{name}:{base['line']}  {base['asked']} is {base['title']}: {base['reference']}")
    for row in answer["results"]:
        where = f"{name}:{row['line']}" if row["line"] else row["path"] or name
        found.append(f"{where}  {MARK.get(row['severity'], row['severity'])}  {row['rule']}  {row['message']}")
        if row["remedy"] and row["severity"] != "note":
            found.append(f"    {row['remedy']}")
    return found


def _summary(answer: dict[str, Any]) -> None:
    counts = Counter(row["severity"] for row in answer["results"])
    told = [f"{counts[word]} {word}{'' if counts[word] == 1 else 's'}" for word in MARK if counts[word]]
    output.say(", ".join(told) or "Nothing found.")
