from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        # Imported here, not above: models exist only once apps are loaded.
        from approvals.selectors.standing import reviews_standing
        from builds.selectors.waves import use_reviews

        use_reviews(reviews_standing)
