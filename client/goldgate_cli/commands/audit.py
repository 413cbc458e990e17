"""``goldgate audit export | verify``: the record, and whether it is whole. Verifying needs no portal."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from goldgate_cli import output
from goldgate_cli.api import chunks_of
from goldgate_cli.errors import Exit, WrongInput
from goldgate_cli.record import Outcome, Verifier, read_checkpoint


@click.group()
def audit() -> None:
    """The append-only record."""


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--after", type=int, default=None, help="Leave out the seals up to this number.")
@click.pass_context
def export(context: click.Context, file: Path, after: int | None) -> None:
    """Write the record to FILE as JSON lines (docs/reference/record.md)."""
    response = context.obj["api"]().call("GET", "record/export", params={"after": after} if after else {})
    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as target:
            size = sum(target.write(chunk) for chunk in chunks_of(response))
        part.replace(file)
    except OSError as error:
        raise WrongInput(f"{part} cannot be written: {error.strerror}.") from error
    finally:
        response.close()
        part.unlink(missing_ok=True)
    if output.is_json():
        output.emit({"file": str(file), "bytes": size})
    output.say(f"{file}: {size} bytes. Next: goldgate audit verify {file} --checkpoint …")


@audit.command()
@click.argument("file")
@click.option("--key", "keys", multiple=True, help="A public key you vouch for: 64 hex digits, or a PEM file.")
@click.option("--checkpoint", "checkpoint_file", type=click.Path(exists=True, path_type=Path),
              help="From the sink: its last checkpoint, or the whole directory.")  # fmt: skip
@click.pass_context
def verify(context: click.Context, file: str, keys: tuple[str, ...], checkpoint_file: Path | None) -> None:
    """Check an exported record (FILE; - is standard input). Exit status 0: whole. 1: not, and where."""
    vouched = [_key(text) for text in keys]
    found = [_checkpoint(path, vouched) for path in _checkpoint_files(checkpoint_file)]
    if found and not vouched:
        vouched = sorted({named for _, named in found})
        for named in vouched:
            output.say(
                f"The checkpoint names the key {named.hex()}; name it with --key once you know that it is Goldgate's."
            )
    outside = [checkpoint for checkpoint, _ in found]
    newest = outside.pop() if outside else None
    outcome = _verify(file, Verifier(keys=vouched, outside=newest, earlier=outside))
    if output.is_json():
        output.emit(asdict(outcome) | {"is_whole": outcome.is_whole})
    else:
        _show(outcome)
    context.exit(Exit.ALLOWED if outcome.is_whole else Exit.DENIED)


def _verify(file: str, verifier: Verifier) -> Outcome:
    if file == "-":
        return verifier.verify(sys.stdin.buffer)
    try:
        with Path(file).open("rb") as source:
            return verifier.verify(source)
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror}.") from error


def _show(outcome: Outcome) -> None:
    for finding in outcome.findings:
        output.line(f"✗ {finding.where}: {finding.what}")
    for caution in outcome.cautions:
        output.say(f"! {caution}")
    counted = (
        f"{outcome.records} sealed records in {outcome.seals} seals, {outcome.checkpoints} checkpoints,"
        f" {outcome.unsealed} not sealed yet"
    )
    output.line(f"{'The record is whole' if outcome.is_whole else 'The record does NOT verify'}: {counted}.")
    output.line(f"head {outcome.head}")


def _key(text: str) -> bytes:
    if len(text) == 64 and set(text.lower()) <= set("0123456789abcdef"):
        return bytes.fromhex(text)
    try:
        key = load_pem_public_key(Path(text).read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise WrongInput(
            f"--key {text!r} is neither 64 hex digits nor a PEM file with a public key ({error})."
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise WrongInput(f"--key {text!r} is not an Ed25519 key.")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _checkpoint_files(path: Path | None) -> list[Path]:
    """The files of a sink, oldest first; or the one that was named."""
    if path is None or not path.is_dir():
        return [path] if path else []
    found = sorted(path.glob("[0-9]" * 12 + ".json"))
    if not found:
        raise WrongInput(f"{path} holds no checkpoint.")
    return found


def _checkpoint(path: Path, keys: list[bytes]) -> tuple[dict[str, Any], bytes]:
    try:
        return read_checkpoint(path.read_bytes(), keys=keys)
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise WrongInput(f"{path}: {error}.") from error
