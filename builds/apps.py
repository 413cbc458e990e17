from django.apps import AppConfig

from builds.adapters.buildkit_parser import raw_instructions
from builds.domain.dockerfile import use_parser


class BuildsConfig(AppConfig):
    name = "builds"

    def ready(self) -> None:
        use_parser(raw_instructions)
