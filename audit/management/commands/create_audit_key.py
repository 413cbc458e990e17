"""``manage.py create_audit_key FILE``: makes the key that signs checkpoints."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.adapters.key_file import create_key


class Command(BaseCommand):
    help = "Makes the Ed25519 key that signs checkpoints of the record, with mode 0600. Never replaces one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            signer = create_key(path)
        except FileExistsError as error:
            raise CommandError(f"{path} is there already; it stays as it is.") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"{path}\n{signer.key_id}\nIt is unprotected: whoever reads the file can sign checkpoints.")
