from django.apps import AppConfig


class AdmissionConfig(AppConfig):
    name = "admission"

    def ready(self) -> None:
        # Imported here, not above: the models exist only once apps are loaded.
        from admission import changes

        changes.connect()
