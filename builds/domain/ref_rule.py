"""Which commit of a repository a source means.

- ``main``: the branch or the tag of that name; where both exist nobody guesses.
- ``refs/heads/main``, ``refs/tags/v1.2``: that ref and no other.
- 40 or 64 hexadecimal digits: that commit.
- ``v1.*`` (with ``*``, ``?`` or ``[…]``): of the tags that match, the newest by version order.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

from core.errors import FieldError

MAX_RULE_LENGTH = 200
_COMMIT = re.compile(r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_PATTERN_SIGNS = frozenset("*?[")
# git-check-ref-format(1), and nothing that a program could take for an option.
_NAME = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9._/+-]*\Z")
_TAG_PATTERN = re.compile(r"\A[A-Za-z0-9_*?\[][A-Za-z0-9._/+*?\[\]!-]*\Z")
# A version that is not finished sorts before the one that is.
_UNFINISHED = re.compile(r"[-.~]?(?:alpha|beta|rc|pre|preview|dev)(?![a-z])")


class RefKind(StrEnum):
    """How a rule is read."""

    COMMIT = "commit"
    FULL = "full"
    PATTERN = "pattern"
    NAME = "name"


def kind_of(rule: str) -> RefKind:
    """How ``rule`` is read."""
    if _COMMIT.match(rule):
        return RefKind.COMMIT
    if _PATTERN_SIGNS & set(rule):
        return RefKind.PATTERN
    return RefKind.FULL if rule.startswith("refs/") else RefKind.NAME


def rule_problem(rule: str) -> FieldError | None:
    """What is wrong with a rule as a person wrote it."""
    cure = "Write a branch, a tag, refs/heads/…, refs/tags/…, a whole commit id, or a pattern of tags such as v1.*"
    if not rule or len(rule) > MAX_RULE_LENGTH:
        return FieldError("/ref_rule", "ref_rule_missing", cure)
    kind = kind_of(rule)
    if kind is RefKind.PATTERN:
        is_good = _TAG_PATTERN.match(rule.removeprefix("refs/tags/")) is not None and not rule.startswith("refs/heads/")
    else:
        is_good = _is_name(rule) and (kind is not RefKind.FULL or rule.startswith(("refs/heads/", "refs/tags/")))
    return None if is_good else FieldError("/ref_rule", "ref_rule_malformed", cure)


def chosen_ref(rule: str, refs: Mapping[str, str]) -> str:
    """The full name of the ref that ``rule`` means, among ``refs`` (name to object id). Not for commits.

    Raises LookupError in words: it names nothing, or a branch and a tag at once.
    """
    kind = kind_of(rule)
    if kind is RefKind.PATTERN:
        return _newest_tag(rule.removeprefix("refs/tags/"), refs)
    if kind is RefKind.FULL:
        found = [rule] if rule in refs else []
    else:
        found = [name for name in (f"refs/heads/{rule}", f"refs/tags/{rule}") if name in refs]
    if not found:
        raise LookupError(f"The repository has no branch and no tag {rule!r}.")
    if len(found) > 1:
        raise LookupError(f"{rule!r} is a branch and a tag: write {found[0]} or {found[1]}.")
    return found[0]


def version_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Orders tag names as versions: numbers by value, ``1.2-rc1`` before ``1.2``, ``1.2.1`` after it."""
    finished = _UNFINISHED.sub(lambda found: "~" + found.group().strip("-.~"), name.lower())
    parts = re.findall(r"[0-9]+|~|[^0-9~]+", finished)
    # "~" sorts before the end, the end before text, text before numbers.
    keyed = [
        (3, int(part), "") if part.isdigit() and part.isascii() else (0, 0, "") if part == "~" else (2, 0, part)
        for part in parts
    ]
    return (*keyed, (1, 0, ""))


def _newest_tag(pattern: str, refs: Mapping[str, str]) -> str:
    names = [name.removeprefix("refs/tags/") for name in refs if name.startswith("refs/tags/")]
    matching = [name for name in names if fnmatchcase(name, pattern) and _is_name(name)]
    if not matching:
        raise LookupError(f"The repository has no tag that matches {pattern!r}.")
    return "refs/tags/" + max(matching, key=lambda name: (version_key(name), name))


def _is_name(name: str) -> bool:
    parts = name.split("/")
    return (
        len(name) <= MAX_RULE_LENGTH
        and _NAME.match(name) is not None
        and ".." not in name
        and all(part and not part.startswith(".") and not part.endswith((".", ".lock")) for part in parts)
    )
