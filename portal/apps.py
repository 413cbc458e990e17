from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # Imported here, not above: handlers live in rooms whose models exist only once apps are loaded.
        from portal import pipeline

        pipeline.connect()
