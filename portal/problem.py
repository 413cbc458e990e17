"""Refusals as ``application/problem+json`` (RFC 9457), one shape for the whole API."""

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.settings import api_settings

from core.errors import GoldgateError, Kind
from portal.request_id import current_request_id
from web.views.errors import broken

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

STATUS_OF_KIND = {
    Kind.MALFORMED: status.HTTP_400_BAD_REQUEST,
    Kind.REFUSED: status.HTTP_403_FORBIDDEN,
    Kind.MISSING: status.HTTP_404_NOT_FOUND,
    Kind.CONFLICT: status.HTTP_409_CONFLICT,
    Kind.UNAVAILABLE: status.HTTP_503_SERVICE_UNAVAILABLE,
}


def problem(  # noqa: PLR0913 - the members of RFC 9457
    *, status_code: int, code: str, title: str, detail: str, cure: str = "", errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The body of one problem. ``instance`` is the request id, so that a report finds the log line."""
    body: dict[str, Any] = {
        "type": f"{settings.GOLDGATE_URL}/docs/problems#{code}",
        "title": title,
        "status": status_code,
        "detail": detail,
        "code": code,
        "instance": f"urn:uuid:{current_request_id.get()}",
    }
    if cure:
        body["cure"] = cure
    if errors:
        body["errors"] = errors
    return body


def problem_response(
    request: HttpRequest, *, status_code: int, code: str, detail: str, title: str = ""
) -> JsonResponse:
    """The same body from outside DRF: unknown addresses, what nobody foresaw, pages' rules under ``/api/``."""
    body = problem(status_code=status_code, code=code, title=title or HTTPStatus(status_code).phrase, detail=detail)
    response = JsonResponse(body, status=status_code, content_type=CONTENT_TYPE)
    if status_code == status.HTTP_401_UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="goldgate"'
    return response


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    if _is_api(request):
        return problem_response(request, status_code=400, code="bad_request", detail="The request cannot be read.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    if _is_api(request):
        detail = str(exception) or "This is not allowed."
        return problem_response(request, status_code=403, code="permission_denied", detail=detail)
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    if _is_api(request):
        return problem_response(request, status_code=404, code="not_found", detail="There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500. Says nothing of the cause: the log has it under the request's id."""
    if _is_api(request):
        detail = "Something went wrong here. The log has it under the id in instance."
        return problem_response(request, status_code=500, code="internal_error", detail=detail)
    return broken(request)


def _flatten(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """DRF's nested validation detail as a flat list of pointer, code and detail."""
    if isinstance(detail, dict):
        return [row for key, value in detail.items() for row in _flatten(value, pointer + _step(str(key)))]
    if isinstance(detail, list):
        rows: list[dict[str, str]] = []
        for index, value in enumerate(detail):
            below = f"{pointer}/{index}" if isinstance(value, dict | list) else pointer
            rows.extend(_flatten(value, below))
        return rows
    return [{"pointer": pointer, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}]


def _step(key: str) -> str:
    """One step of a JSON pointer (RFC 6901, 3). DRF's name for "the object as a whole" is no step."""
    if key == api_settings.NON_FIELD_ERRORS_KEY:
        return ""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _from_api_exception(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        errors = _flatten(error.detail)
        return problem(
            status_code=400,
            code="invalid",
            title="The request is not valid",
            detail="; ".join(f"{row['pointer'] or '/'}: {row['detail']}" for row in errors),
            errors=errors,
        )
    code = str(getattr(error.detail, "code", "") or error.default_code)
    return problem(
        status_code=error.status_code,
        code=code,
        title=str(error.default_detail),
        detail=str(error.detail),
    )


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook. Returns None for what nobody foresaw: Django logs it and answers 500."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    headers: dict[str, str] = {}
    if isinstance(error, GoldgateError):
        rows = [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in error.errors]
        body = problem(
            status_code=STATUS_OF_KIND[error.kind],
            code=error.code,
            title=error.code.replace("_", " ").capitalize(),
            detail=error.detail,
            cure=error.cure,
            errors=rows,
        )
    elif isinstance(error, exceptions.APIException):
        body = _from_api_exception(error)
        if getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = str(error.auth_header)  # type: ignore[attr-defined]
        if getattr(error, "wait", None):
            headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
    else:
        return None
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)
