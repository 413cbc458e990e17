"""Unpacks ahead: one thread unpacks while another reads what was unpacked.

zlib and zstd let other threads run while they work, so that on two cores unpacking costs no time of its own, as with
``tar -z``, whose gzip is a process of its own. A few pieces wait at most: memory stays bounded.
"""

import queue
import threading

from builds.domain.layer_files.packing import UNPACKING_ERRORS, Readable

_PIECE_BYTES = 512 * 1024
_WAITING = 8  # pieces
_PAUSE_SECONDS = 0.1


class Ahead:
    """A stream read in a thread of its own. ``close`` ends the thread, also in the middle."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._pieces: queue.Queue[bytes | Exception] = queue.Queue(_WAITING)
        self._is_closed = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def read(self, size: int, /) -> bytes:
        """The next piece, whatever ``size`` is; nothing at the end. Raises what the stream raised.

        MemoryError also where the thread had not even the memory to say so.
        """
        if self._is_over:
            return b""
        piece = self._next()
        if isinstance(piece, Exception):
            self._is_over = True
            raise piece
        self._is_over = not piece
        return piece

    def _next(self) -> bytes | Exception:
        while True:
            # Asked first: what a thread has handed over before it ended is still there.
            is_alive = self._thread.is_alive()
            try:
                return self._pieces.get(timeout=_PAUSE_SECONDS)
            except queue.Empty:
                if not is_alive:
                    return MemoryError("the thread that unpacks ended without a word")

    def close(self) -> None:
        """End the thread."""
        self._is_closed.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while piece := self._stream.read(_PIECE_BYTES):
                if not self._hand_over(piece):
                    return
            self._hand_over(b"")
        except (*UNPACKING_ERRORS, MemoryError) as error:
            self._hand_over(error)

    def _hand_over(self, piece: bytes | Exception) -> bool:
        while not self._is_closed.is_set():
            try:
                self._pieces.put(piece, timeout=_PAUSE_SECONDS)
            except queue.Full:
                continue
            return True
        return False
