"""Every address: pages of web/, the API of each room under /api/v1, health."""

from django.urls import URLPattern, URLResolver, include, path

from portal import health

api_urlpatterns: list[URLPattern | URLResolver] = [
    # one include a room, in import order
    path("", include("accounts.urls")),
]

health_urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include((api_urlpatterns, "api"))),
    path("", include((health_urlpatterns, "health"))),
    path("", include("web.urls")),
]

handler400 = "portal.problem.bad_request"
handler403 = "portal.problem.permission_denied"
handler404 = "portal.problem.not_found"
handler500 = "portal.problem.server_error"
