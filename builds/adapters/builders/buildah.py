"""buildah (1.28 and later): Dockerfiles built in a confined place, from images that are already there.

Nothing is pulled: each base is put into the job's own store from a layout of verified blobs, and the FROM that asks for
it is answered from there (``--build-context``); the store's policy refuses registries, and there is no way to one.
"""

import functools
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from django.conf import settings

from builds.adapters.builders import confinement
from builds.adapters.builders.confinement import Ended, Holding, Job, Limits, Step
from builds.adapters.builders.interface import (
    BuilderFailed,
    BuilderMissing,
    BuilderUnavailable,
    BuildOutput,
    BuildPlan,
    LogSink,
)
from builds.adapters.builders.limiting import ControlGroup, DiskWatch, control_group
from builds.adapters.builders.network import PORT, AllowedHosts, Proxy
from builds.adapters.builders.platforms import (
    native_platform,
    require_one_platform,
    require_runnable,
    runnable_platforms,
)
from builds.adapters.builders.steps import failed_line, first_heredoc
from builds.domain.arguments import platform_arguments
from registry.adapters.archive import Archive
from registry.errors import MalformedArchive

BUILDAH, SKOPEO = "/usr/bin/buildah", "/usr/bin/skopeo"
STORE = ("--root", "/build/storage", "--runroot", "/build/run", "--storage-driver", "vfs")
BASES = "/bases"  # read-only: their blobs are links to our own store
MOUNTS = "/mounts"
OUTPUT = "goldgate.invalid/output:built"  # RFC 2606: no registry has that name
CURE = "On the builder's machine: apt-get install buildah skopeo (docs/runbooks/builder.md)."
HEREDOCS_SINCE = (1, 33)
VERSION_SECONDS = 20
MAX_OUTPUT_BYTES = 256 * 1024**2  # of what it says; a build that goes on saying the same is a build that hangs
TAIL_CHARACTERS = 4000
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/build/home",
    "TMPDIR": "/build/tmp",
    "XDG_RUNTIME_DIR": "/build/run",
    "LC_ALL": "C.UTF-8",
    "BUILDAH_ISOLATION": "chroot",
    # It is root of its user namespace already; it must not try to make another one.
    "_CONTAINERS_USERNS_CONFIGURED": "done",
}


def limits() -> Limits:
    """What one build may use, as the operator set it."""
    return Limits(
        wall_seconds=settings.GOLDGATE_BUILDER_SECONDS,
        memory_bytes=settings.GOLDGATE_BUILDER_MEMORY_BYTES,
        processes=settings.GOLDGATE_BUILDER_PROCESSES,
        cpus=settings.GOLDGATE_BUILDER_CPUS,
        disk_bytes=settings.GOLDGATE_BUILDER_DISK_BYTES,
        file_bytes=settings.GOLDGATE_BUILDER_DISK_BYTES,
    )


@functools.cache
def buildah_version() -> str:
    """As ``buildah --version`` says. Raises BuilderUnavailable."""
    for program in (BUILDAH, SKOPEO):
        if not os.access(program, os.X_OK):
            raise BuilderMissing(f"{program} is not installed here.", cure=CURE)
    said = subprocess.run(  # noqa: S603
        [BUILDAH, "--version"],
        capture_output=True,
        text=True,
        timeout=VERSION_SECONDS,
        check=False,
        env={"PATH": ENVIRONMENT["PATH"], "HOME": "/nonexistent"},
    )
    found = re.search(r"version (\S+)", said.stdout)
    if found is None:
        raise BuilderUnavailable(f"{BUILDAH} does not say its version.", cure=CURE)
    return f"buildah {found[1]}"


class BuildahBuilder:
    """See Builder."""

    def build(self, plan: BuildPlan, *, log: LogSink, check: Callable[[], None]) -> BuildOutput:
        """See Builder."""
        version = buildah_version()
        held = confinement.holding(settings.GOLDGATE_BUILDER_USER)
        _require_readable(plan.dockerfile, version)
        _require_buildable(plan)
        _prepare(plan, held.owner)
        isolation = self._run(plan, held, log, check)
        digest = _take_archive(plan)
        return BuildOutput(
            archive=plan.archive,
            digest=digest,
            builder_id=f"{settings.GOLDGATE_URL}/builders/buildah",
            builder_version=version,
            isolation=isolation,
        )

    def _run(self, plan: BuildPlan, held: Holding, log: LogSink, check: Callable[[], None]) -> str:
        """Run the steps; how they were held. Raises BuilderFailed."""
        tail, proxy, most = _Tail(log), network_of(plan), limits()
        with control_group(plan.directory.name, most) as group:
            job = Job(
                plan.directory,
                _steps(plan),
                ENVIRONMENT | _proxy_variables(plan),
                most,
                mounts=[("bases", BASES), *operator_mounts()],
                watches=[DiskWatch(plan.directory, most.disk_bytes), tail.passed, lambda: _tell(proxy, log)],
                take_listener=proxy.serve if proxy else None,
                enter=group.enter,
            )
            try:
                ended = confinement.run_confined(job, held, output=tail.take, check=check)
            finally:
                if proxy:
                    proxy.close()
            tail.flush()
            _tell(proxy, log)
            _require_success(ended, job.steps, plan, tail.text, group)
            words = "in a control group" if group.directories else "limits of each process only"
        return f"{held.words}; {words}; {_network_words(plan)}"


def network_of(plan: BuildPlan) -> Proxy | None:
    """The plan's way out; None where it has none."""
    if plan.allowed_hosts is None:
        return None
    private = [one.strip() for one in settings.GOLDGATE_BUILDER_PRIVATE_HOSTS.split(",") if one.strip()]
    return Proxy(AllowedHosts.of(plan.allowed_hosts, private))


def _tell(proxy: Proxy | None, log: LogSink) -> None:
    while proxy and proxy.said:
        log(proxy.said.popleft())


def _network_words(plan: BuildPlan) -> str:
    if plan.allowed_hosts is None:
        return "no network"
    return f"network: {', '.join(plan.allowed_hosts) or 'nothing is listed'}"


def _proxy_variables(plan: BuildPlan) -> dict[str, str]:
    """Predefined build arguments: no Dockerfile need declare them, and none of them ends in an image."""
    if plan.allowed_hosts is None:
        return {}
    address = f"http://127.0.0.1:{PORT}"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    return dict.fromkeys(names, address) | {"no_proxy": "localhost,127.0.0.1", "NO_PROXY": "localhost,127.0.0.1"}


def operator_mounts() -> list[tuple[str, str]]:
    """What every build sees read-only of this machine: where it is, where it appears inside the sandbox.

    Raises BuilderUnavailable for one that is not there: a build without it would be another build.
    """
    mounts = []
    for number, (source, _) in enumerate(_declared_mounts()):
        if not Path(source).exists():
            raise BuilderUnavailable(f"{source}, which GOLDGATE_BUILDER_MOUNTS names, does not exist.")
        mounts.append((source, f"{MOUNTS}/{number}"))
    return mounts


def _declared_mounts() -> list[tuple[str, str]]:
    """Each mount: a path of this machine, and its place in the build's root."""
    pairs = []
    for one in settings.GOLDGATE_BUILDER_MOUNTS.split(","):
        source, _, target = one.strip().partition(":")
        if source:
            pairs.append((source, target or source))
    return pairs


def _require_readable(dockerfile: bytes, version: str) -> None:
    """Raises BuilderFailed for what this buildah would take for other instructions than people reviewed."""
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= HEREDOCS_SINCE:
        return
    if line := first_heredoc(dockerfile):
        raise BuilderFailed(
            f"{version} takes the lines of a heredoc for instructions.",
            failure_code="heredoc_not_supported",
            line=line,
            cure="Write it without a heredoc, or build this source with BuildKit.",
        )


def _require_buildable(plan: BuildPlan) -> None:
    """Raises BuilderFailed for a platform that cannot be built here, before anything is begun."""
    require_one_platform(plan)
    if list(plan.platforms) != [native_platform()]:
        require_runnable(plan, runnable_platforms(), by="this builder")


def _prepare(plan: BuildPlan, owner: tuple[int, int]) -> None:
    """The places that the steps expect, given to whoever root of the build is."""
    for name in ("root", "bases"):
        (plan.directory / name).mkdir(exist_ok=True)
    for name in ("tmp", "home", "storage", "run", "out"):
        (plan.work / name).mkdir(exist_ok=True)
    (plan.work / "Dockerfile").write_bytes(plan.dockerfile)
    if os.geteuid() != 0:
        return
    for directory, _, files in os.walk(plan.work):
        os.chown(directory, *owner, follow_symlinks=False)
        for name in files:
            os.chown(os.path.join(directory, name), *owner, follow_symlinks=False)


def _steps(plan: BuildPlan) -> list[Step]:
    steps = []
    for number, base in enumerate(plan.bases):
        for platform, layout in base.layouts.items():
            source = f"oci:{BASES}/{layout.relative_to(plan.directory / 'bases')}"
            target = f"containers-storage:[vfs@/build/storage+/build/run]{_base_name(number, platform)}"
            copy = (SKOPEO, *_overrides(platform), "copy", "--quiet", source, target)
            steps.append(Step(copy, name=f"taking {base.asked} for {platform}"))
    for platform in plan.platforms:
        says = _heading(platform) if len(plan.platforms) > 1 else ""
        steps.append(Step(tuple(_bud(plan, platform)), "/build/context", name=f"building {platform}", says=says))
    push = ("push", "--quiet") if len(plan.platforms) == 1 else ("manifest", "push", "--quiet", "--all")
    write = (BUILDAH, *STORE, *push, OUTPUT, "oci-archive:/build/out/image.tar")
    return [*steps, Step(write, name="writing the image")]


def _heading(platform: str) -> str:
    return f"\n== {platform} ==\n"


def _overrides(platform: str) -> list[str]:
    """So that an image of another platform is taken for what was wanted."""
    os_name, architecture, *variant = platform.split("/")
    found = ["--override-os", os_name, "--override-arch", architecture]
    return [*found, "--override-variant", variant[0]] if variant else found


def _base_name(number: int, platform: str) -> str:
    return f"goldgate.invalid/base/{number}:{platform.replace('/', '-')}"


def _bud(plan: BuildPlan, platform: str) -> list[str]:
    arguments = [BUILDAH, *STORE, "bud", "--isolation", "chroot", "--pull-never", "--no-cache", "--network", "host"]
    arguments += ["--http-proxy=false", "--format", "oci", "--platform", platform, "-f", "/build/Dockerfile"]
    for number, base in enumerate(plan.bases):
        if platform in base.layouts:
            image = f"container-image://{_base_name(number, platform)}"
            # As written too: arguments are put in only after the names are looked up.
            for name in dict.fromkeys((base.asked, *base.written, base.reference)):
                arguments += ["--build-context", f"{name}={image}"]
    for number, (_, target) in enumerate(_declared_mounts()):
        arguments += ["--volume", f"{MOUNTS}/{number}:{target}:ro"]
    for name, value in {**_build_platform(platform), **plan.arguments, **_proxy_variables(plan)}.items():
        arguments += ["--build-arg", f"{name}={value}"]
    for name, value in plan.labels.items():
        arguments += ["--label", f"{name}={value}", "--annotation", f"{name}={value}"]
    if plan.epoch is not None:
        arguments += ["--timestamp", str(plan.epoch)]
    if plan.target:
        arguments += ["--target", plan.target]
    arguments += ["-t" if len(plan.platforms) == 1 else "--manifest", OUTPUT, "/build/context"]
    return arguments


def _build_platform(platform: str) -> dict[str, str]:
    """BUILDPLATFORM and the like, which buildah leaves out: each platform is built on itself, as recipes are read."""
    return {name: value for name, value in platform_arguments(platform).items() if name.startswith("BUILD")}


class _Tail:
    """Hands what the build says to the log, and remembers the end of it."""

    def __init__(self, log: LogSink) -> None:
        self._log = log
        self._bytes = b""
        self._taken = 0
        self.text = ""

    def take(self, chunk: bytes) -> None:
        """Whole lines at a time, so that no character and no secret is cut in two; a very long one as it is."""
        self._taken += len(chunk)
        whole, found, self._bytes = (self._bytes + chunk).rpartition(b"\n")
        if found:
            self._say(whole + found)
        elif len(self._bytes) > confinement.CHUNK_BYTES:
            self.flush()

    def passed(self) -> tuple[str, str] | None:
        """A failure code and a sentence, when it said too much."""
        if self._taken <= MAX_OUTPUT_BYTES:
            return None
        return "log_limit", f"The build printed more than {MAX_OUTPUT_BYTES} bytes."

    def flush(self) -> None:
        """What stands after the last line end."""
        rest, self._bytes = self._bytes, b""
        if rest:
            self._say(rest)

    def _say(self, data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        self.text = (self.text + text)[-TAIL_CHARACTERS:]
        self._log(text)


def _require_success(ended: Ended, steps: Sequence[Step], plan: BuildPlan, tail: str, group: ControlGroup) -> None:
    """Raises BuilderFailed, with the platform, where there are several, and the line of the step that the log names."""
    begun = len(ended.codes) - 1 if ended.codes and ended.codes[-1] else len(ended.codes)
    at = steps[min(begun, len(steps) - 1)]
    # What the platform before it said names lines too.
    said = tail.rpartition(at.says)[2] if at.says else tail
    where = f" while {at.name}" if len(plan.platforms) > 1 else ""
    if ended.stopped_by:
        because = f"{ended.stopped_because.rstrip('.')}{where}."
        raise BuilderFailed(because, failure_code=ended.stopped_by, line=failed_line(said, plan.dockerfile))
    if len(ended.codes) == len(steps) and not any(ended.codes):
        return
    line = failed_line(said, plan.dockerfile)
    if passed := group.passed():
        raise BuilderFailed(f"{passed[1].rstrip('.')}{where}.", failure_code=passed[0], line=line)
    lines = [one for one in said.splitlines() if one.strip()]
    last = lines[-1].strip()[:500] if lines else "it said nothing"
    how = f"ended with {ended.codes[-1]}" if ended.codes else "could not be begun"
    raise BuilderFailed(f"buildah {how}{where}: {last}", failure_code="build_failed", line=line)


def _take_archive(plan: BuildPlan) -> str:
    """Move the archive out of what the build could write; the digest that it names. Raises BuilderFailed."""
    source = plan.work / "out" / "image.tar"
    partial = plan.archive.with_suffix(".part")
    try:
        # What a build wrote may be a link to anything.
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise BuilderFailed("buildah ended well and left no image.", failure_code="image_missing") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise BuilderFailed("buildah ended well and left no plain file.", failure_code="image_missing")
        with partial.open("wb") as target:
            shutil.copyfileobj(file, target, 1 << 20)
            os.fchmod(target.fileno(), 0o644)  # whoever takes it in may be another user
            target.flush()
            os.fsync(target.fileno())
    os.replace(partial, plan.archive)
    try:
        with Archive(plan.archive) as archive:
            return str(archive.choose().digest)
    except MalformedArchive as error:
        raise BuilderFailed(
            f"What buildah wrote is no image: {error.detail}", failure_code="image_malformed"
        ) from error
