"""Unpacking in a thread of its own: in order, to the end, and never waited for in vain."""

import threading
from contextlib import closing

import pytest

from builds.adapters.layer_reader.ahead import Ahead


class Stream:
    """Gives ``pieces``, then raises ``end`` or ends."""

    def __init__(self, *pieces: bytes, end: BaseException | None = None) -> None:
        self.pieces = list(pieces)
        self.end = end

    def read(self, size: int, /) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.end:
            raise self.end
        return b""


def everything(stream: Stream) -> bytes:
    with closing(Ahead(stream)) as ahead:
        return b"".join(iter(lambda: ahead.read(1), b""))


class TestAhead:
    def test_gives_the_pieces_in_order(self):
        pieces = [str(number).encode() for number in range(100)]
        assert everything(Stream(*pieces)) == b"".join(pieces)

    def test_is_over_once_it_is_over(self):
        with closing(Ahead(Stream(b"x"))) as ahead:
            assert [ahead.read(1) for _ in range(4)] == [b"x", b"", b"", b""]

    def test_says_what_the_stream_says(self):
        with pytest.raises(EOFError, match="cut short"):
            everything(Stream(b"x", end=EOFError("cut short")))

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_does_not_wait_for_a_thread_that_ended_without_a_word(self):
        with pytest.raises(MemoryError):
            everything(Stream(b"x", end=SystemExit()))

    def test_its_thread_ends_when_nobody_reads_any_more(self):
        before = threading.active_count()
        with closing(Ahead(Stream(*[b"x"] * 1000))) as ahead:
            ahead.read(1)
        assert threading.active_count() == before
