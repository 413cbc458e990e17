"""Fetches one commit and reads its tree with git's plumbing: nothing is checked out, nothing in it is acted on."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from builds.adapters.git import Git, GitSettings, Where, is_new_enough, plain
from builds.domain.recipe import MAX_FILES, MAX_PATH_BYTES, Entry
from builds.domain.ref_rule import RefKind, chosen_ref, kind_of
from builds.errors import SourceRefused, SourceUnavailable
from scans.adapters.child import Limits

OURS = "refs/goldgate/source"
MIB = 1024 * 1024
MAX_REFS_BYTES = 32 * MIB
MAX_COMMIT_BYTES = MIB
LIST_LIMITS = Limits(
    wall_seconds=120, cpu_seconds=60, data_bytes=1536 * MIB, file_bytes=(MAX_FILES + 1) * (MAX_PATH_BYTES + 100)
)
CHUNK_BYTES = MIB
_HEADER = re.compile(rb"\A(?P<name>[^<>\x00\n]*)<(?P<email>[^<>\x00-\x20]*)> (?P<seconds>\d{1,12}) [+-]\d{4}\Z")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as it was fetched. Who wrote it and when is what it says of itself."""

    id: str
    ref: str
    body: bytes
    author_name: str
    author_email: str
    committed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Content:
    """One entry with its bytes read: hash and size are ours."""

    entry: Entry
    sha256: str
    size: int
    offset: int  # in the file that holds all of them


class Fetched:
    """A commit in a bare repository of ours; everything is read from that very commit."""

    def __init__(self, git: Git, commit: Commit) -> None:
        self.git = git
        self.commit = commit

    def entries(self, directory: str) -> list[Entry]:
        """Files, links and submodules below ``directory``, by path. Raises SourceRefused."""
        tree = f"{self.commit.id}:{directory}"
        said = self.git.reading("ls-tree", "-r", "-z", "-l", "--full-tree", tree, limits=LIST_LIMITS)
        rows = [row for row in said.split(b"\0") if row]
        return sorted((_entry(row) for row in rows), key=lambda entry: entry.path.encode())

    def contents(self, entries: Sequence[Entry], check: Callable[[], None]) -> tuple[Path, list[Content]]:
        """Read the bytes of ``entries`` into one file, hashed here; their sizes were judged before.

        Raises SourceRefused when git gives something else than it said.
        """
        asked, target = self.git.work / "asked", self.git.work / "blobs"
        asked.write_text("".join(f"{entry.object_id}\n" for entry in entries))
        room = sum(entry.size for entry in entries) + 200 * len(entries) + MIB
        self.git.reading_to(target, "cat-file", "--batch", "--buffer", stdin=asked, file_bytes=room)
        with target.open("rb") as file:
            return target, [_content(file, entry, check) for entry in entries]


def fetch(
    work: Path, where: Where, rule: str, *, allowed: GitSettings, check: Callable[[], None] = lambda: None
) -> Fetched:
    """Fetch the commit that ``rule`` means, alone and without its history.

    A ref that moves meanwhile moves nothing here: what came is pinned under a ref of ours, and read by its id.
    Raises: SourceRefused; SourceUnavailable.
    """
    git = Git(work, where, allowed=allowed, check=check)
    _require_version(git.reading("version").decode("ascii", "replace"))
    url = where.url.text
    refs = _refs(
        git.fetching("ls-remote", "--quiet", "--refs", "--heads", "--tags", "--", url, file_bytes=MAX_REFS_BYTES)
    )
    is_commit = kind_of(rule) is RefKind.COMMIT
    try:
        ref = rule if is_commit else chosen_ref(rule, refs)
    except LookupError as error:
        raise SourceRefused(str(error), cure="Change the source's ref rule, or push what it names.") from None
    length = len(rule) if is_commit else len(refs[ref])
    git.reading("init", "--quiet", "--bare", "--template=", f"--object-format={'sha256' if length == 64 else 'sha1'}")
    flags = ("--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance")
    git.fetching("fetch", "--quiet", *flags, "--", url, f"+{ref}:{OURS}")
    commit_id = git.reading("rev-parse", "--verify", "--end-of-options", f"{OURS}^{{commit}}").decode().strip()
    if is_commit and commit_id != rule:
        raise SourceRefused(f"{rule} is no commit of its own.", cure="Name the commit itself.")
    body = git.reading("cat-file", "commit", commit_id, limits=READ_COMMIT)
    return Fetched(git, parse_commit(commit_id, "" if is_commit else ref, body))


def _require_version(said: str) -> None:
    if not is_new_enough(said):
        raise SourceUnavailable(
            f"{plain(said)[:100]} does not hold what it reads as it must here.", cure="Install git 2.39.4 or newer."
        )


READ_COMMIT = Limits(wall_seconds=60, cpu_seconds=30, data_bytes=1536 * MIB, file_bytes=MAX_COMMIT_BYTES)


def parse_commit(commit_id: str, ref: str, body: bytes) -> Commit:
    """Raises SourceRefused for headers that are not what git writes."""
    headers = body.partition(b"\n\n")[0].split(b"\n")
    found = {}
    for wanted in (b"author ", b"committer "):
        rows = [row.removeprefix(wanted) for row in headers if row.startswith(wanted)]
        match = _HEADER.match(rows[0]) if len(rows) == 1 else None
        if match is None:
            raise SourceRefused(f"The commit {commit_id} does not say who wrote it.", cure="Make the commit anew.")
        found[wanted] = match
    author, committer = found[b"author "], found[b"committer "]
    return Commit(
        id=commit_id,
        ref=ref,
        body=body,
        author_name=_shown(author["name"])[:200],
        author_email=_shown(author["email"])[:320],
        committed_at=_moment(int(committer["seconds"])),
    )


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return "".join(sign for sign in text if sign.isprintable()).strip()


def _refs(said: bytes) -> dict[str, str]:
    found = {}
    for row in said.decode("utf-8", "replace").splitlines():
        object_id, _, name = row.partition("\t")
        if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", object_id):
            found[name] = object_id
    return found


def _entry(row: bytes) -> Entry:
    head, _, raw = row.partition(b"\t")
    fields = head.split()
    try:
        path = raw.decode()
        mode, _kind, object_id, size = (field.decode("ascii") for field in fields)
        return Entry(path=path, mode=mode, object_id=object_id, size=0 if size == "-" else int(size))
    except (UnicodeDecodeError, ValueError):
        raise SourceRefused(
            f"{plain(raw.decode('utf-8', 'replace'))[:200]!r} is no name in UTF-8.", cure="Rename it."
        ) from None


def _content(file: IO[bytes], entry: Entry, check: Callable[[], None]) -> Content:
    header = file.readline(200)
    if header != f"{entry.object_id} blob {entry.size}\n".encode():
        raise SourceRefused(f"git gives {plain(header.decode('ascii', 'replace'))!r} for {entry.path[:200]!r}.")
    offset, hasher = file.tell(), hashlib.sha256()
    for chunk in read_exactly(file, entry.size):
        hasher.update(chunk)
        check()
    if file.read(1) != b"\n":
        raise SourceRefused(f"git gives more than it said for {entry.path[:200]!r}.")
    return Content(entry, hasher.hexdigest(), entry.size, offset)


def read_exactly(file: IO[bytes], size: int) -> Iterator[bytes]:
    """``size`` bytes in pieces. Raises SourceRefused when the file ends before."""
    left = size
    while left:
        chunk = file.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise SourceRefused("git gave less than it said.")
        left -= len(chunk)
        yield chunk
