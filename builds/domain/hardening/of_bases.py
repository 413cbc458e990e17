"""What the image stands on, and what it takes from elsewhere."""

from collections.abc import Iterator

from builds.domain.bases import BaseKind, ResolvedBase, Use, Why
from builds.domain.hardening.results import CheckResult, Subject, result, shown

_RULE_OF = {
    Why.WITHDRAWN: "GG1002",
    Why.END_OF_LIFE: "GG1003",
    Why.DENIED: "GG1018",
    Why.BUILD_PURPOSE: "GG1004",
    Why.AMBIGUOUS: "GG1006",
}
_WORD = {Use.FROM: "FROM", Use.COPY: "COPY --from", Use.MOUNT: "A mount from"}


def check_bases(subject: Subject) -> Iterator[CheckResult]:
    """One result a place that is refused, and what is to be known of the others."""
    for base in subject.bases:
        if base.is_refused:
            yield _refused(base)
            if _is_latest(base):
                yield _latest(base)
        elif base.kind is BaseKind.CERTIFIED:
            yield from _certified(base)
        elif base.kind is BaseKind.ADOPTED:
            yield result("GG1009", f"{shown(base.asked)}: {base.reason}", line=base.line)


def _refused(base: ResolvedBase) -> CheckResult:
    rule = _RULE_OF.get(base.why) or ("GG1001" if base.use is Use.FROM else "GG1005")
    remedy = f"Nearest that is certified: {base.suggestion}" if base.suggestion else ""
    return result(rule, f"{_WORD[base.use]} {shown(base.asked)}: {base.reason}", line=base.line, remedy=remedy)


def _certified(base: ResolvedBase) -> Iterator[CheckResult]:
    if not base.is_pinned:
        message = f"{_WORD[base.use]} {shown(base.asked)} names no digest; now it is {base.reference}."
        yield result("GG1007", message, line=base.line, remedy=f"Write {base.reference}.")
    if base.warning:
        yield result("GG1008", base.warning, line=base.line, remedy=f"Write {base.fix}." if base.fix else "")
    if _is_latest(base):
        yield _latest(base)


def _is_latest(base: ResolvedBase) -> bool:
    return base.asked.partition("@")[0].endswith(":latest")


def _latest(base: ResolvedBase) -> CheckResult:
    return result("GG1010", f"{shown(base.asked)} names whatever was pushed last.", line=base.line)
