"""What a ``.dockerignore`` leaves out of a build's context, as BuildKit reads it.

Lines are patterns over the path from the context's root; the last one that matches decides; ``!`` takes back.
``*`` and ``?`` stay within one part of a path, ``**`` as a whole part stands for any number of parts, ``\\`` takes
the next sign as it is, and what lies below a directory that matches, matches. Matching takes time in proportion to
pattern and path, whatever they are: no regular expressions are made of what people wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import normpath

MAX_BYTES = 256 * 1024
MAX_PATTERNS = 1000
ANY_DEPTH = "**"


class IgnoreMalformed(ValueError):
    """A line that cannot be read; the words name it."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """One sign of a pattern: a letter, a set of letters, any letter, or any number of them."""

    kind: str  # "letter", "one", "many", "set"
    letters: tuple[tuple[str, str], ...] = ()
    is_negated: bool = False

    def takes(self, letter: str) -> bool:
        if self.kind == "one":
            return True
        return any(low <= letter <= high for low, high in self.letters) is not self.is_negated


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: its parts, None for ``**``, and whether it takes back what others left out."""

    parts: tuple[tuple[_Sign, ...] | None, ...]
    is_exception: bool

    def matches(self, parts: Sequence[str]) -> bool:
        """Whether it names the path or a directory that the path lies below."""
        ends = {0}
        for at, wanted in enumerate(self.parts):
            if wanted is None:
                # At the end it needs something below: "a/**" is not "a".
                least = min(ends) + (1 if at == len(self.parts) - 1 else 0)
                ends = set(range(least, len(parts) + 1))
            else:
                ends = {end + 1 for end in ends if end < len(parts) and _part_matches(wanted, parts[end])}
            if not ends:
                return False
        return True


def parse_dockerignore(body: bytes) -> list[Pattern]:
    """Raises IgnoreMalformed."""
    if len(body) > MAX_BYTES:
        raise IgnoreMalformed(f"It has more than {MAX_BYTES} bytes.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise IgnoreMalformed("It is not UTF-8.") from None
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("#") or not line.strip():
            continue
        found.append(_pattern(line.strip(), number))
    if len(found) > MAX_PATTERNS:
        raise IgnoreMalformed(f"It has more than {MAX_PATTERNS} patterns.")
    return [pattern for pattern in found if pattern.parts]


def is_ignored(path: str, patterns: Sequence[Pattern]) -> bool:
    """Whether ``path`` stays out of the context."""
    parts = path.split("/")
    ignored = False
    for pattern in patterns:
        if pattern.is_exception == ignored and pattern.matches(parts):
            ignored = not ignored
    return ignored


def _pattern(line: str, number: int) -> Pattern:
    is_exception = line.startswith("!")
    written = line.removeprefix("!").strip()
    if not written:
        raise IgnoreMalformed(f"Line {number} takes back nothing.")
    cleaned = normpath(written).lstrip("/")
    if cleaned in ("", "."):
        return Pattern((), is_exception)
    parts = []
    for part in cleaned.split("/"):
        if part != ANY_DEPTH and ANY_DEPTH in part:
            raise IgnoreMalformed(f"Line {number}: ** must be a whole part of the path, as in **/{part.strip('*')}.")
        parts.append(None if part == ANY_DEPTH else _signs(part, number))
    return Pattern(tuple(parts), is_exception)


def _signs(part: str, number: int) -> tuple[_Sign, ...]:
    found = []
    at = 0
    while at < len(part):
        letter = part[at]
        at += 1
        if letter == "*":
            found.append(_Sign("many"))
        elif letter == "?":
            found.append(_Sign("one"))
        elif letter == "[":
            end = part.find("]", at + 1)
            if end < 0:
                raise IgnoreMalformed(f"Line {number} opens [ and never closes it.")
            found.append(_set(part[at:end]))
            at = end + 1
        else:
            if letter == "\\" and at < len(part):
                letter = part[at]
                at += 1
            found.append(_Sign("letter", ((letter, letter),)))
    return tuple(found)


def _set(inside: str) -> _Sign:
    is_negated = inside.startswith("^")
    rest = inside[1:] if is_negated else inside
    ranges = []
    at = 0
    while at < len(rest):
        if rest[at + 1 : at + 2] == "-" and at + 2 < len(rest):
            ranges.append((rest[at], rest[at + 2]))
            at += 3
        else:
            ranges.append((rest[at], rest[at]))
            at += 1
    return _Sign("set", tuple(ranges), is_negated)


def _part_matches(signs: tuple[_Sign, ...], text: str) -> bool:
    """The usual two pointers: of several ``*`` only the last is ever tried again."""
    at = sign = 0
    star, resume = -1, 0
    while at < len(text):
        if sign < len(signs) and signs[sign].kind == "many":
            star, resume, sign = sign, at, sign + 1
        elif sign < len(signs) and signs[sign].takes(text[at]):
            at, sign = at + 1, sign + 1
        elif star >= 0:
            resume += 1
            at, sign = resume, star + 1
        else:
            return False
    return all(one.kind == "many" for one in signs[sign:])
