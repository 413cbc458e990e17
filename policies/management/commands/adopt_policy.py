"""manage.py adopt_policy default|demo|FILE --by NAME: put a policy in force."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.selectors import person_by_name
from core.errors import GoldgateError
from policies import services
from policies.domain.default import DEFAULT, DEMO

BUILT_IN = {"default": DEFAULT, "demo": DEMO}


class Command(BaseCommand):
    help = "Put a policy in force: 'default', 'demo' (demonstrations alone), or a JSON file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", help="default, demo, or the path of a JSON document")
        parser.add_argument("--by", default="", help="the platform admin who adopts it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with the refusal's words."""
        named = str(options["policy"])
        try:
            if named == "demo" and not options["by"]:
                policy = services.adopt_policy_for_demo(document=DEMO, now=timezone.now())
            else:
                policy = self._adopt(named, str(options["by"]))
        except GoldgateError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"In force: {policy}, sha256 {policy.sha256}")

    def _adopt(self, named: str, by: str) -> Any:
        person = person_by_name(by)
        if person is None:
            raise CommandError(f"There is nobody called {by!r}: name a platform admin with --by.")
        built_in = BUILT_IN.get(named)
        document = built_in.to_json() if built_in else json.loads(Path(named).read_text())
        return services.adopt_policy(document=document, adopted_by=person, now=timezone.now())
