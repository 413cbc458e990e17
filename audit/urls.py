"""The record's part of ``/api/v1``."""

from django.urls import path

from audit.api import views

urlpatterns = [
    path("record", views.RecordsView.as_view(), name="record"),
    path("record/export", views.RecordExportView.as_view(), name="record-export"),
    path("record/checkpoints", views.CheckpointsView.as_view(), name="record-checkpoints"),
    path("record/keys", views.CheckpointKeysView.as_view(), name="record-keys"),
]
