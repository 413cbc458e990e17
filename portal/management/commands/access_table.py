"""``manage.py access_table``: writes the table of access into docs/reference/access.md; ``--check`` only compares."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.roles import Role
from portal.access import ROUTES, Access
from portal.routes import Route, routes

FILE = settings.ROOT / "docs" / "reference" / "access.md"
BEGIN, END = "<!-- the table: script/manage access_table -->\n", "<!-- end of the table -->\n"


class Command(BaseCommand):
    help = "Write the table of access into docs/reference/access.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        text = FILE.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        if not after:
            raise CommandError(f"{FILE.name} has lost the marks between which the table stands.")
        wanted = before + BEGIN + table() + END + after
        if not options["check"]:
            FILE.write_text(wanted, encoding="utf-8")
        elif wanted != text:
            raise CommandError(f"{FILE.name} is out of date: run script/manage access_table, look at the difference.")


def table() -> str:
    """Two tables in Markdown: the API, and the pages."""
    api = [_row(route, is_api=True) for route in routes() if route.api_view]
    pages = [_row(route, is_api=False) for route in routes() if not route.api_view]
    return (
        "\n### The API\n\n| method | address | who | token's scope |\n|---|---|---|---|\n"
        + "".join(line for lines in api for line in lines)
        + "\n### Pages and files\n\n| method | address | who |\n|---|---|---|\n"
        + "".join(line for lines in pages for line in lines)
        + "\n"
    )


def _row(route: Route, *, is_api: bool) -> list[str]:
    lines = []
    for method, access in sorted(ROUTES.get(route.name, {}).items()):
        cells = [method, f"`{route.template}`", _who(access)]
        if is_api:
            cells.append(_scope(access))
        lines.append(f"| {' | '.join(cells)} |\n")
    return lines


def _who(access: Access) -> str:
    if access.is_public:
        return "everybody"
    if access.is_gate:
        return "gates"
    if access.is_any_person:
        return "any signed-in person"
    if access.roles == frozenset(Role):
        return "any role"
    return ", ".join(role.value for role in Role if role in access.roles)


def _scope(access: Access) -> str:
    if access.is_public or access.is_gate:
        return "–"
    return f"`{access.scope}`" if access.scope else "no token"
