"""Addresses of the signing API, under /api/v1."""

from django.urls import path, re_path

from signing.api import views

urlpatterns = [
    path("signing-keys", views.SigningKeysView.as_view(), name="signing-keys"),
    re_path(r"^signing-keys/(?P<key_id>[0-9a-f]{64})\.pem$", views.SigningKeyPemView.as_view(), name="signing-key-pem"),
]
