"""File modes, as ``chmod``, ``install -m`` and ``--chmod`` write them."""

import re
from collections.abc import Iterator

from builds.domain.hardening.results import CheckResult, result, shown

_OCTAL = re.compile(r"\A0*([0-7]{1,4})\Z")
_SYMBOLIC = re.compile(r"\A[ugoa]*([-+=][rwxXstugo]*)+(,[ugoa]*([-+=][rwxXstugo]*)+)*\Z")
_ADDED = re.compile(r"([ugoa]*)[+=]([rwxXst]*)")


def mode_results(mode: str, *, line: int) -> Iterator[CheckResult]:
    """What is wrong with ``mode``; nothing for a mode that only the build knows (``$MODE``)."""
    if not mode or "$" in mode:
        return
    if match := _OCTAL.match(mode):
        digits = match[1].rjust(4, "0")
        special, others = int(digits[0]), int(digits[3])
        if special & 6:
            yield result("GG1032", f"The mode {shown(mode)} sets the set-uid or set-gid bit.", line=line)
        if others & 2 and not special & 1:
            yield result("GG1033", f"The mode {shown(mode)} lets everybody write.", line=line)
    elif _SYMBOLIC.match(mode):
        for who, rights in _ADDED.findall(mode):
            if "s" in rights and (who != "o"):
                yield result("GG1032", f"The mode {shown(mode)} sets the set-uid or set-gid bit.", line=line)
            if "w" in rights and ("o" in who or "a" in who) and "t" not in mode:
                yield result("GG1033", f"The mode {shown(mode)} lets everybody write.", line=line)
    elif mode.isdigit():
        yield result("GG1031", f"{shown(mode)} is no mode.", line=line)
