"""What a build may use, beyond what each of its processes is held to: a control group, and a watch over its disk.

The group is made where this process may make one (cgroups v1, or v2 at the root or in a directory that was handed over
to it); elsewhere memory and processes are held by rlimits alone, and the build says so. The disk is watched, since a
quota needs a file system made for it: what every file system says of itself is asked often, and only when it grew
by as much as is left is the job's directory measured.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from builds.adapters.builders.confinement import Limits

PARENT = "goldgate-builds"
PERIOD_MICROSECONDS = 100_000
LEAST_FREE_BYTES = 512 * 1024**2
LEAST_FREE_SHARE = 0.02  # of a file system's files
MEASURE_SECONDS = 300
CGROUPS = Path("/sys/fs/cgroup")
REMOVE_TRIES = 50


@dataclass(slots=True)
class ControlGroup:
    """One build's group; one directory a controller in v1, one in v2."""

    directories: dict[str, Path] = field(default_factory=dict)

    def enter(self, pid: int) -> None:
        """Put a process, and so everything it starts, into it."""
        for directory in set(self.directories.values()):
            (directory / "cgroup.procs").write_text(str(pid))

    def passed(self) -> tuple[str, str] | None:
        """Which limit the build ran into, as a failure code and a sentence; None when it did not."""
        if self._count("memory", "memory.events", "oom_kill") or self._count(
            "memory", "memory.oom_control", "oom_kill"
        ):
            return "memory_limit", "The build needed more memory than it may use, and was ended."
        if self._count("pids", "pids.events", "max"):
            return "process_limit", "The build started more processes than it may have at once."
        return None

    def _count(self, controller: str, name: str, key: str) -> int:
        directory = self.directories.get(controller)
        with contextlib.suppress(OSError, ValueError):
            for line in (directory / name).read_text().splitlines() if directory else []:
                word, _, number = line.partition(" ")
                if word == key:
                    return int(number)
        return 0

    def remove(self) -> None:
        """Nothing is in it any more; the kernel takes a moment to see that."""
        for directory in set(self.directories.values()):
            for _ in range(REMOVE_TRIES):
                try:
                    directory.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.1)


@contextmanager
def control_group(
    name: str, limits: Limits, *, root: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")
) -> Iterator[ControlGroup]:
    """A group called ``name`` with the limits; one without directories where none can be made."""
    group = ControlGroup()
    with contextlib.suppress(OSError):
        group.directories = (
            _unified(name, limits, root) if (root / "cgroup.controllers").exists() else _legacy(name, limits, root, own)
        )
    try:
        yield group
    finally:
        group.remove()


def sweep_groups(*, root: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> None:
    """Remove the groups of builds whose builder was killed: only empty ones can be."""
    parents = [root / PARENT, *(place / PARENT for place in _own_places(root, own).values())]
    for parent in parents:
        with contextlib.suppress(OSError):
            for left in parent.iterdir():
                with contextlib.suppress(OSError):
                    left.rmdir()


def _unified(name: str, limits: Limits, root: Path) -> dict[str, Path]:
    parent = root / PARENT
    parent.mkdir(exist_ok=True)
    for directory in (root, parent):
        (directory / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    place = parent / name
    place.mkdir()
    (place / "memory.max").write_text(str(limits.memory_bytes))
    with contextlib.suppress(OSError):
        (place / "memory.swap.max").write_text("0")
    (place / "pids.max").write_text(str(limits.processes))
    (place / "cpu.max").write_text(f"{limits.cpus * PERIOD_MICROSECONDS} {PERIOD_MICROSECONDS}")
    return {"memory": place, "pids": place, "cpu": place}


def _legacy(name: str, limits: Limits, root: Path, own: Path) -> dict[str, Path]:
    """Below the groups that this process is in: whoever limited the builder limited its builds."""
    wanted = {
        "memory": ("memory.limit_in_bytes", limits.memory_bytes),
        "pids": ("pids.max", limits.processes),
        "cpu": ("cpu.cfs_quota_us", limits.cpus * PERIOD_MICROSECONDS),
    }
    made = {}
    for controller, parent in _own_places(root, own).items():
        if controller not in wanted:
            continue
        place = parent / PARENT / name
        place.mkdir(parents=True)
        made[controller] = place
        (place / wanted[controller][0]).write_text(str(wanted[controller][1]))
    with contextlib.suppress(OSError, KeyError):
        (made["memory"] / "memory.memsw.limit_in_bytes").write_text(str(limits.memory_bytes))
    return made


def _own_places(root: Path, own: Path) -> dict[str, Path]:
    """Of v1: controller to the directory of the group that this process is in (cgroups(7), /proc/pid/cgroup)."""
    places = {}
    with contextlib.suppress(OSError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                directory = root / controller / path.lstrip("/")
                if controller and (directory / "cgroup.procs").exists():
                    places[controller] = directory
    return places


@dataclass(slots=True)
class DiskWatch:
    """Says when a build's directory is larger than it may be, or its file system nearly full."""

    directory: Path
    limit_bytes: int
    _measured: int = 0
    _used_then: int | None = None
    _not_before: float = 0.0

    def __call__(self) -> tuple[str, str] | None:
        """A failure code and a sentence, when it is time to stop."""
        status = os.statvfs(self.directory)
        free, used = status.f_bavail * status.f_frsize, (status.f_blocks - status.f_bfree) * status.f_frsize
        if free < LEAST_FREE_BYTES or (status.f_files and status.f_favail < status.f_files * LEAST_FREE_SHARE):
            return "disk_full", "The builder's disk is nearly full."
        if self._used_then is None:
            self._used_then = used
        grown = self._measured + max(0, used - self._used_then)
        if grown <= self.limit_bytes or time.monotonic() < self._not_before:
            return None
        began = time.monotonic()
        self._measured, self._used_then = directory_bytes(self.directory), used
        # Others may fill the same file system: measuring must not become what the builder does.
        self._not_before = time.monotonic() + 5 * (time.monotonic() - began)
        if self._measured > self.limit_bytes:
            return "disk_limit", f"The build wrote more than {self.limit_bytes} bytes."
        return None


def directory_bytes(directory: Path) -> int:
    """What it takes on the disk. du(1) goes as deep as a build can; our own walk would not."""
    du = shutil.which("du", path="/usr/bin:/bin") or "/usr/bin/du"
    said = subprocess.run(  # noqa: S603
        [du, "-s", "-x", "--block-size=1", "--", str(directory)],
        capture_output=True,
        text=True,
        check=False,
        timeout=MEASURE_SECONDS,
        env={"PATH": "/usr/bin:/bin"},
    )
    return int((said.stdout.split() or ["0"])[0])
