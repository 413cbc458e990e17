"""The scans' part of ``/api/v1``."""

from django.urls import path

from scans.api import artifacts, feeds, schedules

urlpatterns = [
    path("artifacts/<str:digest>/scan", artifacts.ArtifactScanView.as_view(), name="artifact-scan"),
    path("artifacts/<str:digest>/findings", artifacts.ArtifactFindingsView.as_view(), name="artifact-findings"),
    path("artifacts/<str:digest>/sbom", artifacts.ArtifactSbomView.as_view(), name="artifact-sbom"),
    path("feeds", feeds.FeedsView.as_view(), name="feeds"),
    path("feeds/<uuid:feed_id>", feeds.FeedView.as_view(), name="feed"),
    path("feeds/<uuid:feed_id>/sync", feeds.FeedSyncView.as_view(), name="feed-sync"),
    path("feeds/<uuid:feed_id>/contents", feeds.FeedContentsView.as_view(), name="feed-contents"),
    path("schedules", schedules.SchedulesView.as_view(), name="schedules"),
    path("schedules/<uuid:schedule_id>", schedules.ScheduleView.as_view(), name="schedule"),
]
