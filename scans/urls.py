"""The scans' part of ``/api/v1``."""

from django.urls import path

from scans.api import artifacts, attestations, feeds, schedules

urlpatterns = [
    path("artifacts/<str:digest>/scan", artifacts.ArtifactScanView.as_view(), name="artifact-scan"),
    path("artifacts/<str:digest>/findings", artifacts.ArtifactFindingsView.as_view(), name="artifact-findings"),
    path("artifacts/<str:digest>/sbom", artifacts.ArtifactSbomView.as_view(), name="artifact-sbom"),
    path(
        "artifacts/<str:digest>/sbom-attestations",
        attestations.SbomAttestationsView.as_view(),
        name="artifact-sbom-attestations",
    ),
    path(
        "artifacts/<str:digest>/sbom-attestations/<uuid:attestation_id>",
        attestations.SbomAttestationView.as_view(),
        name="artifact-sbom-attestation",
    ),
    path("inventory-signers", attestations.SignersView.as_view(), name="inventory-signers"),
    path("inventory-signers/<uuid:signer_id>", attestations.SignerView.as_view(), name="inventory-signer"),
    path("inventory-signers/<uuid:signer_id>/end", attestations.SignerEndView.as_view(), name="inventory-signer-end"),
    path("feeds", feeds.FeedsView.as_view(), name="feeds"),
    path("feeds/<uuid:feed_id>", feeds.FeedView.as_view(), name="feed"),
    path("feeds/<uuid:feed_id>/sync", feeds.FeedSyncView.as_view(), name="feed-sync"),
    path("feeds/<uuid:feed_id>/contents", feeds.FeedContentsView.as_view(), name="feed-contents"),
    path("schedules", schedules.SchedulesView.as_view(), name="schedules"),
    path("schedules/<uuid:schedule_id>", schedules.ScheduleView.as_view(), name="schedule"),
]
