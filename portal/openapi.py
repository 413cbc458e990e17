"""The API's description (OpenAPI 3.1): made from the views, said with the table of access."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access import ROUTES, Access
from portal.problem import CONTENT_TYPE
from portal.routes import routes

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Why not (RFC 9457). `code` is stable; `cure` says what to do; `errors` names each wrong member.",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "cure": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "portal.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A service token, `ggt_…`."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "portal.authentication.PersonSessionAuthentication"
    name = "session"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "goldgate_session",
            "description": "The browser's session; unsafe methods also need the CSRF token in `X-CSRFToken`.",
        }


class GateScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "admission.authentication.GateAuthentication"
    name = "gate"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A gate's own token, from its enrolment."}


class PipelineScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "builds.api.submissions.PipelineAuthentication"
    name = "pipeline"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A short-lived OIDC token of a pipeline that the source trusts.",
        }


def say_who_may(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Write each operation's row of the table of access, and the problem that any of them may answer with."""
    names = {route.template: route.name for route in routes() if route.api_view}
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    for template, operations in result["paths"].items():
        for method, operation in operations.items():
            if access := ROUTES.get(names.get(template, ""), {}).get(method.upper()):
                _say(operation, access)
            operation["responses"]["default"] = {
                "description": "Why not.",
                "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
    _drop(result, "x-spec-enum-id")  # a note of the generator to itself
    return result


def _drop(value: Any, key: str) -> None:
    if isinstance(value, dict):
        value.pop(key, None)
        for inner in value.values():
            _drop(inner, key)
    elif isinstance(value, list):
        for inner in value:
            _drop(inner, key)


def _say(operation: dict[str, Any], access: Access) -> None:
    if access.is_public:
        operation["security"] = [{}]
    elif not access.is_gate:
        # Without a scope in its row no token may, whatever it carries.
        operation["security"] = [{"session": []}, *([{"token": []}] if access.scope else [])]
    operation["x-roles"] = sorted(access.roles)
    operation["x-any-person"] = access.is_any_person
    operation["x-scope"] = access.scope


def make_document() -> tuple[dict[str, Any], list[str]]:
    """The document as made from the views now, and the generator's warnings: what a view says too little about."""
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    warnings = {text for kind in (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) for text in kind}
    return document, sorted(warnings)


@cache
def served_document() -> dict[str, Any]:
    """The document, made once a process."""
    return make_document()[0]


class OpenApiView(APIView):
    @extend_schema(exclude=True)
    def get(self, request: Request | HttpRequest) -> Response:
        """This API's description."""
        return Response(served_document())
