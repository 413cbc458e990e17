"""Job kinds for the tests of workers: each effect is one line appended to a file, counted afterwards."""

import os
import time
from pathlib import Path

from jobs.handlers import Run, handler


@handler("test.note", limit_seconds=60)
def note(run: Run) -> None:
    """Append a line when done. ``pause`` seconds of work before it, only in the first attempt."""
    begun = Path(run.args["file"] + ".begun")
    with begun.open("a") as file:
        file.write(f"{run.subject_id} {os.getpid()}\n")
    until = time.monotonic() + (run.args.get("pause", 0) if run.attempt == 1 else run.args.get("later", 0))
    while time.monotonic() < until:
        run.check()
        time.sleep(0.05)
    with run.finishing(), Path(run.args["file"]).open("a") as file:
        file.write(f"{run.subject_id}\n")


@handler("test.hang", limit_seconds=1)
def hang(run: Run) -> None:
    """Blocks without ever asking whether it should."""
    time.sleep(60)
