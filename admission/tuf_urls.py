"""Addresses of the published snapshots: plain files, which any other web server may serve instead."""

from django.urls import re_path

from admission import tuf_views

app_name = "tuf"
urlpatterns = [
    re_path(
        r"^metadata/(?P<name>timestamp\.json|[0-9]{1,18}\.(?:root|snapshot|targets)\.json)$",
        tuf_views.metadata,
        name="metadata",
    ),
    re_path(
        r"^targets/(?P<name>[0-9a-f]{64}\.(?:base-[0-9]{1,18}\.(?:bin|reasons)|overlay-[0-9]{1,18}\.json))$",
        tuf_views.target,
        name="target",
    ),
]
