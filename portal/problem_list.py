"""``/docs/problems``: what each ``code`` of a refusal means. The ``type`` of every problem leads here."""

from collections.abc import Iterator
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from rest_framework import exceptions

from core.errors import GoldgateError
from portal.problem import STATUS_OF_KIND

Error = TypeVar("Error", bound=Exception)

# What the portal itself says, beside the rooms' errors and those of Django REST framework.
OWN = {
    "invalid": (400, "Members of the request are not valid; errors names each."),
    "bad_request": (400, "The request cannot be read."),
    "password_change_needed": (403, "The one-time password must be changed first, on the page for it."),
    "invalid_token": (401, "The token is unknown, expired or ended, or its owner's account is closed."),
    "too_large": (413, "The body is larger than the API reads."),
    "not_found": (404, "There is nothing at this address, or nothing that you may see."),
    "internal_error": (500, "Something went wrong in Goldgate; its log has it under the id in instance."),
}


def problems() -> dict[str, tuple[int, str]]:
    """Every code with its status and what it means, by code."""
    found = dict(OWN)
    for error in _below(GoldgateError):
        if "code" in vars(error):
            meaning = (error.__doc__ or "").strip().partition("\n")[0]
            _, before = found.get(error.code, (0, ""))
            # Two rooms may say the same no of their own things.
            found[error.code] = (STATUS_OF_KIND[error.kind], f"{before} {meaning}".strip())
    for api_error in _below(exceptions.APIException):
        if api_error.__module__ == exceptions.__name__ and api_error is not exceptions.ValidationError:
            found.setdefault(str(api_error.default_code), (api_error.status_code, str(api_error.default_detail)))
    return dict(sorted(found.items()))


def _below(error: type[Error]) -> Iterator[type[Error]]:
    for child in error.__subclasses__():
        yield child
        yield from _below(child)


def problem_list(request: HttpRequest) -> HttpResponse:
    """One entry a code, each with an anchor of its name."""
    rows = format_html_join(
        "\n",
        '<dt id="{}"><code>{}</code> ({})</dt><dd>{}</dd>',
        ((code, code, status, meaning) for code, (status, meaning) in problems().items()),
    )
    return HttpResponse(
        format_html(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems · Goldgate</title>'
            "<h1>What Goldgate says no with</h1><dl>{}</dl></html>",
            rows,
        )
    )
