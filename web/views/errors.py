"""What a person sees when a page cannot be shown: what happened, and the next step."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static

from audit.request import current_request_id
from core.errors import GoldgateError, Kind

STATUS = {Kind.MALFORMED: 400, Kind.REFUSED: 403, Kind.MISSING: 404, Kind.CONFLICT: 409, Kind.UNAVAILABLE: 503}


def broken(request: HttpRequest) -> HttpResponse:
    """500: says nothing of the cause, and the number under which the log has it. Asks no database."""
    context = {"request_id": current_request_id.get(), "sheets": _sheets()}
    return HttpResponse(render_to_string("500.html", context), status=500)


def _sheets() -> list[str]:
    """How it looks; none where the files were not collected, which must not break the page of what is broken."""
    try:
        return [static("vendor/tabler/tabler.min.css"), static("goldgate/goldgate.css")]
    except ValueError:
        return []


class RefusalMiddleware:
    """A refusal that no form could take (a bad link, a thing that is missing) becomes a page that says why."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """None for everything but a GoldgateError: Django logs that and answers 500."""
        if not isinstance(exception, GoldgateError):
            return None
        status = STATUS[exception.kind]
        template = {404: "404.html", 403: "403.html"}.get(status, "refusal.html")
        context = {"detail": exception.detail, "cure": exception.cure, "code": exception.code}
        return render(request, template, context, status=status)
