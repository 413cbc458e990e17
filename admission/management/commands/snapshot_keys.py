"""Makes the keys that snapshots are signed with, and renews the root."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from admission import snapshot_keys
from core.errors import GoldgateError


class Command(BaseCommand):
    """``snapshot_keys make``, ``renew-root``, ``rotate`` (new online keys), ``fingerprint``."""

    help = "Make the snapshot keys, renew the root, change the online keys, or show the first root's SHA-256."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deed", choices=["make", "renew-root", "rotate", "fingerprint"])
        parser.add_argument("--dir", default="", help="default: GOLDGATE_SNAPSHOT_KEYS_DIR")
        parser.add_argument(
            "--root-dir",
            default="",
            help="where the root's private key is; take it off the machine (default: DIR/root)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        named = options["dir"] or settings.GOLDGATE_SNAPSHOT_KEYS_DIR
        if not named:
            raise CommandError("Say where: --dir, or GOLDGATE_SNAPSHOT_KEYS_DIR.")
        directory = Path(named)
        root_dir = Path(options["root_dir"] or directory / "root")
        try:
            if options["deed"] == "make":
                fingerprint = snapshot_keys.make(directory, root_dir, now=timezone.now())
            elif options["deed"] == "renew-root":
                fingerprint = snapshot_keys.renew_root(directory, root_dir, now=timezone.now())
            elif options["deed"] == "rotate":
                fingerprint = snapshot_keys.rotate(directory, root_dir, now=timezone.now())
            else:
                fingerprint = snapshot_keys.fingerprint_of(snapshot_keys.load(str(directory)).roots[0])
        except GoldgateError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(fingerprint)
