"""Runs the steps of one build where nothing of ours can be seen or reached. A script of its own: never imported.

``python -I -S confined.py`` with the plan that ``confinement.py`` makes, as JSON, on standard input. In this order:

1. a user namespace in which root is nobody in particular outside (unless the plan says that there is none), with
   namespaces for processes, mounts, network, IPC, host name and cgroups around the whole build;
2. a root directory made from nothing: the system's programs read-only, the job's directory, an own ``/proc`` and
   ``/dev``. No home, no ``/run``, no other job, no socket of a database is in it;
3. limits, a short list of capabilities, no new privileges;
4. the steps, one after the other, below an init that is process 1: when it ends, whatever a step left running ends.

Whoever started this and dies takes all of it along (PR_SET_PDEATHSIG, down a chain of three processes). How each step
ended is written as a JSON line to the descriptor that the plan names.
"""

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import Any

Plan = dict[str, Any]
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE = 1, 24, 38, 4
SYS_PIVOT_ROOT, SYS_CAPSET, SYS_KEYCTL, SYS_MOUNT_SETATTR = {
    "x86_64": (155, 126, 250, 442),
    "aarch64": (41, 91, 219, 442),
}[os.uname().machine]
# CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SYS_ADMIN MKNOD SETFCAP:
# what unpacking layers, mounting inside our own mount namespace and chroot(2) need. RUN gets fewer, by buildah.
CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 21, 27, 31)
LAST_CAPABILITY = 40
HIGHEST = 0x7FFFFFFF
PROXY_PORT = 3128
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
STEP_FAILED_TO_START = 127

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Read the plan, make the namespaces, wait."""
    plan = json.load(sys.stdin)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    die_with_parent(plan["parent_pid"])
    os.nice(5)  # what answers people and clusters comes first
    told, tell = os.pipe()
    mapped, map_done = os.pipe()
    launcher = os.getpid()
    middle = os.fork()
    if middle == 0:
        os.close(told)
        os.close(map_done)
        run_middle(plan, launcher, tell, mapped)
    os.close(tell)
    os.close(mapped)
    os.close(plan["status_fd"])
    if os.read(told, 1) == b"u" and plan["is_user_namespace"]:
        write_maps(plan, middle)
    os.write(map_done, b"m")
    _, status = os.waitpid(middle, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def run_middle(plan: Plan, launcher: int, tell: int, mapped: int) -> None:
    """Enter the namespaces, then fork the process that is 1 in them."""
    die_with_parent(launcher)
    wanted = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    if plan["is_user_namespace"]:
        wanted |= CLONE_NEWUSER
    # Before: afterwards nobody in here may look through the directories above it.
    os.chdir(plan["directory"])
    call("unshare", libc.unshare(wanted))
    os.write(tell, b"u")
    if os.read(mapped, 1) != b"m":
        os._exit(STEP_FAILED_TO_START)
    if plan["is_user_namespace"]:
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    die_with_parent(launcher)  # again: a change of user clears it
    alive, keeps_alive = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(keeps_alive)
        run_init(plan, alive)
    os.close(alive)
    tell_status(plan, {"init": init})
    os.close(plan["status_fd"])
    _, status = os.waitpid(init, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def write_maps(plan: Plan, pid: int) -> None:
    """Who is who inside: by ourselves as root, by the set-uid helpers as anybody else."""
    for kind in ("uid", "gid"):
        numbers = [[str(number) for number in row] for row in plan[f"{kind}_map"]]
        if plan["has_map_helpers"]:
            arguments = [f"/usr/bin/new{kind}map", str(pid), *(text for row in numbers for text in row)]
            if os.spawnv(os.P_WAIT, arguments[0], arguments) != 0:  # noqa: S606
                raise OSError(0, f"{arguments[0]} refused the mapping")
        else:
            with open(f"/proc/{pid}/{kind}_map", "w", encoding="ascii") as file:
                file.write("\n".join(" ".join(row) for row in numbers))


def run_init(plan: Plan, alive: int) -> None:
    """Process 1: the root directory, the limits, then every step; ends with the first one that fails."""
    die_with_parent(0)
    # Its parent is outside its own numbering, so 0 dead or alive: the pipe tells.
    if select.select([alive], [], [], 0)[0]:
        os._exit(STEP_FAILED_TO_START)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    libc.sethostname(b"build", 5)
    hand_over_listener(plan)
    make_root(plan)
    call("keyctl", libc.syscall(SYS_KEYCTL, 1, 0))  # KEYCTL_JOIN_SESSION_KEYRING: none of ours
    for name, number in plan["limits"].items():
        set_limit(getattr(resource, name), number)
    drop_capabilities()
    call("prctl", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    os.umask(0o022)
    code = 0
    for position, step in enumerate(plan["steps"]):
        code = run_step(plan, step)
        tell_status(plan, {"step": position, "code": code})
        if code != 0:
            break
    os._exit(0 if code == 0 else 1)


def set_limit(kind: int, number: int) -> None:
    """``number``, or what this process is held to already."""
    hard = resource.getrlimit(kind)[1]
    number = number if hard == resource.RLIM_INFINITY else min(number, hard)
    resource.setrlimit(kind, (number, number))


def tell_status(plan: Plan, report: Plan) -> None:
    os.write(plan["status_fd"], (json.dumps(report) + "\n").encode())


def run_step(plan: Plan, step: Plan) -> int:
    """Start one program and reap everything until it has ended; its exit code, negative for a signal."""
    if step["says"]:
        os.write(1, step["says"].encode())
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os.close(plan["status_fd"])
            os.chdir(step["directory"])
            os.execve(step["arguments"][0], step["arguments"], plan["environment"])  # noqa: S606
        finally:
            os._exit(STEP_FAILED_TO_START)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def hand_over_listener(plan: Plan) -> None:
    """The one way out of the network namespace: a listening socket, made in here and accepted from outside."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        # netdevice(7): SIOCSIFFLAGS, IFF_UP. Programs may talk to themselves, whatever the policy.
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))
    if plan["listener_fd"] is None:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", PROXY_PORT))
        listener.listen(64)
        with socket.socket(fileno=plan["listener_fd"]) as channel:
            socket.send_fds(channel, [b"l"], [listener.fileno()])


def make_root(plan: Plan) -> None:
    """Build the root directory on an empty file system and move into it."""
    root = "root"  # in the job's directory, where we are
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=755")
    for name in ("usr", "etc", "proc", "dev", "build", "run", "root", "var", "old"):
        os.mkdir(f"{root}/{name}")
    for name in ("tmp", "var/tmp"):
        os.symlink("/build/tmp", f"{root}/{name}")  # in the job's directory, where its limits count
    place_system(root)
    for name, text in plan["files"].items():
        os.makedirs(os.path.dirname(f"{root}{name}"), exist_ok=True)
        with open(f"{root}{name}", "w", encoding="utf-8") as file:
            file.write(text)
    for name in ("/etc/ld.so.cache", "/etc/ld.so.conf"):
        if os.path.exists(name):
            bind_file(name, f"{root}{name}")
    for source, target in plan["mounts"]:
        if os.path.isdir(source):
            os.makedirs(f"{root}{target}", exist_ok=True)
            bind(source, f"{root}{target}", is_read_only=True)
        else:
            bind_file(source, f"{root}{target}")
    bind("work", f"{root}/build", is_read_only=False)
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if not plan["is_user_namespace"]:
        protect_proc(f"{root}/proc")
    make_devices(f"{root}/dev")
    mount_sys(f"{root}/sys")
    call("pivot_root", libc.syscall(SYS_PIVOT_ROOT, root.encode(), f"{root}/old".encode()))
    os.chdir("/")
    call("umount2", libc.umount2(b"/old", MNT_DETACH))
    os.rmdir("/old")
    set_attributes("/", MS_RDONLY | MS_NOSUID | MS_NODEV, recursion=0)


def place_system(root: str) -> None:
    """The system's programs, read-only."""
    bind("/usr", f"{root}/usr", is_read_only=True)
    if os.path.isdir("/usr/local"):  # what the machine's own people put there is none of a build's business
        mount("tmpfs", f"{root}/usr/local", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k,mode=755")
    for name in SYSTEM:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            os.mkdir(f"{root}/{name}")
            bind(f"/{name}", f"{root}/{name}", is_read_only=True)


def make_devices(directory: str) -> None:
    mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NOEXEC, "size=4m,mode=755")
    for name in DEVICES:
        bind_file(f"/dev/{name}", f"{directory}/{name}", is_read_only=False)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, f"{directory}/{name}")
    os.mkdir(f"{directory}/pts")
    mount("devpts", f"{directory}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    os.symlink("pts/ptmx", f"{directory}/ptmx")
    os.mkdir(f"{directory}/shm")
    mount("tmpfs", f"{directory}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=1777")
    os.mkdir(f"{directory}/mqueue")
    mount("mqueue", f"{directory}/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def mount_sys(directory: str) -> None:
    os.mkdir(directory)
    mount("sysfs", directory, "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)


def protect_proc(directory: str) -> None:
    """Without a user namespace, root in here is root out there: what tunes or reads the kernel is covered."""
    for name in ("sys", "irq", "bus", "fs", "sysrq-trigger"):
        if os.path.exists(f"{directory}/{name}"):
            bind(f"{directory}/{name}", f"{directory}/{name}", is_read_only=True)
    for name in ("kcore", "keys", "timer_list", "sched_debug"):
        if os.path.exists(f"{directory}/{name}"):
            mount("/dev/null", f"{directory}/{name}", None, MS_BIND)


def bind(source: str, target: str, *, is_read_only: bool) -> None:
    mount(source, target, None, MS_BIND | MS_REC)
    set_attributes(target, (MS_RDONLY if is_read_only else 0) | MS_NOSUID | MS_NODEV)


def bind_file(source: str, target: str, *, is_read_only: bool = True) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, target, None, MS_BIND)
    if is_read_only:
        set_attributes(target, MS_RDONLY | MS_NOSUID | MS_NODEV)


def set_attributes(target: str, flags: int, recursion: int = AT_RECURSIVE) -> None:
    # mount_setattr(2): MOUNT_ATTR_RDONLY, _NOSUID and _NODEV have the numbers of their MS_ twins.
    attributes = struct.pack("QQQQ", flags, 0, 0, 0)
    result = libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, target.encode(), recursion, attributes, len(attributes))
    call(f"mount_setattr {target}", result)


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    call(f"mount {target}", libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]))


def drop_capabilities() -> None:
    mask = 0
    for number in CAPABILITIES:
        mask |= 1 << number
    for number in range(LAST_CAPABILITY + 1):
        if number not in CAPABILITIES:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    low, high = mask & 0xFFFFFFFF, mask >> 32
    sets = struct.pack("IIIIII", low, low, 0, high, high, 0)
    call("capset", libc.syscall(SYS_CAPSET, header, sets))


def die_with_parent(parent: int) -> None:
    call("prctl", libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        os._exit(STEP_FAILED_TO_START)  # it died before we asked


def call(name: str, result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


try:
    main()
except OSError as problem:
    # Into the build's log, which the builder quotes: in a sentence, without our own paths.
    os.write(2, f"The build could not be confined: {problem.strerror}.\n".encode())
    os._exit(STEP_FAILED_TO_START)
