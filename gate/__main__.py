"""``python -m gate``: serve a cluster, print what it must trust."""

import argparse
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from core.errors import GoldgateError
from gate.callers import MalformedTokens
from gate.certificate import ca_bundle, ensure_certificate
from gate.home import Home
from gate.process import serve
from gate.server import LOG_FORMAT
from gate.webhook_manifest import EXEMPT_NAMESPACES, admission_configuration, render, webhook_kubeconfig


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
                token = "" if options.by_header else home.callers().for_address
                bundle = _ca_bundle(home)
                _print(
                    render(
                        url=options.url,
                        ca_bundle=bundle,
                        cluster=home.cluster,
                        exempt_namespaces=exempt,
                        token=token,
                    )
                )
            case "api-server-files":
                _write_api_server_files(home, url=options.url, into=options.into, there=options.there)
    except (GoldgateError, OSError) as error:
        sys.stderr.write(f"goldgate gate: {error}\n")
        return 1
    return 0


def _ca_bundle(home: Home) -> str:
    home.make_directories()
    ensure_certificate(home, now=datetime.now(UTC))
    return ca_bundle(home)


def _write_api_server_files(home: Home, *, url: str, into: Path, there: str) -> None:
    """What an API server needs to show the token in a header: two files, and the flag that names them.

    Raises MalformedTokens where the gate asks nobody for a token; WebhookNotPossible; OSError.
    """
    tokens = home.callers().tokens
    if not tokens:
        cure = "Set bearer_token_file in gate.toml first."
        raise MalformedTokens("This gate asks nobody for a token, so there is nothing to show.", cure=cure)
    into.mkdir(parents=True, exist_ok=True)
    kubeconfig = into / "goldgate-webhook.kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.chmod(0o600)
    kubeconfig.write_text(webhook_kubeconfig(url=url, token=tokens[0]))
    configuration = admission_configuration(kubeconfig_path=f"{there}/{kubeconfig.name}")
    (into / "goldgate-admission.yaml").write_text(configuration)
    _print(f"kube-apiserver --admission-control-config-file={there}/goldgate-admission.yaml\n")


def _print(text: str) -> None:
    sys.stdout.write(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("serve", "fetch snapshots, answer, ship decisions; until stopped"),
        ("ca-bundle", "print the PEM that a webhook's caBundle pins"),
        ("webhook-manifest", "print the ValidatingWebhookConfiguration for kubectl apply"),
        ("api-server-files", "write what lets the API server show this gate's token in a header"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--home", type=Path, required=True, help="the directory made by: goldgate gate enrol")
        if name == "webhook-manifest":
            command.add_argument("--url", required=True, help="where the API server reaches this gate, https://…")
            command.add_argument("--exempt", action="append", metavar="NAMESPACE", help="instead of the default two")
            by_header = "leave the token out of the address: the API server has api-server-files"
            command.add_argument("--by-header", action="store_true", help=by_header)
        if name == "api-server-files":
            command.add_argument("--url", required=True, help="where the API server reaches this gate, https://…")
            command.add_argument("--into", type=Path, required=True, help="directory to write into")
            command.add_argument("--there", default="/etc/kubernetes/goldgate", help="where they lie on its host")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
