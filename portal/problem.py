"""Refusals as ``application/problem+json`` (RFC 9457), one shape for the whole API."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from core.errors import GoldgateError, Kind
from portal.request_id import current_request_id

log = logging.getLogger(__name__)

STATUS_OF_KIND = {
    Kind.MALFORMED: status.HTTP_400_BAD_REQUEST,
    Kind.REFUSED: status.HTTP_403_FORBIDDEN,
    Kind.MISSING: status.HTTP_404_NOT_FOUND,
    Kind.CONFLICT: status.HTTP_409_CONFLICT,
    Kind.UNAVAILABLE: status.HTTP_503_SERVICE_UNAVAILABLE,
}


def problem(
    *, status_code: int, code: str, title: str, detail: str, cure: str = "", errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The body of one problem. ``instance`` is the request id, so that a report finds the log line."""
    body: dict[str, Any] = {
        "type": f"{settings.GOLDGATE_URL}/docs/problems#{code}",
        "title": title,
        "status": status_code,
        "detail": detail,
        "code": code,
        "instance": current_request_id.get(),
    }
    if cure:
        body["cure"] = cure
    if errors:
        body["errors"] = errors
    return body


def _flatten(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """DRF's nested validation detail as a flat list of pointer, code and detail."""
    if isinstance(detail, dict):
        return [row for key, value in detail.items() for row in _flatten(value, f"{pointer}/{key}")]
    if isinstance(detail, list):
        rows: list[dict[str, str]] = []
        for index, value in enumerate(detail):
            below = f"{pointer}/{index}" if isinstance(value, dict | list) else pointer
            rows.extend(_flatten(value, below))
        return rows
    return [{"pointer": pointer, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}]


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
    return Response(body, status=body["status"], headers=headers, content_type="application/problem+json")
