"""One id for a request, in the answer, in problems, in the log and in the record."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from uuid6 import uuid7

from audit.request import current_request_id as current_request_id


class RequestIdMiddleware:
    """Gives each request an id of ours and returns it as ``X-Request-ID``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Never the caller's own value: two requests must not be able to share a name in the record.
        token = current_request_id.set(str(uuid7()))
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = current_request_id.get()
            return response
        finally:
            current_request_id.reset(token)


class RequestIdFilter(logging.Filter):
    """Puts the id on every line of the log that a request caused; ``-`` on the others."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get() or "-"
        return True
