"""Counting bytes while they pass."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

# ``jobs.handlers.Run.progress``, or anything with its keywords: done, total, unit, text.
Report = Callable[..., None]


def silent(**_: object) -> None:
    """Reports nothing."""


@dataclass(slots=True)
class Meter:
    """Bytes done of a total. Raises what its report raises: that is how a cancelled job stops."""

    report: Report = silent
    done: int = 0
    total: int = 0
    text: str = ""

    def say(self, text: str) -> None:
        """Name the step."""
        self.text = text
        self.report(done=self.done, total=self.total, unit="bytes", text=text)

    def add(self, size: int) -> None:
        """Count ``size`` bytes as done."""
        self.done += size
        self.report(done=self.done, total=max(self.total, self.done), unit="bytes", text=self.text)

    def count(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass ``chunks`` on, counting them."""
        for chunk in chunks:
            yield chunk
            self.add(len(chunk))
