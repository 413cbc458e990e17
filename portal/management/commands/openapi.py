"""``manage.py openapi``: writes docs/reference/openapi.json; with ``--check`` only says whether it is up to date."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.openapi import make_document

FILE = settings.ROOT / "docs" / "reference" / "openapi.json"


class Command(BaseCommand):
    help = "Write docs/reference/openapi.json from the views."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        document, warnings = make_document()
        if warnings:
            raise CommandError("\n".join(warnings))
        text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        if not options["check"]:
            FILE.write_text(text, encoding="utf-8")
        elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            raise CommandError(f"{FILE.name} is out of date: run script/manage openapi and look at the difference.")
