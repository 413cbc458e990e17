"""Every address: pages of web/, the API of each room under /api/v1, health."""

from django.urls import URLPattern, URLResolver, include, path

from portal import health
from portal.openapi import OpenApiView
from portal.problem_list import problem_list

api_urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", OpenApiView.as_view(), name="openapi"),
    # one include a room, in import order
    path("", include("audit.urls")),
    path("", include("jobs.urls")),
    path("", include("accounts.urls")),
    path("", include("scans.urls")),
    path("", include("policies.urls")),
    path("", include("catalog.urls")),
    path("", include("approvals.urls")),
    path("", include("registry.urls")),
    path("", include("builds.urls")),
    path("", include("signing.urls")),
    path("", include("admission.urls")),
]

health_urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include((api_urlpatterns, "api"))),
    path("", include((health_urlpatterns, "health"))),
    path("docs/problems", problem_list, name="problems"),
    path("tuf/", include("admission.tuf_urls")),
    path("", include("web.urls")),
]

handler400 = "portal.problem.bad_request"
handler403 = "portal.problem.permission_denied"
handler404 = "portal.problem.not_found"
handler500 = "portal.problem.server_error"
