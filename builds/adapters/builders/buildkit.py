"""BuildKit (0.20 and later): a buildkitd elsewhere, reached over mutual TLS with ``buildctl``.

Nothing is pulled here either: each base travels as an OCI layout of verified blobs, under the name that FROM asks for
(named contexts, https://github.com/moby/buildkit#build-a-dockerfile-with-buildctl). Limits of CPU and memory are
the daemon's; ours are time, and the size of what comes back.
"""

import codecs
import csv
import functools
import io
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from django.conf import settings

from builds.adapters.builders.interface import (
    BuilderFailed,
    BuilderUnavailable,
    BuildOutput,
    BuildPlan,
    LogSink,
)
from builds.adapters.builders.platforms import require_runnable
from registry.adapters.archive import Archive
from registry.errors import MalformedArchive

CURE = "Name buildkitd and its certificates in GOLDGATE_BUILDKIT_* (docs/reference/builders.md)."
SETPRIV = "/usr/bin/setpriv"
READ_BYTES = 65_536
TAIL_CHARACTERS = 8000
POLL_SECONDS = 0.5
VERSION_SECONDS = 20
KILL_SECONDS = 10
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_PARTS = ("os", "architecture", "variant")
# "[linux/arm64 2/3] RUN …": of several platforms it says which. A stage's name may follow, an arrow may stand in it.
_PLATFORM = re.compile(r"^ > \[(linux/[a-z0-9]+(?:/v\d+)?)[ -]", re.MULTILINE)
# A step that failed and was then cancelled with the others is not among those shown last: it stands under its number.
_STEP = re.compile(r"^#(\d+) \[(linux/[a-z0-9]+(?:/v\d+)?)[ -]", re.MULTILINE)
_STEP_FAILED = re.compile(r"^#(\d+) ERROR: ", re.MULTILINE)
# BuildKit shows the failing instruction under the name of the file that it was given.
_LINE = re.compile(r"^(?:#\d+ )?Dockerfile:(\d+)$", re.MULTILINE)
_UNREACHABLE = re.compile(r"failed to list workers|connection refused|authentication handshake|no such host")
# A foreign frontend is other people's code that decides what a Dockerfile means.
_SYNTAX = re.compile(rb"^(\s*#\s*)(syntax)(\s*=)", re.IGNORECASE)


class BuildKitBuilder:
    """See Builder."""

    def build(self, plan: BuildPlan, *, log: LogSink, check: Callable[[], None]) -> BuildOutput:
        """See Builder."""
        version = buildkit_version()
        if plan.allowed_hosts is not None:
            raise BuilderFailed(
                "BuildKit lets a build reach no network or all of it; listed hosts alone it cannot hold to.",
                failure_code="network_not_supported",
                cure="Build this source with buildah, or without a network.",
            )
        _require_runnable(plan)
        dockerfile = plan.work / "dockerfile"
        dockerfile.mkdir(exist_ok=True)
        (dockerfile / "Dockerfile").write_bytes(_without_syntax(plan.dockerfile))
        partial = plan.archive.with_suffix(".part")
        partial.unlink(missing_ok=True)
        said = _Said(log)
        code = _run(_command(plan, dockerfile, partial), plan.directory, said=said, partial=partial, check=check)
        if code != 0:
            raise _failure(said.text, code, is_one=len(plan.platforms) == 1)
        digest = _digest_of(partial)
        _keep(partial, plan.archive)
        return BuildOutput(
            archive=plan.archive,
            digest=digest,
            builder_id=f"{settings.GOLDGATE_URL}/builders/buildkit",
            builder_version=version,
            isolation="buildkitd elsewhere, over mutual TLS; runc containers; no network",
        )


@functools.cache
def buildkit_version() -> str:
    """As ``buildctl --version`` says. Raises BuilderUnavailable."""
    said = subprocess.run(  # noqa: S603
        [buildctl(), "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=False, env={}
    )
    found = re.search(r"buildctl \S+ (\S+)", said.stdout)
    return f"buildctl {found[1]}" if found else "buildctl"


def buildctl() -> str:
    """The program's path. Raises BuilderUnavailable where it, or an address with certificates, is missing."""
    found = shutil.which(settings.GOLDGATE_BUILDKIT_BUILDCTL)
    if found is None:
        raise BuilderUnavailable(f"{settings.GOLDGATE_BUILDKIT_BUILDCTL} is not installed here.", cure=CURE)
    for name in ("ADDRESS", "CA_FILE", "CERTIFICATE_FILE", "KEY_FILE"):
        if not getattr(settings, f"GOLDGATE_BUILDKIT_{name}"):
            raise BuilderUnavailable(f"GOLDGATE_BUILDKIT_{name} is not set.", cure=CURE)
    if not settings.GOLDGATE_BUILDKIT_ADDRESS.startswith("tcp://"):
        raise BuilderUnavailable("buildkitd is reached by tcp:// with mutual TLS, and by nothing else.", cure=CURE)
    return found


def daemon_platforms() -> list[str]:
    """Whose programs the daemon runs, by itself or by emulation. Raises BuilderUnavailable."""
    try:
        said = subprocess.run(  # noqa: S603
            [*_client(), "debug", "workers", "--format", "{{json .}}"],
            capture_output=True, text=True, timeout=VERSION_SECONDS, check=False, env=_ENVIRONMENT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BuilderUnavailable("buildkitd does not answer.", cure=CURE) from error
    try:
        rows = [one for worker in json.loads(said.stdout) for one in worker["platforms"]]
        found = ["/".join(row[part] for part in _PARTS if row.get(part)) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        last = (said.stderr.strip().splitlines() or ["it said nothing"])[-1][:500]
        raise BuilderUnavailable(f"buildkitd does not answer: {last}", cure=CURE) from error
    if not found:
        raise BuilderUnavailable("buildkitd has no worker.", cure=CURE)
    return found


def _require_runnable(plan: BuildPlan) -> None:
    if re.search(rb"^\s*run\b", plan.dockerfile, re.IGNORECASE | re.MULTILINE):  # else it need not be asked
        require_runnable(plan, daemon_platforms(), by="buildkitd")


def _client() -> list[str]:
    return [
        SETPRIV, "--pdeathsig", "KILL", buildctl(),
        "--addr", settings.GOLDGATE_BUILDKIT_ADDRESS,
        "--tlscacert", settings.GOLDGATE_BUILDKIT_CA_FILE,
        "--tlscert", settings.GOLDGATE_BUILDKIT_CERTIFICATE_FILE,
        "--tlskey", settings.GOLDGATE_BUILDKIT_KEY_FILE,
    ]  # fmt: skip


def _command(plan: BuildPlan, dockerfile: Path, partial: Path) -> list[str]:
    command = [
        *_client(), "build", "--progress", "plain", "--no-cache", "--frontend", "dockerfile.v0",
        "--local", f"context={plan.work / 'context'}", "--local", f"dockerfile={dockerfile}",
        "--opt", f"platform={','.join(plan.platforms)}", "--opt", "force-network-mode=none",
    ]  # fmt: skip
    command += _bases(plan)
    for name, value in plan.arguments.items():
        command += ["--opt", f"build-arg:{name}={value}"]
    for name, value in plan.labels.items():
        command += ["--opt", f"label:{name}={value}"]
    if plan.epoch is not None:
        command += ["--opt", f"build-arg:SOURCE_DATE_EPOCH={plan.epoch}"]
    if plan.target:
        command += ["--opt", f"target={plan.target}"]
    return [*command, "--output", _output(plan, partial)]


def _bases(plan: BuildPlan) -> list[str]:
    found = []
    for number, base in enumerate(plan.bases):
        for platform, layout in base.layouts.items():
            store = f"base{number}-{platform.replace('/', '-')}"
            with_digest = f"oci-layout://{store}@{_layout_digest(layout)}"
            found += ["--oci-layout", f"{store}={layout}"]
            for name in dict.fromkeys((base.asked, base.reference)):
                found += ["--opt", f"context:{name}::{platform}={with_digest}"]
    return found


def _layout_digest(layout: Path) -> str:
    found = re.search(r"sha256:[0-9a-f]{64}", (layout / "index.json").read_text())
    if found is None:
        raise BuilderFailed(f"The layout of a base names no image: {layout.name}.", failure_code="base_missing")
    return found[0]


def _output(plan: BuildPlan, partial: Path) -> str:
    """One CSV record, as buildctl reads it: a comma or quote in a label must not become another attribute."""
    fields = ["type=oci", f"dest={partial}", *(["rewrite-timestamp=true"] if plan.epoch is not None else [])]
    fields += [f"annotation.{name}={value}" for name, value in plan.labels.items()]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()


class _Said:
    """Hands whole lines to the log and remembers the end of them."""

    def __init__(self, log: LogSink) -> None:
        self._log, self._rest, self.text = log, b"", ""

    def take(self, chunk: bytes) -> None:
        whole, found, self._rest = (self._rest + chunk).rpartition(b"\n")
        if found or len(self._rest) > READ_BYTES:
            if not found:
                whole, self._rest = self._rest, b""
            self._say(whole + found)

    def end(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._say(rest)

    def _say(self, data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        self.text = (self.text + text)[-TAIL_CHARACTERS:]
        self._log(text)


def _run(command: Sequence[str], directory: Path, *, said: _Said, partial: Path, check: Callable[[], None]) -> int:
    """Run buildctl to its end. It is ended when ``check`` raises: buildkitd then drops the build with its session."""
    environment = _ENVIRONMENT | {"HOME": str(directory)}
    process = subprocess.Popen(  # noqa: S603
        list(command),
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _follow(process, said=said, partial=partial, check=check)
        return process.wait(timeout=KILL_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _follow(process: "subprocess.Popen[bytes]", *, said: _Said, partial: Path, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + settings.GOLDGATE_BUILDER_SECONDS
    if process.stdout is None:
        return
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        while True:
            if waiting.select(POLL_SECONDS):
                chunk = os.read(process.stdout.fileno(), READ_BYTES)
                if not chunk:
                    break
                said.take(chunk)
            check()
            if time.monotonic() > deadline:
                raise BuilderFailed("The build took longer than it may.", failure_code="too_long")
            if partial.exists() and partial.stat().st_size > settings.GOLDGATE_BUILDER_DISK_BYTES:
                raise BuilderFailed("The image is larger than it may be.", failure_code="disk_full")
    said.end()


def _failure(said: str, code: int, *, is_one: bool) -> BuilderFailed | BuilderUnavailable:
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")[:500]
    line = _LINE.findall(said)
    if not line and _UNREACHABLE.search(last):
        return BuilderUnavailable(f"buildkitd does not answer: {last}", cure=CURE)
    platform = None if is_one else _failed_platform(said)
    where = f" while building {platform}" if platform else ""
    return BuilderFailed(
        f"BuildKit ended with {code}{where}: {last.removeprefix('error: ')}",
        failure_code="build_failed",
        line=int(line[-1]) if line else None,
    )


def _failed_platform(said: str) -> str | None:
    shown = _PLATFORM.findall(said)
    steps = dict(_STEP.findall(said))
    return shown[-1] if shown else next((steps[one] for one in _STEP_FAILED.findall(said) if one in steps), None)


def _digest_of(archive: Path) -> str:
    try:
        with Archive(archive) as opened:
            return str(opened.choose().digest)
    except MalformedArchive as error:
        raise BuilderFailed(
            f"What BuildKit sent is no image: {error.detail}", failure_code="image_malformed"
        ) from error


def _keep(partial: Path, archive: Path) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, archive)


def _without_syntax(dockerfile: bytes) -> bytes:
    """The same lines, where ``# syntax=`` names no frontend: the daemon's own is the one that reads it.

    Without a byte order mark: the daemon looks for a frontend behind one.
    """
    lines = dockerfile.removeprefix(codecs.BOM_UTF8).split(b"\n")
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(b"#"):
            break
        lines[number] = _SYNTAX.sub(rb"\1not-used-\2\3", line)
    return b"\n".join(lines)
