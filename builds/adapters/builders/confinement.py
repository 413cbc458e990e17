"""Starts ``confined.py``: how a build is held here, what it may use, and that nothing of it is left.

A user namespace wherever the kernel lets us make one: as root with a range of user ids that belongs to nobody, as
another user with the range that /etc/subuid gives. Without one, root in the other namespaces.
"""

import contextlib
import functools
import json
import os
import pwd
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from builds.adapters.builders.interface import BuilderUnavailable

CONFINED = Path(__file__).with_name("confined.py")
POLL_SECONDS = 0.2
STOP_SECONDS = 20.0  # after a kill, until every process of the build is gone
CHUNK_BYTES = 64 * 1024
# A range that distributions, systemd and useradd give to nobody (systemd's UIDS-GIDS: above 0x6FFFFFFF, below 2^31).
OWN_RANGE = (2_000_000_000, 65_536)
_CURE = (
    "Let the builder make user namespaces (sysctl user.max_user_namespaces, /etc/subuid for its user), "
    "or run it as root: docs/runbooks/builder.md."
)
# What programs in the root directory look up; nothing of this machine's is in it.
FILES = {
    "/etc/passwd": "root:x:0:0:root:/build/home:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/resolv.conf": "",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    # Images come from our own layouts alone: a registry is refused even if there were a way to one.
    "/etc/containers/policy.json": json.dumps(
        {
            "default": [{"type": "reject"}],
            "transports": {
                name: {"": [{"type": "insecureAcceptAnything"}]}
                for name in ("oci", "oci-archive", "containers-storage")
            },
        }
    ),
    "/etc/containers/registries.conf": "unqualified-search-registries = []\n",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one build may use."""

    wall_seconds: float
    memory_bytes: int  # of all its processes where there is a control group, else of each
    processes: int
    cpus: int
    disk_bytes: int  # of the job's directory
    file_bytes: int  # of each file


@dataclass(frozen=True, slots=True)
class Holding:
    """How builds are held on this machine."""

    is_user_namespace: bool
    has_map_helpers: bool
    uid_map: tuple[tuple[int, int, int], ...]
    gid_map: tuple[tuple[int, int, int], ...]

    @property
    def owner(self) -> tuple[int, int]:
        """Who root of the build is outside: user and group id."""
        return (self.uid_map[0][1], self.gid_map[0][1]) if self.is_user_namespace else (0, 0)

    @property
    def words(self) -> str:
        """For the build's page."""
        own = "process, mount, network, IPC, host name and cgroup namespaces"
        if self.is_user_namespace:
            return f"user namespace (root inside is user {self.owner[0]} outside), {own}; chroot isolation"
        return f"no user namespace: root with few capabilities, {own}; chroot isolation"


@dataclass(frozen=True, slots=True)
class Step:
    """One program to run, as it is seen inside."""

    arguments: tuple[str, ...]
    directory: str = "/build"
    name: str = ""  # in words, for whoever is told that it failed
    says: str = ""  # put into the output before it begins


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: the exit code of each step that was begun, and what stopped it from outside, if anything did."""

    codes: tuple[int, ...]
    stopped_by: str  # "", or a failure code: "time_limit", "disk_limit", …
    stopped_because: str


Watch = Callable[[], tuple[str, str] | None]  # a failure code and a sentence, when it is time to stop


@dataclass(frozen=True, slots=True)
class Job:
    """What is run, and where."""

    directory: Path
    steps: Sequence[Step]
    environment: Mapping[str, str]
    limits: Limits
    mounts: Sequence[tuple[str, str]] = ()
    watches: Sequence[Watch] = ()
    # Gets the descriptor of a socket that listens inside, on the proxy's port; None: there is no network at all.
    take_listener: Callable[[int], None] | None = None
    # Is told the process id before anything is run, to put it into a control group.
    enter: Callable[[int], None] = lambda pid: None


@functools.cache
def holding(user: str = "") -> Holding:
    """How builds are held here, tried once a process. Raises BuilderUnavailable."""
    wanted = _user_namespace(user)
    said = "no range of user ids" if wanted is None else _problem_with(wanted)
    if wanted is not None and not said:
        return wanted
    bare = Holding(is_user_namespace=False, has_map_helpers=False, uid_map=(), gid_map=())
    if os.geteuid() == 0 and not _problem_with(bare):
        return bare
    raise BuilderUnavailable(f"Builds cannot be confined here: {said}", cure=_CURE)


def _user_namespace(user: str) -> Holding | None:
    if os.geteuid() == 0 and not user:
        first, count = OWN_RANGE
        both = ((0, first, count),)
        return Holding(is_user_namespace=True, has_map_helpers=False, uid_map=both, gid_map=both)
    entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    uids, gids = _subordinate("/etc/subuid", entry.pw_name), _subordinate("/etc/subgid", entry.pw_name)
    if uids is None or gids is None:
        return None
    return Holding(
        is_user_namespace=True,
        has_map_helpers=os.geteuid() != 0,
        uid_map=((0, entry.pw_uid, 1), (1, *uids)),
        gid_map=((0, entry.pw_gid, 1), (1, *gids)),
    )


def _subordinate(path: str, name: str) -> tuple[int, int] | None:
    """The range of ``name`` in a file of subid(5)."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            owner, first, count = line.split(":")
            if owner == name:
                return int(first), min(int(count), 65_535)
    return None


def _problem_with(held: Holding) -> str:
    """What went wrong when nothing but /bin/true was held so; "" when nothing did."""
    said: list[bytes] = []
    with tempfile.TemporaryDirectory(prefix="goldgate-builder-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        (directory / "root").mkdir()
        (directory / "work").mkdir()
        limits = Limits(wall_seconds=20, memory_bytes=1 << 30, processes=64, cpus=1, disk_bytes=0, file_bytes=1 << 20)
        job = Job(directory, [Step(("/bin/true",), "/")], {"PATH": "/usr/bin:/bin"}, limits)
        ended = run_confined(job, held, output=said.append, check=lambda: None)
    return "" if ended.codes == (0,) else b"".join(said).decode("utf-8", "replace").strip() or f"it ended with {ended}"


def empty_as_owner(directory: Path, user: str) -> None:
    """Empty a job's work directory as the users who wrote there: without root, nobody else outside may."""
    (directory / "root").mkdir(exist_ok=True)
    limits = Limits(wall_seconds=600, memory_bytes=1 << 30, processes=64, cpus=1, disk_bytes=0, file_bytes=1 << 20)
    step = Step(("/usr/bin/find", "/build", "-xdev", "-mindepth", "1", "-delete"), "/")
    job = Job(directory, [step], {"PATH": "/usr/bin:/bin"}, limits)
    run_confined(job, holding(user), output=lambda _: None, check=lambda: None)


def run_confined(
    job: Job,
    held: Holding,
    *,
    output: Callable[[bytes], None],
    check: Callable[[], None],
) -> Ended:
    """Run the steps to their end, to a limit, or to what ``check`` raises; then nothing of it runs any more.

    ``output`` gets what they write.
    """
    reports, tell = os.pipe()
    ours, theirs = socket.socketpair() if job.take_listener else (None, None)
    inherited = [tell] if theirs is None else [tell, theirs.fileno()]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(CONFINED)],
        cwd="/",
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=inherited,
    )
    plan = _plan(job, held, status_fd=tell, listener_fd=None if theirs is None else theirs.fileno())
    os.close(tell)
    running = _Running(process, reports)
    try:
        job.enter(process.pid)
        running.give(plan)
        if theirs is not None and ours is not None and job.take_listener is not None:
            theirs.close()
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
            ours.close()
            if descriptors:  # none: it died before it came so far, and ``follow`` says how
                job.take_listener(descriptors[0])
        running.follow(job, output, check)
    finally:
        running.stop()
    return Ended(tuple(running.codes), *running.stopped)


def _plan(job: Job, held: Holding, *, status_fd: int, listener_fd: int | None) -> dict[str, Any]:
    limits = job.limits
    return {
        "parent_pid": os.getpid(),
        "is_user_namespace": held.is_user_namespace,
        "has_map_helpers": held.has_map_helpers,
        "uid_map": held.uid_map,
        "gid_map": held.gid_map,
        "directory": str(job.directory),
        "files": FILES,
        "mounts": list(job.mounts),
        "limits": {
            "RLIMIT_CORE": 0,
            "RLIMIT_NPROC": limits.processes,
            "RLIMIT_DATA": limits.memory_bytes,
            "RLIMIT_FSIZE": limits.file_bytes,
            "RLIMIT_CPU": int(limits.wall_seconds * 2) + 1,
            "RLIMIT_NOFILE": 65_536,
        },
        "environment": dict(job.environment),
        "steps": [
            {"arguments": list(step.arguments), "directory": step.directory, "says": step.says} for step in job.steps
        ],
        "status_fd": status_fd,
        "listener_fd": listener_fd,
    }


class _Running:
    """A build that runs: what it says, how its steps end, and its end."""

    def __init__(self, process: subprocess.Popen[bytes], reports: int) -> None:
        self.codes: list[int] = []
        self.stopped = ("", "")
        self._process = process
        self._input = cast(IO[bytes], process.stdin)
        self._output = cast(IO[bytes], process.stdout)
        self._reports = os.fdopen(reports, "rb", buffering=0)
        self._init: int | None = None
        self._partial = b""

    def give(self, plan: dict[str, Any]) -> None:
        """Hand over the plan: only now does it begin."""
        with contextlib.suppress(BrokenPipeError):  # it died: ``follow`` sees it
            self._input.write(json.dumps(plan).encode())
            self._input.close()

    def follow(self, job: Job, output: Callable[[bytes], None], check: Callable[[], None]) -> None:
        """Until it ends, or something says that it must."""
        until = time.monotonic() + job.limits.wall_seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._reports, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(POLL_SECONDS):
                    chunk = os.read(key.fd, CHUNK_BYTES)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._reports:
                        self._note(chunk)
                    else:
                        output(chunk)
                check()
                if time.monotonic() > until:
                    self.stopped = ("time_limit", f"The build took longer than {job.limits.wall_seconds:g} seconds.")
                for watch in job.watches:
                    self.stopped = watch() or self.stopped
                if self.stopped[0]:
                    return

    def stop(self) -> None:
        """End it: killing its process 1 ends every process inside, and the launcher ends when they all are gone."""
        if self._process.poll() is None and self._init is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._init, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        while chunk := self._reports.read(CHUNK_BYTES):
            self._note(chunk)
        self._reports.close()
        self._output.close()

    def _note(self, chunk: bytes) -> None:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            report = json.loads(line)
            if "init" in report:
                self._init = report["init"]
            else:
                self.codes.append(report["code"])
