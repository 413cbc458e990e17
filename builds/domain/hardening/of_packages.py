"""Package managers and downloads: caches left behind, checks switched off, sudo."""

import re
from collections.abc import Iterator, Sequence

from builds.domain.dockerfile import Instruction
from builds.domain.hardening.results import CheckResult, result, shown
from builds.domain.hardening.scripts import Step

_LOCAL = re.compile(r"http://(localhost|127\.|\[::1\])", re.IGNORECASE)
_INSTALLS = frozenset({"install", "add", "upgrade", "dist-upgrade", "full-upgrade", "update", "reinstall", "in", "up"})
# Where each manager keeps what an image does not need: removed in the same RUN, or mounted, it stays out of the image.
_PLACES = {
    "apt": ("/var/lib/apt",),
    "apk": ("/var/cache/apk", "/etc/apk/cache"),
    "dnf": ("/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5"),
    "zypper": ("/var/cache/zypp",),
    "pip": ("/root/.cache", "~/.cache", "$HOME/.cache"),
}
_KEEPS_NONE = {"apk": {"--no-cache"}, "pip": {"--no-cache-dir", "--no-cache"}}
_CLEANS = {
    "apk": {"clean", "purge"},
    "dnf": {"clean"},
    "zypper": {"clean", "cc"},
    "pip": {"purge"},
    "apt": {"distclean"},
}
_MANAGER = {
    "apt": "apt", "apt-get": "apt", "aptitude": "apt", "apk": "apk", "dnf": "dnf", "dnf5": "dnf", "yum": "dnf",
    "microdnf": "dnf", "tdnf": "dnf", "zypper": "zypper",
}  # fmt: skip
_UNCHECKED_TEXT = re.compile(
    r"GIT_SSL_NO_VERIFY=(1|true)|http\.sslVerify[= ]false"
    r"|NODE_TLS_REJECT_UNAUTHORIZED=['\"]?0|PYTHONHTTPSVERIFY=['\"]?0"
    r"|strict-ssl[ =]{1,4}false|trusted[=:] ?yes|AllowInsecureRepositories|AllowUnauthenticated|"
    r"Verify-Peer[\"=:; \t]{1,8}false|sslverify ?= ?(0|false|no)|gpgcheck ?= ?(0|false|no)|StrictHostKeyChecking[= ]no|"
    r"GONOSUMDB=|GOINSECURE=|PIP_TRUSTED_HOST=|ssl_verify[: =]{1,3}(false|0)",
    re.IGNORECASE,
)
_UNCHECKED_FLAGS = {
    "curl": ("--insecure", "--proxy-insecure", "--doh-insecure"),
    "wget": ("--no-check-certificate",), "wget2": ("--no-check-certificate",), "aria2c": ("--check-certificate=false",),
    "apt": ("--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"),
    "apt-get": ("--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"),
    "apk": ("--allow-untrusted",),
    "yum": ("--nogpgcheck",), "dnf": ("--nogpgcheck", "--no-gpgchecks"), "microdnf": ("--nogpgcheck",),
    "rpm": ("--nosignature", "--nodigest", "--nogpg"), "zypper": ("--no-gpg-checks", "--no-gpg-check"),
    "pip": ("--trusted-host",), "pip3": ("--trusted-host",), "conda": ("--insecure",), "gem": ("--no-verify",),
    "npm": ("--no-strict-ssl", "--strict-ssl=false"), "git": (), "uv": ("--allow-insecure-host",),
}  # fmt: skip


def check_packages(
    one: Instruction, steps: Sequence[Step], text: str, *, is_kept: bool, keeps_no_pip: bool = False
) -> Iterator[CheckResult]:
    """``text`` is the whole script; ``is_kept`` whether its layer becomes part of the image."""
    yield from _unchecked(one, steps, text)
    yield from _sudo(steps)
    yield from _plain_http(steps)
    if is_kept:
        yield from _caches(one, steps, keeps_no_pip=keeps_no_pip or "PIP_NO_CACHE_DIR" in text)


def unchecked_variable(name: str, value: str) -> bool:
    """Whether ENV ``name=value`` switches a check off for every later step."""
    return bool(_UNCHECKED_TEXT.search(f"{name}={value}"))


def _unchecked(one: Instruction, steps: Sequence[Step], text: str) -> Iterator[CheckResult]:
    told: set[int] = set()
    for step in steps:
        flags = _UNCHECKED_FLAGS.get(step.name, ())
        found = next((word for word in step.arguments if word.partition("=")[0] in flags or word in flags), "")
        if not found and step.name == "curl":
            found = next((word for word in step.arguments if re.fullmatch(r"-[a-zA-Z]*k[a-zA-Z]*", word)), "")
        if found and step.line not in told:
            told.add(step.line)
            yield result("GG1052", f"{shown(step.name)} {shown(found)} does not check who answers.", line=step.line)
    if not told and (match := _UNCHECKED_TEXT.search(text)):
        yield result("GG1052", f"{shown(match[0])} switches a check off.", line=one.line)


def _sudo(steps: Sequence[Step]) -> Iterator[CheckResult]:
    for step in steps:
        first = step.command.words[0].rpartition("/")[2] if step.command.words else ""
        if first in ("sudo", "doas"):
            yield result("GG1055", f"{first} starts {shown(step.name)}.", line=step.line)
        elif step.name in _MANAGER and _INSTALLS & set(step.arguments) and {"sudo", "doas"} & set(step.arguments):
            yield result("GG1055", "It installs sudo.", line=step.line)


def _plain_http(steps: Sequence[Step]) -> Iterator[CheckResult]:
    for step in steps:
        if step.name in ("curl", "wget", "wget2", "aria2c", "pip", "pip3", "npm", "git", "gem"):
            found = next((word for word in step.arguments if "http://" in word.lower() and not _LOCAL.search(word)), "")
            if found:
                yield result("GG1053", f"{shown(found)} is fetched without encryption.", line=step.line)


def _caches(one: Instruction, steps: Sequence[Step], *, keeps_no_pip: bool) -> Iterator[CheckResult]:
    removed = tuple(word for step in steps if step.name in ("rm", "find") for word in step.arguments)
    mounted = tuple(mount.target.rstrip("/") for mount in one.mounts if mount.target)
    told: set[str] = {"pip"} if keeps_no_pip else set()
    for step in steps:
        manager = _manager(step)
        if not manager or manager in told or _KEEPS_NONE.get(manager, set()) & set(step.arguments):
            continue
        places = _PLACES[manager]
        is_removed = any(place in word for word in removed for place in places)
        is_out = is_removed or any(word.startswith(places) for word in mounted)
        if not is_out and not any(_cleans(other, manager) for other in steps):
            told.add(manager)
            yield result("GG1054", f"{shown(step.name)} leaves its lists or its cache in the image.", line=step.line)


def _cleans(step: Step, manager: str) -> bool:
    is_same = _MANAGER.get(step.name) == manager or (manager == "pip" and step.name.startswith(("pip", "python")))
    return is_same and bool(_CLEANS[manager] & set(step.arguments))


def _manager(step: Step) -> str:
    words = set(step.arguments)
    if step.name in _MANAGER:
        return _MANAGER[step.name] if words & _INSTALLS else ""
    is_pip = re.fullmatch(r"pip[0-9.]*", step.name) or (step.name.startswith("python") and "pip" in step.arguments[:2])
    return "pip" if is_pip and words & {"install", "wheel", "download"} else ""
