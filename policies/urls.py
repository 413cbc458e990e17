"""The policies' part of ``/api/v1``."""

from django.urls import path, re_path

from policies.api import grants, views

urlpatterns = [
    path("policies", views.PoliciesView.as_view(), name="policies"),
    path("policies/active", views.ActivePolicyView.as_view(), name="policy-active"),
    re_path(r"^policies/(?P<version>[0-9]{1,9})\Z", views.PolicyView.as_view(), name="policy"),
    path("grants", grants.GrantsView.as_view(), name="grants"),
    path("grants/<uuid:grant_id>", grants.GrantView.as_view(), name="grant"),
]
