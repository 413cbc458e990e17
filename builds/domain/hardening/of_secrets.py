"""Secrets in the Dockerfile: by the names that values have, and by what detectors found in the text."""

import re
from collections.abc import Iterator
from itertools import pairwise

from builds.domain.arguments import declared_names
from builds.domain.dockerfile import Instruction
from builds.domain.hardening.results import CheckResult, Subject, result, shown
from builds.domain.secret_names import name_of_secret

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ALONE = frozenset(
    {"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "CREDENTIAL", "CREDENTIALS", "APIKEY", "BEARER"}
)
_BEFORE_KEY = frozenset(
    {"API", "ACCESS", "PRIVATE", "SECRET", "AUTH", "SIGNING", "ENCRYPTION", "SSH", "DEPLOY", "MASTER", "ACCOUNT",
     "SHARED"}
)  # fmt: skip
# The last word says that it is about a secret and none: where it lies, how long it lasts.
_ABOUT = frozenset(
    {
        "FILE", "PATH", "DIR", "DIRECTORY", "URL", "URI", "NAME", "ID", "TTL", "EXPIRY", "EXPIRES", "LENGTH", "SIZE",
        "TYPE", "HEADER", "ISSUER", "COUNT", "LIMIT", "MAX", "MIN", "ENABLED", "REQUIRED", "POLICY", "ENDPOINT",
        "PROVIDER", "ALGORITHM", "AUDIENCE", "PARALLELISM", "LIFETIME", "VERSION", "PUBLIC", "SERVICE",
    }
)  # fmt: skip
_RULE_OF = {"ENV": "GG1022", "ARG": "GG1023", "LABEL": "GG1024"}


def is_secret_name(name: str) -> bool:
    """Whether a variable of that name holds a secret (``NPM_TOKEN``, ``db.password``, ``apiKey``)."""
    words = [word.upper() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    if any(word in _ALONE for word in words) or words[-1] == "PASS":
        return True
    return any(first in _BEFORE_KEY and second == "KEY" for first, second in pairwise(words))


def check_secrets(subject: Subject) -> Iterator[CheckResult]:
    """Each secret once a line, the surest word first."""
    told: set[int] = set()
    for found in _by_name(subject):
        told.add(found.line or 0)
        yield found
    yield from _by_value(subject, told)
    for name in sorted(subject.arguments):
        if is_secret_name(name):
            yield result(
                "GG1023", f"The build argument {shown(name)} is called as secrets are.", path=f"argument {name}"
            )
    for path in subject.files:
        if what := name_of_secret(path):
            yield result("GG1026", f"{shown(path)} in the context is called as a {what}.", path=path)


def _by_name(subject: Subject) -> Iterator[CheckResult]:
    for name, default, instruction in declared_names(subject.instructions):
        if is_secret_name(name):
            words = "has a default that stays in the image" if default else "is to be given, and stays in the history"
            yield result("GG1023", f"ARG {shown(name)} {words}.", line=instruction.line)
    for instruction in subject.instructions:
        if instruction.name in ("ENV", "LABEL"):
            for name, value in instruction.pairs:
                if is_secret_name(name) and value.strip("\"' "):
                    message = f"{instruction.name} {shown(name)} has a value that everybody reads."
                    yield result(_RULE_OF[instruction.name], message, line=instruction.line)


def _by_value(subject: Subject, told: set[int]) -> Iterator[CheckResult]:
    for seen in subject.secrets:
        holder = _holder(subject, seen.line)
        line = holder.line if holder and holder.name in _RULE_OF else seen.line
        if line in told:
            continue
        told.add(line)
        if seen.is_certain:
            rule = _RULE_OF.get(holder.name, "GG1025") if holder else "GG1025"
            yield result(rule, f"It holds a secret: {seen.kind}.", line=seen.line)
        else:
            yield result("GG1026", f"It may hold a secret: {seen.kind}.", line=seen.line)


def _holder(subject: Subject, line: int) -> Instruction | None:
    return next((one for one in subject.instructions if one.line <= line <= one.end_line), None)
