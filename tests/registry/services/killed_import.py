"""Runs one import in a process of its own and kills it, as ``kill -9`` would, at its n-th report of progress.

python -m tests.registry.services.killed_import IMPORT_ID STEP
"""

import os
import signal
import sys
from datetime import UTC, datetime

import django


def main(import_id: str, step: int) -> None:
    django.setup()
    from registry import services  # needs the set-up above

    left = iter(range(step))

    def report(**_words: object) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    services.run_import(import_id=import_id, now=datetime(2026, 11, 24, 8, tzinfo=UTC), progress=report)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
