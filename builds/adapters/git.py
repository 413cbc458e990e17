"""Runs git on repositories of strangers: a limited child, a configuration of our own, no shell, no surprises.

git reads no configuration but the file written here, and passes it on to what it starts itself; what a repository on
this machine says in its own is held in check by ``GIT_ALLOW_PROTOCOL`` and ``GIT_NO_LAZY_FETCH``, which no
configuration overrides. Nothing is ever checked out: no hooks, no filters, no attributes, no submodules, no links.
See docs/adr/0035.
"""

import re
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings

from builds.domain.source_url import SourceUrl, Transport
from builds.errors import SourceRefused, SourceUnavailable
from scans.adapters.child import Ended, Limits, run_child

MIB = 1024 * 1024
MAX_PACK_BYTES = 512 * MIB
FETCH_LIMITS = Limits(wall_seconds=600, cpu_seconds=300, data_bytes=1536 * MIB, file_bytes=MAX_PACK_BYTES)
READ_LIMITS = Limits(wall_seconds=120, cpu_seconds=120, data_bytes=1536 * MIB, file_bytes=64 * MIB)
SLOW_BYTES, SLOW_SECONDS = 1000, 60  # slower than this for so long, and the fetch ends
CONNECT_SECONDS = 20
_SIGXFSZ = int(signal.SIGXFSZ)
_LEAST_SERIES = (2, 39)
_LEAST_PATCH = {(2, 39): 4, (2, 40): 2, (2, 41): 1, (2, 42): 2, (2, 43): 4, (2, 44): 1, (2, 45): 1}
_UNSEEN = re.compile(r"[^\x20-\x7e]+")
# What git says when another try would say the same. A redirect is not followed, so it is an end too.
_FINAL = re.compile(
    r"not our ref|find remote ref|redirect|not allowed|host key|permission denied|authentication|certificate|fsck"
    r"|could not read username|does not appear to be a git repository|not found|unable to read askpass"
    r"|returned error: (?:30\d|4(?!08|29)\d\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class GitSettings:
    """What the operator allows, as the settings say."""

    directories: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    private_hosts: tuple[str, ...] = ()
    ca_file: str = ""
    ssh_key_file: str = ""


def git_settings() -> GitSettings:
    """See docs/reference/settings.md."""
    return GitSettings(
        directories=_listed(settings.GOLDGATE_SOURCE_DIRECTORIES),
        hosts=_listed(settings.GOLDGATE_SOURCE_HOSTS),
        private_hosts=_listed(settings.GOLDGATE_SOURCE_PRIVATE_HOSTS),
        ca_file=settings.GOLDGATE_SOURCE_CA_FILE,
        ssh_key_file=settings.GOLDGATE_SOURCE_SSH_KEY_FILE,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


@dataclass(frozen=True, slots=True)
class Where:
    """A repository to talk to, judged: for a host the one address to connect to, for ssh the keys to expect."""

    url: SourceUrl
    address: str = ""
    known_hosts: str = ""


class Git:
    """One bare repository of ours in ``work``, and git over it."""

    def __init__(
        self, work: Path, where: Where, *, allowed: GitSettings, check: Callable[[], None] = lambda: None
    ) -> None:
        self.work = work
        self.where = where
        self.check = check
        self.repository = work / "repository"
        self._number = 0
        self._write_configuration(allowed)

    def fetching(self, *arguments: str, file_bytes: int = 0) -> bytes:
        """Run git with the network, where the repository needs one. Raises SourceRefused; SourceUnavailable."""
        limits = replace(FETCH_LIMITS, file_bytes=file_bytes) if file_bytes else FETCH_LIMITS
        return self._said(arguments, limits, has_network=self.where.url.transport is not Transport.LOCAL)

    def reading(self, *arguments: str, limits: Limits = READ_LIMITS) -> bytes:
        """Run git over what is here, without a network. Raises SourceRefused."""
        return self._said(arguments, limits, has_network=False)

    def reading_to(self, target: Path, *arguments: str, stdin: Path, file_bytes: int) -> None:
        """The same for long answers: they stay in ``target``. Raises SourceRefused."""
        self._run(arguments, replace(READ_LIMITS, file_bytes=file_bytes), has_network=False, stdin=stdin, stdout=target)

    def _said(self, arguments: Sequence[str], limits: Limits, *, has_network: bool) -> bytes:
        self._number += 1
        target = self.work / f"said-{self._number}"
        self._run(arguments, limits, has_network=has_network, stdin=None, stdout=target)
        body = target.read_bytes()
        target.unlink()
        return body

    def _run(
        self, arguments: Sequence[str], limits: Limits, *, has_network: bool, stdin: Path | None, stdout: Path
    ) -> None:
        command = [program("git"), f"--git-dir={self.repository}", "--no-pager", *arguments]
        ended = run_child(
            command,
            directory=self.work,
            environment=self._environment(),
            limits=limits,
            check=self.check,
            stdin=stdin,
            stdout=stdout,
            has_network=has_network,
        )
        self._require_success(arguments[0], ended, limits)

    def _require_success(self, verb: str, ended: Ended, limits: Limits) -> None:
        said = plain(ended.stderr)
        if ended.is_timed_out:
            raise SourceRefused(
                f"git {verb} did not end within {limits.wall_seconds:g} seconds and was stopped.",
                cure="Is the repository very large, or its server very slow?",
            )
        if ended.return_code != 0 and self._is_cut(ended, limits):
            raise SourceRefused(
                f"git {verb} was stopped: more than {limits.file_bytes} bytes came.",
                cure="Keep the build's files in a repository of their own, without large ones.",
            )
        if ended.return_code == 0:
            return
        detail = f"git {verb} ended with {ended.return_code}: {said[-400:] or 'it said nothing'}"
        is_final = _FINAL.search(said) is not None
        if self.where.url.transport is Transport.LOCAL or is_final or verb not in ("fetch", "ls-remote"):
            raise SourceRefused(detail, cure="Put the source's address, its ref rule or the repository right.")
        raise SourceUnavailable(detail, cure="Is its host up? It is tried again.")

    def _is_cut(self, ended: Ended, limits: Limits) -> bool:
        """Whether the limit on a file stopped it, or what it started: git does not say why that one died."""
        if ended.return_code in (-_SIGXFSZ, 128 + _SIGXFSZ) or "File too large" in ended.stderr:
            return True
        packs = (self.repository / "objects" / "pack").glob("tmp_*")
        return any(path.stat().st_size >= limits.file_bytes for path in packs)

    def _environment(self) -> dict[str, str]:
        """Everything the child sees: no proxy, no credentials, nothing of ours."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.work),
            "TMPDIR": str(self.work),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self.work / "gitconfig"),
            "GIT_ATTR_NOSYSTEM": "1",
            # Above every configuration, a hostile repository's own included.
            "GIT_ALLOW_PROTOCOL": str(self.where.url.transport),
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_SSH": str(self.work / "ssh"),
            "GIT_SSH_VARIANT": "ssh",
        }

    def _write_configuration(self, allowed: GitSettings) -> None:
        url = self.where.url
        lines = [
            "[core]", "hooksPath = /dev/null", "symlinks = false", "fsmonitor = false", "attributesFile = /dev/null",
            "[init]", "templateDir =",
            "[credential]", "helper =",
            "[transfer]", "fsckObjects = true", "bundleURI = false",
            # One pack, whole: its size is what the limit counts.
            "[fetch]", "fsckObjects = true", "unpackLimit = 1", "recurseSubmodules = false", "writeCommitGraph = false",
            "[pack]", "threads = 1", "windowMemory = 64m",
            "[gc]", "auto = 0", "[maintenance]", "auto = false",
            "[protocol]", "version = 2", "allow = never",
            "[http]", "followRedirects = false", "sslVerify = true", "proxy =", "emptyAuth = false",
            f"lowSpeedLimit = {SLOW_BYTES}", f"lowSpeedTime = {SLOW_SECONDS}",
        ]  # fmt: skip
        if url.transport is Transport.HTTPS:
            pinned = f"[{self.where.address}]" if ":" in self.where.address else self.where.address
            lines.append(f"curloptResolve = {_quoted(f'{url.host}:{url.port}:{pinned}')}")
            if allowed.ca_file:
                lines.append(f"sslCAInfo = {_quoted(allowed.ca_file)}")
        if url.transport is Transport.LOCAL:
            # Somebody else may own it; that it is listed was asked before.
            lines += ["[safe]", *(f"directory = {_quoted(path)}" for path in (url.path, f"{url.path}/.git"))]
        (self.work / "gitconfig").write_text("\n".join(lines) + "\n")
        if url.transport is Transport.SSH:
            self._write_ssh(allowed)

    def _write_ssh(self, allowed: GitSettings) -> None:
        """git starts ``GIT_SSH`` without a shell; ssh reads the account's own configuration unless told otherwise."""
        url = self.where.url
        alias = url.host if url.port == 22 else f"[{url.host}]:{url.port}"
        known, configuration, ssh = self.work / "known_hosts", self.work / "ssh_config", self.work / "ssh"
        known.write_text(self.where.known_hosts + "\n")
        lines = [
            "Host *", f"HostName {self.where.address}", f"HostKeyAlias {alias}",
            f"UserKnownHostsFile {_quoted(str(known))}", "GlobalKnownHostsFile /dev/null",
            "StrictHostKeyChecking yes", "UpdateHostKeys no", "CheckHostIP no", "BatchMode yes",
            "PreferredAuthentications publickey", "IdentitiesOnly yes", "IdentityAgent none", "ForwardAgent no",
            f"IdentityFile {_quoted(allowed.ssh_key_file) if allowed.ssh_key_file else 'none'}",
            "PermitLocalCommand no", "ProxyCommand none", "ControlMaster no", "ControlPath none",
            f"ConnectTimeout {CONNECT_SECONDS}", "ConnectionAttempts 1", "LogLevel ERROR",
        ]  # fmt: skip
        configuration.write_text("\n".join(lines) + "\n")
        argv = [program("ssh"), "-F", str(configuration)]
        # A script of ours and not of a shell's: git hands it the host and the command as arguments.
        ssh.write_text(f"#!{sys.executable} -ISE\nimport os, sys\nos.execv({argv[0]!r}, {argv!r} + sys.argv[1:])\n")
        ssh.chmod(0o700)


def is_new_enough(said: str) -> bool:
    """Whether ``git version`` names a git that knows what holds it here: older ones ignore it without a word.

    ``GIT_NO_LAZY_FETCH`` came with the fixes of May 2024, to 2.39 and to each series after it.
    """
    found = re.match(r"git version (\d+)\.(\d+)(?:\.(\d+))?", said)
    if found is None:
        return False
    series, patch = (int(found[1]), int(found[2])), int(found[3] or 0)
    return series >= _LEAST_SERIES and patch >= _LEAST_PATCH.get(series, 0)


def program(name: str) -> str:
    """Where a program is. Raises SourceUnavailable."""
    found = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin")
    if found is None:
        raise SourceUnavailable(
            f"{name} is not installed on this machine.", cure=f"Install the package that brings {shlex.quote(name)}."
        )
    return found


def plain(text: str) -> str:
    """What a program said, on one line, without signs that a terminal or a page would act on."""
    return _UNSEEN.sub(" ", text).strip()


def _quoted(text: str) -> str:
    """A value for git's or ssh's configuration. Addresses and settings with such signs were refused before."""
    if any(sign in text for sign in '"\\\n\r'):
        raise SourceRefused(f"{plain(text)[:100]!r} cannot stand in a configuration.", cure="Use a plainer path.")
    return f'"{text}"'
