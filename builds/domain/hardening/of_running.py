"""What RUN runs; and what CMD, ENTRYPOINT and HEALTHCHECK will, and what is written into scripts by COPY."""

import re
from collections.abc import Iterator
from itertools import pairwise

from builds.domain.arguments import FilledStage
from builds.domain.dockerfile import Instruction
from builds.domain.hardening.of_downloads import check_downloads
from builds.domain.hardening.of_machine import check_machine
from builds.domain.hardening.of_packages import check_packages, unchecked_variable
from builds.domain.hardening.results import CheckResult, Subject, result, shown

_CREDENTIALS = re.compile(r"\A[^\s:$]+:[^\s$]+\Z")
_PASSWORD_FLAGS = frozenset({"-u", "--user", "--proxy-user", "-U", "--password", "--http-password"})


def check_running(subject: Subject) -> Iterator[CheckResult]:
    """Every instruction that runs something, in order."""
    for stage in subject.stages:
        for one in stage.stage.instructions:
            if one.name == "RUN":
                yield from _run(subject, stage, one)
            elif one.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
                yield from check_downloads(*subject.scripts.of(one))
            elif one.name in ("COPY", "ADD"):
                yield from _written(subject, one)
            elif one.name == "ENV":
                for name, value in one.pairs:
                    if unchecked_variable(name, value):
                        yield result("GG1052", f"ENV {shown(name)} switches a check off.", line=one.line)


def _run(subject: Subject, stage: FilledStage, one: Instruction) -> Iterator[CheckResult]:
    steps, script = subject.scripts.of(one)
    text = subject.scripts.text_of(one)
    yield from check_downloads(steps, script)
    is_kept = stage.stage.index in subject.chain
    keeps_no_pip = "PIP_NO_CACHE_DIR" in stage.environment
    yield from check_packages(one, steps, text, is_kept=is_kept, keeps_no_pip=keeps_no_pip)
    yield from check_machine(steps, text, line=one.line)
    if "DOCKER_CONTENT_TRUST" in text:
        yield result("GG1037", "It sets DOCKER_CONTENT_TRUST, with which pulls fail.", line=one.line)
    for step in steps:
        if step.name in ("curl", "wget"):
            for flag, value in pairwise(step.arguments):
                if flag in _PASSWORD_FLAGS and _CREDENTIALS.match(value):
                    yield result("GG1025", f"{step.name} {flag} is given a password.", line=step.line)


def _written(subject: Subject, one: Instruction) -> Iterator[CheckResult]:
    """Scripts that are written down here, to be run later."""
    for here in one.heredocs:
        if here.content.startswith("#!") or any(word.endswith(".sh") for word in one.values):
            yield from check_downloads(*subject.scripts.of_text(here.content, line=one.line + 1))
