"""Every address that the portal answers, walked from the URL resolver: for the OpenAPI document and for tests."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its name in the table of access, its template (``/api/v1/people/{person_id}``) and its view."""

    name: str
    template: str
    view: Callable[..., Any]

    @property
    def api_view(self) -> type[APIView] | None:
        """The API view's class; None for a page."""
        found = getattr(self.view, "cls", None)
        return found if isinstance(found, type) and issubclass(found, APIView) else None


def routes() -> Iterator[Route]:
    """Every route, in the resolver's order."""
    yield from _below(get_resolver(), prefix="/", namespaces=())


def _below(resolver: URLResolver, prefix: str, namespaces: tuple[str, ...]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern).lstrip("^")
        if isinstance(entry, URLResolver):
            inner = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from _below(entry, path, inner)
        elif isinstance(entry, URLPattern):
            name = ":".join([*namespaces, entry.name or ""])
            yield Route(name=name, template=_template(path), view=entry.callback)


def _template(path: str) -> str:
    # simplify_regex leaves path()'s own notation alone but for the converters, and makes one of re_path()'s.
    return PARAMETER.sub(r"{\1}", simplify_regex(PARAMETER.sub(r"<\1>", path))).replace("\\", "")
