"""Rows as CSV (RFC 4180), line by line, that a spreadsheet shows and does not run (OWASP: CSV injection)."""

import csv
from collections.abc import Iterable, Iterator, Sequence

# What begins with one of these is a formula to some spreadsheet; the names come from strangers.
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file for the csv module that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def neutral(cell: object) -> str:
    """``cell`` as text, with a quote before what a spreadsheet would take for a formula, and without NUL."""
    clean = "" if cell is None else str(cell).replace("\0", "")
    return f"'{clean}" if clean.startswith(_RUN) else clean


def csv_lines(header: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """``header``, then ``rows``: each a line, each cell neutral."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield writer.writerow(header)  # type: ignore[misc]
    for row in rows:
        yield writer.writerow([neutral(cell) for cell in row])  # type: ignore[misc]
