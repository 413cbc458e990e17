"""The registry's part of ``/api/v1``."""

from django.urls import path

from registry.api import views

urlpatterns = [
    path("registries", views.RegistriesView.as_view(), name="registries"),
    path("registries/presets", views.PresetsView.as_view(), name="registry-presets"),
    path("registries/<uuid:registry_id>", views.RegistryView.as_view(), name="registry"),
    path("registries/<uuid:registry_id>/test", views.RegistryTestView.as_view(), name="registry-test"),
    path("repositories", views.RepositoriesView.as_view(), name="repositories"),
    path("artifacts", views.ArtifactsView.as_view(), name="artifacts"),
    path("artifacts/<str:digest>", views.ArtifactView.as_view(), name="artifact"),
    path("imports", views.ImportsView.as_view(), name="imports"),
    path("imports/<uuid:import_id>", views.ImportView.as_view(), name="import"),
]
