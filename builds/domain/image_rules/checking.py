"""Holds an image's files, as they pass, and its configuration against the rules."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from builds.domain.configuration import RunConfiguration, is_secret_name
from builds.domain.image_rules import known
from builds.domain.image_rules.rules import RULES, Severity
from builds.domain.layer_files.entries import STICKY, FileEntry, Kind, Magic, shown

MAX_RESULTS_A_RULE = 50
LARGE_IMAGE_BYTES = 500 * 1024**2
_OTHERS_WRITE = 0o002
_GUARDED = (*known.PROGRAM_DIRECTORIES, "etc/", "lib/", "lib64/", "usr/lib/", "usr/libexec/")
_TEMPORARY = ("tmp/", "var/tmp/")


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """One result: the rule's id, how much it weighs, a sentence, the cure, and the path that it is about."""

    rule: str
    severity: Severity
    message: str
    remedy: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret was seen. ``layer`` counts from 0; ``is_deleted`` when the image as it runs has no such file."""

    path: str
    kind: str
    line: int | None
    layer: int
    is_certain: bool
    is_deleted: bool = False
    variable: str = ""  # of the environment; then there is no path


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the files. None stands for unknown, which is not empty."""

    configuration: RunConfiguration
    base_setuid: frozenset[str] | None = None  # of the image that it stands on
    owned: frozenset[str] | None = None  # paths that packages own, without leading slash
    is_runtime: bool = True  # what runs, not what builds
    large_bytes: int = LARGE_IMAGE_BYTES


@dataclass(slots=True)
class Examination:
    """Sees every file once, then says what was found. ``profile`` is what the image is made of, in short."""

    surroundings: Surroundings
    _found: dict[str, list[ImageCheck]] = field(default_factory=lambda: defaultdict(list))
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _programs: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _setuid: list[str] = field(default_factory=list)
    _world_writable: list[str] = field(default_factory=list)
    _caches: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _variables: set[str] = field(default_factory=set)
    _files: int = 0
    _bytes: int = 0

    def see(self, entry: FileEntry) -> None:
        """Take one file of the merged image."""
        self._files += 1
        self._bytes += entry.size
        if entry.kind is Kind.FILE:
            self._see_file(entry)
        elif entry.kind in (Kind.BLOCK, Kind.CHARACTER):
            self._add("GG2021", Severity.WARNING, f"/{shown(entry.path)} is a device node.", entry.path)
        if entry.kind in (Kind.FILE, Kind.LINK):
            self._see_program(entry)
        if entry.path in known.ENGINE_SOCKETS:
            self._add("GG2020", Severity.ERROR, f"/{entry.path} is the address of a container engine.", entry.path)
        if entry.mode & _OTHERS_WRITE and entry.kind is not Kind.LINK:
            self._see_writable(entry)
        if shown(entry.path, limit=4096) != entry.path:
            self._add("GG2022", Severity.WARNING, f"/{shown(entry.path)} does not show as it is.", entry.path)

    def checks(self, secrets: Iterable[Secret]) -> list[ImageCheck]:
        """Everything that was found, by rule; at most ``MAX_RESULTS_A_RULE`` of each, and then how many there are."""
        for secret in secrets:
            self._see_secret(secret)
        self._judge_totals()
        self._judge_configuration()
        found: list[ImageCheck] = []
        for rule in sorted(self._found):
            found += self._found[rule]
            if more := self._counts[rule] - len(self._found[rule]):
                worst = min((one.severity for one in self._found[rule]), key=list(Severity).index)
                found.append(ImageCheck(rule, worst, f"And {more} more like these.", RULES[rule].cure))
        return found

    def profile(self, packages: int | None) -> dict[str, Any]:
        """What the image is made of, in short. ``packages``: None where nobody has counted them."""
        run = self.surroundings.configuration
        return {
            "packages": packages,
            "bytes": self._bytes,
            "files": self._files,
            "shells": sorted(self._programs["shells"]),
            "interpreters": sorted(self._programs["interpreters"]),
            "package_managers": sorted(self._programs["package_managers"]),
            "build_tools": sorted(self._programs["build_tools"]),
            "setuid": self._setuid[:1000],
            "world_writable": self._world_writable[:1000],
            "user": run.user,
            "ports": list(run.ports),
            "entrypoint": list(run.entrypoint),
        }

    def _add(self, rule: str, severity: Severity, message: str, path: str = "") -> None:
        self._counts[rule] += 1
        if len(self._found[rule]) < MAX_RESULTS_A_RULE:
            self._found[rule].append(ImageCheck(rule, severity, message, RULES[rule].cure, shown(path)))

    def _see_file(self, entry: FileEntry) -> None:
        path = entry.path
        if entry.is_setuid:
            self._see_setuid(entry)
        if entry.capabilities:
            self._add("GG2007", Severity.WARNING, f"/{shown(path)} has capabilities.", path)
        if path.startswith("etc/ssh/ssh_host_") and path.endswith("_key") and entry.size:
            self._add("GG2008", Severity.ERROR, f"/{shown(path)} is an SSH host key.", path)
        for directory, spared in known.PACKAGE_CACHES:
            if path.startswith(directory) and path[len(directory) :].partition("/")[0] not in spared:
                self._caches[directory] += entry.size
        if path.startswith(_TEMPORARY):
            self._add("GG2019", Severity.NOTE, f"/{shown(path)} was left behind.", path)

    def _see_setuid(self, entry: FileEntry) -> None:
        path, mode = entry.path, entry.mode_text
        self._setuid.append(shown(path))
        base = self.surroundings.base_setuid
        if base is not None and shown(path) not in base:
            self._add("GG2001", Severity.WARNING, f"/{shown(path)} ({mode}) is new: its base has it not.", path)
        elif known.with_merged_usr(path) in known.KNOWN_SETUID:
            self._add("GG2001", Severity.NOTE, f"/{shown(path)} ({mode}) belongs to the system.", path)
        else:
            self._add("GG2001", Severity.WARNING, f"/{shown(path)} ({mode}) is none that the system brings.", path)

    def _see_program(self, entry: FileEntry) -> None:
        name = known.program_name(entry.path)
        if not name or not (entry.kind is Kind.LINK or entry.is_executable):
            return
        for group, names in (
            ("shells", known.SHELLS),
            ("package_managers", known.PACKAGE_MANAGERS | known.LANGUAGE_MANAGERS),
            ("interpreters", known.INTERPRETERS),
            ("build_tools", known.BUILD_TOOLS),
        ):
            if name in names:
                self._programs[group].add(name)
        owned = self.surroundings.owned
        if owned is not None and entry.magic is Magic.ELF and entry.path not in owned:
            self._add("GG2013", Severity.WARNING, f"No package explains /{shown(entry.path)}.", entry.path)

    def _see_writable(self, entry: FileEntry) -> None:
        path, is_directory = entry.path, entry.kind is Kind.DIRECTORY
        if entry.kind not in (Kind.FILE, Kind.DIRECTORY) or (is_directory and entry.mode & STICKY):
            return
        self._world_writable.append(shown(path))
        severity = Severity.ERROR if f"{path}/".startswith(_GUARDED) else Severity.WARNING
        rule = "GG2003" if is_directory else "GG2002"
        self._add(rule, severity, f"Everybody may write /{shown(path)} ({entry.mode_text}).", path)

    def _see_secret(self, secret: Secret) -> None:
        if secret.variable:
            severity = Severity.ERROR if secret.is_certain else Severity.WARNING
            self._variables.add(secret.variable)
            self._add("GG2023", severity, f"{secret.kind} in the variable {shown(secret.variable)}.")
            return
        where = f"/{shown(secret.path)}" + (f" line {secret.line}" if secret.line else "")
        layer = f"layer {secret.layer + 1}" + (", deleted later and still in the image" if secret.is_deleted else "")
        message = f"{secret.kind} in {where} ({layer})."
        if not secret.is_certain:
            self._add("GG2006", Severity.WARNING, message, secret.path)
        else:
            self._add("GG2005" if secret.line is None else "GG2004", Severity.ERROR, message, secret.path)

    def _judge_totals(self) -> None:
        groups = (("package_managers", "GG2009"), ("shells", "GG2010"), ("interpreters", "GG2011"))
        for group, rule in groups:
            if names := sorted(self._programs[group]):
                self._add(rule, Severity.NOTE, f"In the image: {', '.join(names)}.")
        if names := sorted(self._programs["build_tools"]):
            severity = Severity.WARNING if self.surroundings.is_runtime else Severity.NOTE
            self._add("GG2012", severity, f"In the image: {', '.join(names)}.")
        for directory, size in sorted(self._caches.items()):
            self._add("GG2018", Severity.WARNING, f"/{directory} holds {size} bytes.", directory)
        if self._bytes > self.surroundings.large_bytes:
            self._add("GG2014", Severity.WARNING, f"Its files take {self._bytes} bytes.")

    def _judge_configuration(self) -> None:
        run = self.surroundings.configuration
        if run.is_root:
            self._add("GG2015", Severity.WARNING, f"Its user is {shown(run.user) or 'not named'}: root.")
        for port in run.ports:
            number = port.partition("/")[0]
            if number.isdigit() and int(number) < 1024:
                self._add("GG2016", Severity.WARNING, f"It exposes port {shown(port)}.")
        for name, value in run.env.items():
            if value and is_secret_name(name) and name not in self._variables:
                self._add("GG2023", Severity.WARNING, f"The variable {shown(name)} is called a secret and has a value.")
        command = run.entrypoint or run.cmd
        if len(command) > 1 and command[0].rpartition("/")[2] in known.SHELLS and command[1] == "-c":
            self._add("GG2017", Severity.WARNING, f"It starts {shown(' '.join(command), 120)}.")
        for volume in run.volumes:
            if volume.strip("/") in known.ENGINE_SOCKETS:
                self._add("GG2020", Severity.ERROR, f"It declares {shown(volume)} as a volume.")
