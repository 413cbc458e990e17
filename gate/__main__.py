"""``python -m gate``: serve a cluster, print what it must trust."""

import argparse
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from core.errors import GoldgateError
from gate.certificate import ca_bundle, ensure_certificate
from gate.home import Home
from gate.process import serve
from gate.server import LOG_FORMAT
from gate.webhook_manifest import EXEMPT_NAMESPACES, render


def main(arguments: list[str]) -> int:
    """Run one command. 0: done; 1: it could not be; 2: wrong usage."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    try:
        home = Home.read(options.home)
        match options.command:
            case "serve":
                serve(home)
            case "ca-bundle":
                _print(_ca_bundle(home))
            case "webhook-manifest":
                exempt = options.exempt or EXEMPT_NAMESPACES
                _print(
                    render(url=options.url, ca_bundle=_ca_bundle(home), cluster=home.cluster, exempt_namespaces=exempt)
                )
    except (GoldgateError, OSError) as error:
        sys.stderr.write(f"goldgate gate: {error}\n")
        return 1
    return 0


def _ca_bundle(home: Home) -> str:
    home.make_directories()
    ensure_certificate(home, now=datetime.now(UTC))
    return ca_bundle(home)


def _print(text: str) -> None:
    sys.stdout.write(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("serve", "fetch snapshots, answer, ship decisions; until stopped"),
        ("ca-bundle", "print the PEM that a webhook's caBundle pins"),
        ("webhook-manifest", "print the ValidatingWebhookConfiguration for kubectl apply"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--home", type=Path, required=True, help="the directory made by: goldgate gate enrol")
        if name == "webhook-manifest":
            command.add_argument("--url", required=True, help="where the API server reaches this gate, https://…")
            command.add_argument("--exempt", action="append", metavar="NAMESPACE", help="instead of the default two")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
