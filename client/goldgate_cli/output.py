"""Results on stdout as a table or as JSON; words and progress on stderr."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table


def is_json() -> bool:
    """Whether ``-o json`` was given before or behind the command's name."""
    context = click.get_current_context().find_root()
    return bool((context.obj or {}).get("output") == "json")


def emit(value: Any) -> None:
    """JSON on stdout, one value, stable key order."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def visible(text: str) -> str:
    """What strangers wrote, with every sign that a terminal would act on or hide written out: ⟨U+202E⟩."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else f"⟨U+{ord(sign):04X}⟩" for sign in text)


def line(text: str) -> None:
    """One line of a result for people, on stdout: what strangers wrote begins no other."""
    click.echo(visible(text.replace("\n", " ")))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> None:
    """A table for people. Digests are never wrapped: a half digest cannot be copied. None to show is said on stderr."""
    console = Console(file=sys.stdout, highlight=False, markup=False, width=None if sys.stdout.isatty() else 240)
    shown = Table(title=title, box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column in ("digest", "FROM"))
    for row in rows:
        shown.add_row(*("–" if cell in (None, "") else visible(str(cell)) for cell in row))
    console.print(shown)
    if not rows:
        say("There is none.")


def say(text: str) -> None:
    """Prose for the person, on stderr, so that stdout stays a result."""
    click.echo(visible(text), err=True)


class JobProgress:
    """A bar on a terminal; a line whenever the text changes elsewhere (CI logs)."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn(),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._last_text = ""

    def __enter__(self) -> "JobProgress":
        self._bar.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._bar.stop()

    def told(self, job: dict[str, Any]) -> None:
        """Show one state of a job: done of total, and its line of text."""
        progress = job.get("progress") or {}
        text = progress.get("text") or job["state"]
        if self._task is None:
            self._task = self._bar.add_task(text, total=None)
        self._bar.update(self._task, description=text, completed=progress.get("done") or 0, total=progress.get("total"))
        if not self._console.is_terminal and text != self._last_text:
            say(text)
        self._last_text = text
