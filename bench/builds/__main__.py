"""Figures of the room ``builds``, each beside a peer or a bound in the same run.

.venv/bin/python -m bench.builds inspection [rounds]   # the files of the real Debian image, beside tar -tz
.venv/bin/python -m bench.builds scheduling            # due checks of 1,000 versions
"""

import importlib
import sys

PARTS = ("inspection", "scheduling")


def main() -> None:
    chosen = [one for one in sys.argv[1:2] if one in PARTS] or list(PARTS)
    for part in chosen:
        importlib.import_module(f"bench.builds.{part}").main()


if __name__ == "__main__":
    main()
