"""Files that a person names, and files that the command keeps."""

import os
import sys
from pathlib import Path

from goldgate_cli.errors import WrongInput


def read_text(path: str, *, max_bytes: int) -> str:
    """The text of a file, or of standard input for "-"; no more than ``max_bytes`` is ever read. Raises WrongInput."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(max_bytes + 1)
    except OSError as error:
        raise WrongInput(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > max_bytes:
        raise WrongInput(f"{path} is larger than {max_bytes} bytes.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise WrongInput(f"{path} is not UTF-8 text.") from None


def write_file(target: Path, data: bytes, *, mode: int) -> None:
    """Write a file whole, or not at all; with ``mode`` from its first byte on, whatever stood there before."""
    temporary = target.with_name(target.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
