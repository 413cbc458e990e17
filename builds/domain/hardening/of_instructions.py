"""Instructions that bring something in, or say what the image is: all but what RUN runs."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from builds.domain.arguments import PREDEFINED, declared_names, filled
from builds.domain.bases import BaseKind
from builds.domain.dockerfile import Instruction, Mount
from builds.domain.hardening.modes import mode_results
from builds.domain.hardening.results import CheckResult, Subject, result, shown
from builds.domain.rules import Severity
from builds.errors import DockerfileMalformed

MAX_VALUE_LENGTH = 8192  # characters of an ENV, an ARG, a LABEL
MAX_USER = 4_294_967_294  # the last one that is a user (POSIX keeps (uid_t)-1)
_ADDRESS = re.compile(r"\A(https?|ftp)://", re.IGNORECASE)
_GIT = re.compile(r"\A(git@|git://|ssh://|github\.com/)|\A(https?|git|ssh)://[^?#]*\.git(/)?([?#].*)?\Z", re.IGNORECASE)
_STEERING = frozenset(
    {"LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "PYTHONSTARTUP", "PERL5OPT", "RUBYOPT", "GIT_SSH_COMMAND", "DOCKER_HOST"}
)
_STEERING_PREFIXES = ("BUILDKIT_", "BUILDAH_", "GOLDGATE_", "CONTAINERS_")
_SYSTEM = frozenset(
    {
        "/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
        "/usr/bin", "/usr/lib", "/usr/sbin", "/var", "/var/run", "/var/lib",
    }
)  # fmt: skip
_NEVER_BELOW = ("/proc/", "/sys/", "/dev/", "/etc/", "/run/", "/var/run/")


def check_instructions(subject: Subject) -> Iterator[CheckResult]:
    """Every instruction but what RUN runs."""
    yield from _user(subject)
    yield from _variables(subject)
    links = _links(subject)
    for stage in subject.stages:
        for one in stage.stage.instructions:
            words = [_filled(word, stage.environment, one, subject) for word in one.values]
            if one.is_on_build:
                yield result("GG1016", f"ONBUILD {one.name} runs in other people's builds.", line=one.line)
            if one.name in ("ADD", "COPY"):
                yield from _sources(one, words)
                yield from _owners(one, _filled(one.flag("chown"), stage.environment, one, subject))
                yield from mode_results(_filled(one.flag("chmod"), stage.environment, one, subject), line=one.line)
            elif one.name == "EXPOSE" and any(_has_port_22(word) for word in words):
                yield result("GG1034", "EXPOSE 22 is the port of a remote login.", line=one.line)
            elif one.name == "VOLUME":
                yield from _volumes(one, words)
            elif one.name == "WORKDIR":
                yield from _working_directory(one, words)
            elif one.name == "RUN":
                yield from _flags(one)
                for mount in one.mounts:
                    yield from _mount(one, mount, links)


def _filled(word: str, values: object, one: Instruction, subject: Subject) -> str:
    try:
        return filled(word, values, line=one.line, escape=subject.dockerfile.escape)  # type: ignore[arg-type]
    except DockerfileMalformed:
        return word


def _user(subject: Subject) -> Iterator[CheckResult]:
    stage = subject.stages[subject.final.index]
    while not stage.user and stage.parent is not None:
        stage = subject.stages[stage.parent.index]
    base = next((one for one in subject.bases if one.is_final), None)
    user, line = stage.user, stage.user_line
    if not user and base is not None and base.kind is not BaseKind.SCRATCH:
        user = base.user
    name = user.partition(":")[0]
    rule = "GG1021" if subject.is_base_recipe else "GG1020"
    if name.isascii() and name.isdecimal():
        number = int(name[:12])
        if number > MAX_USER:
            yield result("GG1031", f"USER {shown(user)} is no user's number.", line=line)
        elif number == 0:
            yield result(rule, "It runs as root.", line=line)
        return
    if not name or name == "root":
        said = "It sets no USER, and its base runs as root." if not line else "It runs as root."
        yield result(rule, said, line=line or subject.final.line)
    else:
        yield result(rule, f"USER {shown(user)} is a name, which proves no number.", line=line or subject.final.line)


def _variables(subject: Subject) -> Iterator[CheckResult]:
    named = [(name, default or "", one) for name, default, one in declared_names(subject.instructions)]
    for one in subject.instructions:
        if one.name in ("ENV", "LABEL"):
            named.extend((name, value, one) for name, value in one.pairs)
    for name, value, one in named:
        if len(name) + len(value) > MAX_VALUE_LENGTH:
            yield result("GG1038", f"{one.name} {shown(name)} has {len(value)} characters.", line=one.line)
        if one.name == "LABEL":
            continue
        if _is_steering(name):
            yield result("GG1036", f"{one.name} {shown(name)} steers programs or the builder.", line=one.line)
        if name == "DOCKER_CONTENT_TRUST":
            yield result("GG1037", f"{one.name} DOCKER_CONTENT_TRUST makes pulls fail.", line=one.line)
    for name in sorted(subject.arguments):
        if _is_steering(name):
            message = f"The build argument {shown(name)} steers programs or the builder."
            yield result("GG1036", message, path=f"argument {name}")


def _is_steering(name: str) -> bool:
    return name in _STEERING or name in PREDEFINED or name.upper().startswith(_STEERING_PREFIXES)


def _sources(one: Instruction, words: list[str]) -> Iterator[CheckResult]:
    for source in words[:-1]:
        if one.name == "ADD" and _GIT.match(source):
            yield result("GG1029", f"ADD {shown(source)} is a git repository.", line=one.line)
        elif one.name == "ADD" and _ADDRESS.match(source):
            found = result("GG1028", f"ADD {shown(source)} is fetched from an address.", line=one.line)
            # With a checksum it is always the same file; it still needs a network that builds do not have.
            yield replace(found, severity=Severity.WARNING) if one.flag("checksum") else found
        elif not one.flag("from") and ".." in source.replace("\\", "/").split("/"):
            yield result("GG1030", f"{one.name} {shown(source)} steps out of the context.", line=one.line)


def _owners(one: Instruction, owner: str) -> Iterator[CheckResult]:
    for part in owner.split(":"):
        number = part.lstrip("-")
        if number.isdecimal() and (part.startswith("-") or int(number[:12]) > MAX_USER):
            yield result("GG1031", f"--chown={shown(owner)} names no user.", line=one.line)
            return


def _has_port_22(word: str) -> bool:
    first, _, last = word.partition("/")[0].partition("-")
    if not first.isdecimal() or (last and not last.isdecimal()):
        return False
    return int(first[:6]) <= 22 <= int((last or first)[:6])


def _volumes(one: Instruction, words: list[str]) -> Iterator[CheckResult]:
    for word in words:
        path = posixpath.normpath("/" + word.strip().lstrip("/"))
        if path in _SYSTEM or path.startswith(_NEVER_BELOW) or path.endswith(".sock"):
            yield result("GG1035", f"VOLUME {shown(path)} lies over the system.", line=one.line)


def _working_directory(one: Instruction, words: list[str]) -> Iterator[CheckResult]:
    path = words[0] if words else ""
    if ".." in path.split("/") or posixpath.normpath(path).startswith(("/proc", "/dev", "/sys")):
        yield result("GG1039", f"WORKDIR {shown(path)} leads somewhere else.", line=one.line)


def _flags(one: Instruction) -> Iterator[CheckResult]:
    for flag in one.flags:
        name, _, value = flag.partition("=")
        if (name, value) in (("--security", "insecure"), ("--network", "host")) or name in ("--device", "--privileged"):
            yield result("GG1056", f"RUN {shown(flag)} asks for more than a build gets.", line=one.line)


def _mount(one: Instruction, mount: Mount, links: frozenset[str]) -> Iterator[CheckResult]:
    target = posixpath.normpath(mount.target) if mount.target else ""
    if mount.type in ("secret", "ssh"):
        yield result("GG1027", f"A {mount.type} is lent to this step.", line=one.line)
        return
    if mount.type == "cache":
        yield result("GG1058", f"The cache {shown(mount.id or target)} is shared with other builds.", line=one.line)
    if (mount.type != "tmpfs" and target in _SYSTEM) or target.startswith(("/proc/", "/sys/", "/dev/")):
        yield result("GG1057", f"It is mounted over {shown(target)}.", line=one.line)
    if mount.type != "bind":
        return
    steps = mount.source.split("/")
    if ".." in steps or (mount.source.startswith("/") and not mount.origin):
        yield result("GG1057", f"The source {shown(mount.source)} is not in the context.", line=one.line)
    elif posixpath.normpath(mount.source) in links:
        yield result("GG1057", f"The source {shown(mount.source)} is a link that leads elsewhere.", line=one.line)
    if mount.is_writable:
        yield result("GG1057", "It may be written.", line=one.line)


def _links(subject: Subject) -> frozenset[str]:
    """Where RUN makes symbolic links, so that a mount of one is seen."""
    found: set[str] = set()
    for one in subject.instructions:
        if one.name == "RUN" and not one.is_json:
            for step in subject.scripts.of(one)[0]:
                words = step.plain.words
                if words[:1] == ("ln",) and any(word.startswith("-") and "s" in word for word in words):
                    found.add(posixpath.normpath(words[-1]))
    return frozenset(found)
