"""A build's log: neutralised, masked, then written in pieces, up to a limit of which the end is always kept.

What a Dockerfile prints is hostile text. Escape sequences and control characters are taken out before anything else:
a sequence in the middle of a secret must not hide it. Secrets are masked before the first byte is written.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from builds.domain.log_text import Masker, neutral
from builds.models import Build, LogChunk

CHUNK_BYTES = 16 * 1024  # UTF-8, of one piece
MAX_BYTES = 2 * 1024 * 1024  # of one log
TAIL_BYTES = 64 * 1024  # of these kept for its end: that is where it says what went wrong
MAX_LINE_CHARACTERS = 64 * 1024  # held back until its end comes, so that no secret is cut in two
CUT = "… {count} bytes are left out here: a log is kept up to {limit} bytes. Its end follows.\n"


@transaction.atomic
def append_log(build: Build, text: str, *, now: datetime, masker: Masker | None = None) -> int:
    """Write ``text`` at the end of the log of ``build``; the number of bytes written, 0 when it is full."""
    clean = (masker or Masker(())).mask(neutral(text))
    # Locked: two writers must not take the same number.
    written = Build.objects.select_for_update().values_list("log_bytes", flat=True).get(pk=build.pk)
    room = MAX_BYTES - written
    last = LogChunk.objects.filter(build=build).order_by("-number").values_list("number", flat=True).first()
    number = 0 if last is None else last + 1
    rows: list[LogChunk] = []
    size = 0
    for piece in _pieces(clean):
        length = len(piece.encode())
        if size + length > room:
            break
        rows.append(LogChunk(build=build, number=number + len(rows), text=piece, at=now))
        size += length
    LogChunk.objects.bulk_create(rows)
    Build.objects.filter(pk=build.pk).update(log_bytes=F("log_bytes") + size)
    return size


def _pieces(text: str) -> list[str]:
    """``text`` in pieces of at most CHUNK_BYTES, at line ends where there are some."""
    pieces, rest = [], text
    while rest:
        piece = rest[:CHUNK_BYTES]
        while len(piece.encode()) > CHUNK_BYTES:
            piece = piece[: max(1, len(piece) * CHUNK_BYTES // len(piece.encode()))]
        if len(piece) < len(rest) and "\n" in piece:
            piece = piece[: piece.rindex("\n") + 1]
        pieces.append(piece)
        rest = rest[len(piece) :]
    return pieces


class LogWriter:
    """Gathers what a build says and writes it now and then. A LogSink; ``close`` writes the rest.

    ``write`` puts a cleaned text into the log and says how many bytes it took: it is where the lease is asked.
    """

    def __init__(self, write: Callable[[str], int], masker: Masker, *, clock: Callable[[], float]) -> None:
        self._write = write
        self._masker = masker
        self._clock = clock
        self._line = ""  # not ended yet
        self._waiting: list[str] = []
        self._size = 0  # of what waits, in characters
        self._last = clock()
        self._written = 0
        self._tail = ""  # of what did not fit any more
        self._left_out = 0

    def __call__(self, text: str) -> None:
        """See LogSink."""
        whole, found, self._line = (self._line + text).rpartition("\n")
        if found:
            self._take(whole + found)
        if len(self._line) > MAX_LINE_CHARACTERS:
            line = neutral(self._line)
            end = self._masker.safe_end(line)
            self._line = line[end:]
            self._take(line[:end] + "\n")
        if self._size >= CHUNK_BYTES:
            self.flush()
        self.tick()

    def tick(self) -> None:
        """Write what has waited for a second: whoever reads along sees where a silent build stands."""
        if self._waiting and self._clock() - self._last >= 1:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self._last = self._clock()
        text, self._waiting, self._size = "".join(self._waiting), [], 0
        for piece in _pieces(text):
            length = len(piece.encode())
            if not self._left_out and self._written + length <= MAX_BYTES - 2 * TAIL_BYTES:
                self._written += self._write(piece)
            else:
                self._left_out += length
                self._tail = (self._tail + piece)[-TAIL_BYTES // 4 :]

    def close(self) -> None:
        """Write the rest, and the end of a log that was cut."""
        if self._line:
            self._take(self._line + "\n")
            self._line = ""
        self.flush()
        if self._left_out:
            left_out = self._left_out - len(self._tail.encode())
            if left_out > 0:
                self._write(CUT.format(count=left_out, limit=MAX_BYTES))
            self._write(self._tail)
            self._tail, self._left_out = "", 0

    def clean(self, text: str) -> str:
        """``text`` as it may be shown."""
        return self._masker.mask(neutral(text))

    def _take(self, text: str) -> None:
        clean = self.clean(text)
        self._waiting.append(clean)
        self._size += len(clean)
