"""The text itself: who is to read it, who is to look away, and what it shows to people."""

import re
from collections.abc import Callable, Iterator

from builds.domain.dockerfile import Dockerfile, Instruction
from builds.domain.hardening.results import CheckResult, Subject, result, shown
from builds.errors import DockerfileMalformed

# Docker's own frontend in the versions that builders have built in; "labs" and "upstream" are others.
_OWN_FRONTEND = re.compile(r"\A(docker\.io/)?docker/dockerfile(:1(\.[0-9]+){0,2})?(@sha256:[0-9a-f]{64})?\Z")
_PRAGMA = re.compile(r"#\s*(hadolint\b.*|.*\bhadolint\s+ignore\b.*|shellcheck\s+disable\b.*|check=.*)", re.IGNORECASE)
# Changes of direction and what is seen by nobody (Unicode: Bidi_Control, zero width, tags).
_HIDDEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029]|\r(?!\n|\\Z)")

Parse = Callable[[str], Dockerfile]


def check_text(subject: Subject, *, parse: Parse) -> Iterator[CheckResult]:
    """Directives, comments to linters, here-documents, hidden characters."""
    yield from _frontend(subject)
    yield from _pragmas(subject)
    yield from _two_readings(subject, parse)
    yield from _hidden(subject)


def _frontend(subject: Subject) -> Iterator[CheckResult]:
    directive = subject.dockerfile.syntax
    if directive is None:
        return
    name = directive.value.split()[0]
    rule = "GG1012" if _OWN_FRONTEND.match(name) else "GG1011"
    yield result(rule, f"It asks for the frontend {shown(name)}.", line=directive.line)


def _pragmas(subject: Subject) -> Iterator[CheckResult]:
    for directive in subject.dockerfile.directives:
        if directive.name == "check":
            yield result("GG1013", f"It tells builders' checks: {shown(directive.value)}.", line=directive.line)
    known = {directive.line for directive in subject.dockerfile.directives}
    for line, text in subject.dockerfile.comments:
        if line not in known and _PRAGMA.match(text):
            yield result("GG1013", f"It tells linters: {shown(text.lstrip('# '))}.", line=line)


def _two_readings(subject: Subject, parse: Parse) -> Iterator[CheckResult]:
    holders = [one for one in subject.instructions if one.heredocs]
    told = {one.line for one in holders if any(_has_from(here.content) for here in one.heredocs)}
    for line in sorted(told):
        yield result("GG1014", "A here-document has a line that other builders take for FROM.", line=line)
    if holders and not told and _is_read_otherwise(subject.dockerfile, holders, parse):
        message = "Without here-documents this is another Dockerfile, and some builders know none."
        yield result("GG1014", message, line=holders[0].line)


def _has_from(content: str) -> bool:
    return any(_looks_like_from(line.split()) for line in content.splitlines() if line.lstrip()[:4].upper() == "FROM")


def _looks_like_from(words: list[str]) -> bool:
    """``FROM [--platform=…] image [AS name]``, with an image that has a tag, a digest or a path."""
    rest = [word for word in words[1:] if not word.startswith("--")]
    is_image = bool(rest) and any(mark in rest[0] for mark in ":/@")
    return is_image and (len(rest) == 1 or (len(rest) == 3 and rest[1].upper() == "AS"))


def _is_read_otherwise(dockerfile: Dockerfile, holders: list[Instruction], parse: Parse) -> bool:
    """Whether the text is a Dockerfile also for a builder that knows no here-documents."""
    lines = dockerfile.text.split("\n")
    for one in holders:
        rows = sum(here.content.count("\n") + 1 for here in one.heredocs)
        for number in range(one.line, max(one.line, one.end_line - rows) + 1):
            lines[number - 1] = lines[number - 1].replace("<<", "< <")
    try:
        parse("\n".join(lines))
    except DockerfileMalformed:
        return False
    return True


def _hidden(subject: Subject) -> Iterator[CheckResult]:
    for number, line in enumerate(subject.dockerfile.text.split("\n"), start=1):
        found = _CONTROL.search(line) or _HIDDEN.search(line)
        if found:
            yield result("GG1015", f"It holds U+{ord(found[0]):04X}, which nobody sees.", line=number)
