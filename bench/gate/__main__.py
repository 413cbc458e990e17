"""``python -m bench.gate [engine] [requests] [snapshot]``: all of them by default."""

import argparse

from bench.gate import engine, requests, snapshot

PARTS = ("engine", "requests", "snapshot")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], metavar="|".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load, a server and round")
    options = parser.parse_args()
    parts = options.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {', '.join(unknown)}")
    if "engine" in parts:
        engine.run()
    if "snapshot" in parts:
        snapshot.run(seconds=10)
    if "requests" in parts:
        requests.run(rounds=options.rounds, seconds=options.seconds)


if __name__ == "__main__":
    main()
