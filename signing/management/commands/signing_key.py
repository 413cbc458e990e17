"""Makes, registers and retires the key that certified images are signed with."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.actor import Actor
from core.errors import GoldgateError
from signing import services
from signing.adapters import key_file
from signing.domain import ecdsa


class Command(BaseCommand):
    """``signing_key make --file F``, ``register --file F``, ``retire KEY_ID``."""

    help = "Make, register or retire the key that certified images are signed with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=["make", "register", "retire"])
        parser.add_argument("key_id", nargs="?", default="")
        parser.add_argument("--file", default="", help="the private key file (made with mode 0600)")
        parser.add_argument("--passphrase-file", default="", help="a 0600 file that protects the key")

    def handle(self, *args: Any, **options: Any) -> None:
        actor, now = Actor.system("command line"), timezone.now()
        try:
            if options["deed"] == "retire":
                key = services.retire_key(key_id=options["key_id"], actor=actor, now=now)
            else:
                key = services.register_key(public_pem=self._public_pem(options), actor=actor, now=now)
        except GoldgateError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"key {key.key_id}\n{key.public_pem}", ending="")

    def _public_pem(self, options: dict[str, Any]) -> str:
        if not options["file"]:
            raise CommandError("--file is needed: where the private key is, or shall be.")
        path, passphrase_path = Path(options["file"]), options["passphrase_file"]
        if options["deed"] == "make" and not path.exists():
            passphrase = Path(passphrase_path).read_bytes().strip() if passphrase_path else None
            key_file.make_key_file(path, passphrase=passphrase)
            if not passphrase:
                self.stderr.write(f"{path} is unprotected: it has no passphrase.")
        elif options["deed"] == "make":
            raise CommandError(f"{path} exists already; a key is never written over. Use register.")
        return ecdsa.pem_of(key_file.read_public_key(path, passphrase_path=passphrase_path))
