"""The catalog's part of ``/api/v1``."""

from django.urls import path

from catalog.api import host_systems, views

urlpatterns = [
    path("images", views.ImagesView.as_view(), name="images"),
    path("images/<str:image>/versions", views.VersionsView.as_view(), name="versions"),
    path("images/<str:image>/<str:version>", views.VersionView.as_view(), name="version"),
    path("images/<str:image>/<str:version>/subversions", views.SubversionsView.as_view(), name="subversions"),
    path("subversions/<uuid:subversion_id>", views.SubversionView.as_view(), name="subversion"),
    path("host-systems", host_systems.HostSystemsView.as_view(), name="host-systems"),
    path("host-systems/<uuid:host_system_id>", host_systems.HostSystemView.as_view(), name="host-system"),
    path("approved", views.ApprovedView.as_view(), name="approved"),
    path("approved.csv", views.ApprovedCsvView.as_view(), name="approved-csv"),
]
