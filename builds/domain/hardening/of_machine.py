"""Steps that are about the machine that builds, or that never end."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from builds.domain.hardening.modes import mode_results
from builds.domain.hardening.results import CheckResult, result, shown
from builds.domain.hardening.scripts import Step
from builds.domain.rules import Severity

_REACHING = frozenset(
    {
        "nsenter", "unshare", "mount", "umount", "pivot_root", "kexec", "insmod", "modprobe", "rmmod", "mknod",
        "swapon", "losetup", "strace", "ltrace", "gdb", "reboot", "shutdown", "halt", "poweroff",
        "docker", "podman",
        "buildah", "nerdctl", "ctr", "crictl", "kubectl", "iptables", "ip6tables", "nft", "tcpdump", "sysctl",
        "bpftool", "capsh", "setns", "debugfs", "dmesg", "runc", "crun",
    }
)  # fmt: skip
_ABOUT_ITSELF = frozenset({"version", "--version", "-v", "-V", "--help", "help", "completion"})
_OTHERS = re.compile(
    r"/proc/(?:[0-9*?\[$]|self/(?:environ|mem|maps|root|ns|mountinfo|mounts|cgroup|fd/)|thread-self/|sys/|sysrq-trigger|"
    r"kcore|kallsyms|keys|mounts|net/)|/sys/(?:fs/cgroup|kernel|firmware|class|devices)|/dev/(?:sd|nvme|vd[a-z]|xvd|hd[a-z]|"
    r"mem\b|kmem|kmsg|disk|mapper|port\b|loop|fuse|kvm|vhost)|(?:docker|containerd|crio|podman|buildkitd)\.sock|"
    r"/var/run/secrets/kubernetes\.io"
)
_OWN_DEVICES = re.compile(
    r"\A/dev/(null|zero|full|random|urandom|tty|stdin|stdout|stderr|fd/[0-9]+|shm(/.*)?|ptmx|pts/.*)\Z"
)
_METADATA = re.compile(
    r"169\.254\.[0-9]{1,3}\.[0-9]{1,3}|metadata\.google\.internal|100\.100\.100\.200|fd00:ec2::254|metadata\.azure\.|"
    r"instance-data\b|/dev/(?:tcp|udp)/|host\.(?:docker|containers)\.internal|2852039166|0xA9FEA9FE",
    re.IGNORECASE,
)
_LOOPBACK = re.compile(
    r"(?:^|[/@=\s])(?:localhost|127\.[0-9.]+|\[::1\]|0\.0\.0\.0|10\.0\.2\.2|172\.17\.0\.1)(?=[:/\s]|$)"
)
_CALLERS = frozenset(
    {"curl", "wget", "nc", "ncat", "netcat", "socat", "telnet", "psql", "mysql", "redis-cli", "ssh", "ftp", "openssl"}
)  # fmt: skip
_SECRET_VARIABLE = re.compile(
    r"\$\{?(GOLDGATE_\w*|DATABASE_URL|REDIS_URL|\w*(?:PASSWORD|SECRET|TOKEN|CREDENTIAL|CANARY|PRIVATE_KEY|API_KEY)\w*)"
)
_ENDLESS_LOOP = re.compile(r"\b(?:while|until)\s+(?:true|false|:|1|\[\s*1\s*\])\s*(?:;|\n|\x1e)\s*do\b")
_ESCAPES = re.compile(r"(?:\\0?33|\\e|\\x1[bB]|\\u001[bB]|\\E)(?:\]|P|\^|_|X|c|\[[0-9;?]*[A-LN-Za-ln-z])")


def check_machine(steps: Sequence[Step], text: str, *, line: int) -> Iterator[CheckResult]:
    """``text`` is the whole script of the instruction at ``line``. Each rule speaks once a line."""
    told: set[tuple[str, int]] = set()
    for found in _found(steps, text, line):
        key = (found.rule, found.line or 0)
        if key not in told:
            told.add(key)
            yield found


def _found(steps: Sequence[Step], text: str, line: int) -> Iterator[CheckResult]:
    for step in steps:
        yield from _reaching(step)
        yield from _network(step)
        yield from _telling(step)
        yield from _endless(step)
        yield from _modes(step)
    if _ENDLESS_LOOP.search(text):
        yield result("GG1062", "A loop has no end.", line=line)
    if match := _ESCAPES.search(text):
        yield result("GG1063", f"It prints {shown(match[0])}, which a terminal obeys.", line=line)


def _all_words(step: Step) -> tuple[str, ...]:
    return (*step.command.words, *step.command.writes, *step.command.assignments)


def _reaching(step: Step) -> Iterator[CheckResult]:
    if step.name in _REACHING and not _ABOUT_ITSELF & set(step.arguments):
        yield result("GG1059", f"{shown(step.name)} is about the machine, not the image.", line=step.line)
        return
    word = next((word for word in _all_words(step) if _OTHERS.search(word)), "")
    if word:
        yield result("GG1059", f"{shown(word)} belongs to the machine that builds.", line=step.line)
    outside = next(
        (word for word in step.command.writes if word.startswith("/dev/") and not _OWN_DEVICES.match(word)), ""
    )
    if outside and not outside.startswith(("/dev/tcp/", "/dev/udp/")):
        yield result("GG1059", f"It writes to {shown(outside)}.", line=step.line)
    if step.name in ("kill", "killall", "pkill", "killall5"):
        last = step.arguments[-1] if step.arguments else ""
        is_everybody = (last == "-1" and len(step.arguments) > 1) or last in ("1", "0") or "proc" in last
        if is_everybody or step.name == "killall5":
            yield result("GG1059", "It ends processes that are not its own.", line=step.line)


def _network(step: Step) -> Iterator[CheckResult]:
    for word in _all_words(step):
        if _METADATA.search(word):
            yield result("GG1060", f"{shown(word)} is a service of the machine that builds.", line=step.line)
            return
    if step.name in _CALLERS:
        word = next((word for word in step.arguments if _LOOPBACK.search(word)), "")
        if word:
            # A service that the step itself started answers there as well.
            found = result("GG1060", f"{shown(word)} may be a service of the machine that builds.", line=step.line)
            yield replace(found, severity=Severity.WARNING)


def _telling(step: Step) -> Iterator[CheckResult]:
    words = tuple(word for word in step.command.words if not word.startswith("<"))
    is_everything = words in (("env",), ("set",), ("export", "-p"), ("declare", "-x"), ("declare", "-p"), ("export",))
    if is_everything or (words[:1] == ("printenv",) and not [word for word in words[1:] if not word.startswith("-")]):
        yield result("GG1061", f"{' '.join(words)} tells every variable.", line=step.line)
    elif step.name in ("echo", "printf", "printenv"):
        match = next((found for word in words if (found := _SECRET_VARIABLE.search(word))), None)
        if match:
            yield result("GG1061", f"It tells {shown(match[1])}.", line=step.line)


def _endless(step: Step) -> Iterator[CheckResult]:
    words = step.arguments
    is_last = step.index == len(step.pipeline) - 1
    if step.name == "yes" and is_last:
        yield result("GG1062", "yes writes until it is stopped.", line=step.line)
    elif step.name in ("cat", "dd", "cp", "tee") and is_last and _is_bottomless(step):
        yield result("GG1062", f"{step.name} reads something that has no end.", line=step.line)
    elif step.name == "sleep" and words and _seconds(words[0]) > 300:
        yield result("GG1062", f"It sleeps for {shown(words[0])}.", line=step.line)
    elif step.name == "tail" and any(word in ("-f", "-F", "--follow") for word in words):
        yield result("GG1062", "tail -f waits for ever.", line=step.line)
    names = [one.words for one in step.pipeline if one.words] if step.index == 0 else []
    if len(names) > 1 and len(set(names)) == 1 and len(names[0]) == 1:
        yield result("GG1062", "It starts itself without end.", line=step.line)


def _is_bottomless(step: Step) -> bool:
    reads = any(word.lstrip("<").removeprefix("if=") in ("/dev/zero", "/dev/urandom") for word in step.arguments)
    return reads and not any(word.startswith(("count=", "--bytes")) for word in step.arguments)


def _seconds(word: str) -> float:
    if word in ("inf", "infinity"):
        return float("inf")
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(word[-1:], 1)
    number = word.rstrip("smhd")
    return float(number[:12]) * unit if number.replace(".", "", 1).isdecimal() else 0


def _modes(step: Step) -> Iterator[CheckResult]:
    words = step.arguments
    if step.name == "chmod":
        mode = next((word for word in words if not word.startswith("-") or re.match(r"-[rwxst]+\Z", word)), "")
        yield from mode_results(mode, line=step.line)
    elif step.name in ("install", "mkdir"):
        for index, word in enumerate(words):
            given = word.removeprefix("--mode=") if word.startswith("--mode=") else ""
            if word in ("-m", "--mode") or re.fullmatch(r"-[a-zA-Z]*m", word):
                given = words[index + 1] if index + 1 < len(words) else ""
            elif re.fullmatch(r"-m[0-7]+", word):
                given = word[2:]
            yield from mode_results(given, line=step.line)
    elif step.name == "setcap":
        yield result("GG1032", "setcap gives a program rights of root.", line=step.line)
