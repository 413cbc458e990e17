"""Addresses of the admission API, under /api/v1."""

from django.urls import path, re_path

from admission.api import views

CLUSTER = r"(?P<name>[a-z0-9][a-z0-9-]{0,62})"

urlpatterns = [
    path("clusters", views.ClustersView.as_view(), name="clusters"),
    re_path(
        rf"^clusters/{CLUSTER}/enrolment-tokens$",
        views.ClusterEnrolmentTokensView.as_view(),
        name="cluster-enrolment-tokens",
    ),
    re_path(rf"^clusters/{CLUSTER}/webhook\.yaml$", views.ClusterWebhookView.as_view(), name="cluster-webhook"),
    path("gates", views.GatesView.as_view(), name="gates"),
    path("gates/heartbeat", views.GateHeartbeatView.as_view(), name="gate-heartbeat"),
    path("gates/decisions", views.GateDecisionsView.as_view(), name="gate-decisions"),
    path("gates/<uuid:gate_id>", views.GateView.as_view(), name="gate"),
    path("decisions", views.DecisionsView.as_view(), name="decisions"),
    re_path(r"^decisions/(?P<decision_id>[0-9A-Za-z-]{4,40})$", views.DecisionView.as_view(), name="decision"),
    path("snapshot", views.SnapshotView.as_view(), name="snapshot"),
]
