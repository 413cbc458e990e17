"""What comes from the network and is run: piped, substituted, or saved and started."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from builds.domain.hardening.results import CheckResult, result, shown
from builds.domain.hardening.scripts import SHELLS, Step
from builds.domain.shell import Command, Pipeline, Script, plain, walk

DOWNLOADERS = frozenset(
    {
        "curl", "wget", "wget2", "fetch", "aria2c", "axel", "http", "https", "xh", "lynx", "links", "w3m", "nc", "ncat",
        "netcat", "socat", "ftp", "tftp", "lftp", "scp", "ssh", "gsutil", "lwp-download", "lwp-request", "GET",
    }
)  # fmt: skip
_INTERPRETERS = re.compile(r"\A(python[0-9.]*|pypy3?|perl|ruby|node|nodejs|php|lua|Rscript|deno|bun|pwsh)\Z")
_INLINE_FLAGS = frozenset({"-c", "-e", "-m", "-n", "-p", "-r", "-E", "--eval", "-ne", "-pe", "-pi"})
_RUNS_TEXT = frozenset({"eval", "source", "."})
_FETCHING_CODE = re.compile(
    r"urllib|urlopen|requests\.(get|post)|http\.client|httpx|Net::HTTP|open-uri|LWP::|IO::Socket|\bfetch\(|https?\.get|"
    r"file_get_contents|XMLHttpRequest|socket\.(socket|create_connection)"
)
_RUNNING_CODE = re.compile(
    r"\bexec\b|\beval\b|\bcompile\(|subprocess|os\.system|popen|\bsystem\(|`|child_process|include\("
)
_CHECKSUMS = frozenset(
    {
        "sha256sum", "sha384sum", "sha512sum", "sha1sum", "shasum", "b2sum", "gpg", "gpg2", "gpgv", "cosign",
        "minisign", "signify", "rhash", "cksum", "md5sum", "apt-key", "rpmkeys", "sqv",
    }
)  # fmt: skip
_INSTALLERS = frozenset({"dpkg", "rpm", "installer", "alien"})


def check_downloads(steps: Sequence[Step], script: Script) -> Iterator[CheckResult]:
    """Network piped into a shell; downloaded and run without a checksum in between."""
    told: set[int] = set()
    sources = _Sources(script)
    for step in steps:
        why = _piped(step, sources) or _substituted(step) or _inline(step)
        if why and step.line not in told:
            told.add(step.line)
            yield result("GG1050", why, line=step.line)
    yield from _saved_and_run(steps, sources, told)


class _Sources:
    """Where in each pipeline something is fetched first; each pipeline is looked at once."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._first: dict[int, int] = {}
        self._kept: list[Pipeline] = []  # so that no other gets the same identity

    def first(self, pipeline: Pipeline) -> int:
        """The index of the first command that fetches, after the last one for none."""
        if id(pipeline) not in self._first:
            self._kept.append(pipeline)
            found = (index for index, one in enumerate(pipeline) if has_downloader(((one,),)))
            self._first[id(pipeline)] = next(found, len(pipeline))
        return self._first[id(pipeline)]

    @cached_property
    def is_anywhere(self) -> bool:
        """Whether anything in the script fetches: what a loop writes may come from there."""
        return has_downloader(self._script)


def has_downloader(script: Iterable[Pipeline]) -> bool:
    """Whether anything in ``script`` fetches from the network."""
    return any(_is_downloader(plain(command)) for _, _, command in walk(tuple(script)))


def _is_downloader(command: Command) -> bool:
    if not command.words:
        return False
    name = command.words[0]
    if name in DOWNLOADERS or name.startswith("$"):
        return True
    if name == "openssl":
        return "s_client" in command.words
    if _INTERPRETERS.match(name):
        return bool(_FETCHING_CODE.search(" ".join(command.words)))
    return "/dev/tcp/" in " ".join(command.words)


def _piped(step: Step, sources: _Sources) -> str:
    """``curl … | sh``, through any filters between them."""
    if not step.index:
        return ""
    first = sources.first(step.pipeline)
    is_fed = first < step.index or (step.pipeline[1].is_after_block and sources.is_anywhere)
    if not is_fed:
        return ""
    name = _origin(step.pipeline[first]) if first < step.index else "the network"
    if _reads_program(step) or (step.command.words[:1] == ("xargs",) and step.name in SHELLS):
        return f"What {name} fetches is run by {shown(step.name)}."
    for _, _, inner in walk(tuple(row for script in step.command.inner for row in script)):
        words = plain(inner).words
        if words and words[0] in SHELLS:  # tee >(sh)
            return f"What {name} fetches is run by a shell."
    return ""


def _origin(command: Command) -> str:
    words = plain(command).words
    return shown(words[0]) if words else "a group"


def _reads_program(step: Step) -> bool:
    """Whether the command runs what stands on its standard input."""
    words = step.arguments
    if step.name in SHELLS:
        if "-c" in words:
            return False
        operands = [
            word for word in words if not word.startswith(("-", "+", "<")) and word not in ("pipefail", "errexit")
        ]
        has_s = any(word.startswith("-") and not word.startswith("--") and "s" in word for word in words)
        return has_s or not operands or operands[0] in ("-", "/dev/stdin", "/proc/self/fd/0")
    if _INTERPRETERS.match(step.name):
        if any(word in _INLINE_FLAGS for word in words):
            return False
        operands = [word for word in words if not word.startswith("-") or word == "-"]
        return not operands or operands[0] in ("-", "/dev/stdin")
    return step.name in _RUNS_TEXT and "/dev/stdin" in words


def _substituted(step: Step) -> str:
    """``sh -c "$(curl …)"``, ``bash <(curl …)``, ``eval "$(curl …)"``, ``$(curl …)``."""
    if not step.command.inner or not step.name:
        return ""
    inner = tuple(row for script in step.command.inner for row in script)
    if not _takes_code(step) or not has_downloader(inner):
        return ""
    return f"What is fetched is run by {shown(step.name)}."


def _takes_code(step: Step) -> bool:
    """Whether what a substitution gives is code to the command, not one of its arguments."""
    if step.name.startswith("$()"):
        return True
    words = step.arguments
    if step.name in _RUNS_TEXT:
        return any("$()" in word for word in words)
    if step.name not in SHELLS and not _INTERPRETERS.match(step.name):
        return False
    given = [word for flag, word in pairwise(words) if flag.startswith("-") and flag[-1:] in ("c", "e", "r")]
    operands = [word for word in words if not word.startswith("-")][:1]
    return any("$()" in word for word in (*given, *operands, step.command.here))


def _inline(step: Step) -> str:
    """``python -c "exec(urlopen(…).read())"``, also from a here-document."""
    if not _INTERPRETERS.match(step.name):
        return ""
    text = " ".join(step.arguments) + step.command.here
    if _FETCHING_CODE.search(text) and _RUNNING_CODE.search(text):
        return f"{shown(step.name)} fetches a program and runs it."
    return ""


def _saved_and_run(steps: Sequence[Step], sources: _Sources, told: set[int]) -> Iterator[CheckResult]:
    if any(step.name in _CHECKSUMS or (step.name == "openssl" and "dgst" in step.arguments) for step in steps):
        return
    saved: dict[str, int] = {}
    for step in steps:
        for name in _saved_by(step, sources):
            saved[name] = step.line
        for name in _run_by(step):
            if name in saved and step.line not in told:
                told.add(step.line)
                yield result("GG1051", f"{shown(name)} is run as it came from the network.", line=step.line)


def _saved_by(step: Step, sources: _Sources) -> Iterator[str]:
    """The names of files that a command fetches."""
    fed = sources.first(step.pipeline) <= step.index
    if fed and step.name == "tee":
        yield from (_last(word) for word in step.arguments if not word.startswith("-"))
    if fed:
        yield from (_last(word) for word in step.command.writes if not word.startswith("/dev/"))
    if step.name not in ("curl", "wget", "wget2", "aria2c", "axel"):
        return
    named = [_last(target) for target in _targets(step)]
    yield from named or [_last(word.partition("?")[0]) for word in step.arguments if "://" in word]


def _targets(step: Step) -> Iterator[str]:
    """What ``-o FILE``, ``-O FILE`` and their long forms name."""
    words = step.arguments
    for word, following in pairwise((*words, "")):
        is_short = word.startswith("-") and not word.startswith("--") and len(word) > 1
        last = "oO" if step.name.startswith("wget") else "o"
        if word in ("--output", "--output-document", "--out") or (is_short and word[-1] in last):
            yield following
        elif word.startswith(("--output=", "--output-document=", "--out=")):
            yield word.partition("=")[2]


def _run_by(step: Step) -> Iterator[str]:
    """The names of files that a command runs, makes runnable, or installs."""
    operands = [word for word in step.arguments if not word.startswith("-")]
    if step.name in SHELLS | _RUNS_TEXT or _INTERPRETERS.match(step.name):
        yield from (_last(word.lstrip("<")) for word in operands[:1])
    elif step.name == "chmod" and operands and re.search(r"x|[1357]", operands[0]):
        yield from (_last(word) for word in operands[1:])
    elif step.name in _INSTALLERS:
        yield from (_last(word) for word in operands)
    elif step.name in ("apt", "apt-get", "dnf", "yum", "microdnf", "apk"):
        yield from (_last(word) for word in operands if word.startswith(("./", "/")))
    else:
        # The word itself: its name alone was kept in ``plain``.
        yield from (_last(word) for word in step.command.words if "/" in word and _last(word) == step.name)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
