"""``manage.py feed``: what is known of vulnerabilities, from a shell on the host.

manage.py feed import debian-12.jsonl.gz --snapshot-at 2026-11-24T06:00:00Z
manage.py feed import known_exploited_vulnerabilities.json --name cisa-kev
manage.py feed add debian https://feeds.example/debian/all.zip
manage.py feed sync            # every feed that has an address, now
manage.py feed list
manage.py feed rematch         # all components against all advisories again, after a change of the order keys
"""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from audit.actor import Actor
from core.errors import GoldgateError
from scans import services
from scans.models import Feed
from scans.selectors import feed_ages

ACTOR = Actor.system("manage feed")


class Command(BaseCommand):
    help = (
        "Import, add, sync and list the feeds of advisories, ratings, exploited vulnerabilities and end-of-life dates."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        taken = deeds.add_parser("import", help="take over files or directories; each becomes, or renews, a feed")
        taken.add_argument("files", nargs="+", type=Path)
        taken.add_argument("--kind", choices=Feed.Kind.values, default="", help="told from the contents if left out")
        taken.add_argument("--name", default="", help="the feed's name; the file's name if left out")
        taken.add_argument(
            "--snapshot-at", type=_moment, help="from when the contents are, if no FILE.meta.json says so"
        )
        taken.add_argument("--source", default="", help="who states that")
        taken.add_argument("--frozen", action="store_true", help="it will never be newer, and is shown as frozen")
        taken.add_argument("--covers", action="append", default=[], help="a release it answers for, such as Debian:12")
        added = deeds.add_parser("add", help="name a feed that is synced from an address")
        added.add_argument("name")
        added.add_argument("url")
        added.add_argument("--kind", choices=Feed.Kind.values, default=Feed.Kind.OSV)
        added.add_argument("--index-url", default="", help='a JSON file that states {"snapshot_at": …}')
        added.add_argument("--allow-private", action="store_true", help="its host may have a private address")
        synced = deeds.add_parser("sync", help="fetch feeds that have an address, now")
        synced.add_argument("names", nargs="*")
        deeds.add_parser("list", help="every feed and how old it is")
        deeds.add_parser("rematch", help="hold every component against every advisory again")

    def handle(self, *args: Any, **options: Any) -> None:
        deeds = {
            "import": self._import,
            "add": self._add,
            "sync": self._sync,
            "list": self._list,
            "rematch": self._rematch,
        }
        try:
            deeds[options["deed"]](options)
        except GoldgateError as error:
            raise CommandError(str(error)) from error

    def _import(self, options: dict[str, Any]) -> None:
        if options["name"] and len(options["files"]) > 1:
            raise CommandError("--name names one feed: import one file at a time with it.")
        for path in options["files"]:
            feed = services.import_feed_file(
                path=path,
                actor=ACTOR,
                now=timezone.now(),
                name=options["name"],
                kind=options["kind"],
                snapshot_at=options["snapshot_at"],
                source=options["source"],
                is_frozen=options["frozen"],
                declared_ecosystems=options["covers"],
            )
            self._show(feed)

    def _add(self, options: dict[str, Any]) -> None:
        feed = services.add_feed(
            name=options["name"],
            kind=options["kind"],
            url=options["url"],
            index_url=options["index_url"],
            allow_private=options["allow_private"],
            actor=ACTOR,
            now=timezone.now(),
        )
        self.stdout.write(
            f"{feed.name}: added. It is synced by its schedule, or now with: manage.py feed sync {feed.name}"
        )

    def _sync(self, options: dict[str, Any]) -> None:
        feeds = Feed.objects.exclude(url="").order_by("name")
        if options["names"]:
            feeds = feeds.filter(name__in=options["names"])
            missing = set(options["names"]) - {feed.name for feed in feeds}
            if missing:
                raise CommandError(f"There is no feed {sorted(missing)[0]} with an address.")
        refused = []
        for feed in feeds:
            try:
                self._show(services.sync_feed(feed_id=feed.pk, now=timezone.now()))
            except GoldgateError as error:
                refused.append(f"{feed.name}: {error}")
        if refused:
            raise CommandError("\n".join(refused))

    def _list(self, options: dict[str, Any]) -> None:
        ages = feed_ages(timezone.now())
        if not ages:
            self.stdout.write("No feeds: nothing can be found. Import one: manage.py feed import FILE --snapshot-at …")
        for one in ages:
            age = f"{one.age.total_seconds() / 3600:.0f} h old" if one.age is not None else "never synced"
            marks = ", frozen" if one.feed.is_frozen else ""
            marks += ", too old" if one.is_late else ""
            marks += f", last sync failed: {one.feed.error}" if one.feed.state == Feed.State.FAILED else ""
            self.stdout.write(f"{one.feed.name} ({one.feed.get_kind_display()}): {age}{marks}")

    def _rematch(self, options: dict[str, Any]) -> None:
        moved = services.rematch_everything(now=timezone.now())
        self.stdout.write(f"Matched again. The findings of {moved} artifacts moved.")

    def _show(self, feed: Feed) -> None:
        self.stdout.write(f"{feed.name}: {feed.record_count} records of {feed.snapshot_at:%Y-%m-%d %H:%M} UTC.")
        for problem in feed.problems:
            self.stderr.write(f"  left out: {problem['where']}: {problem['why']}")


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError(f"{text!r} is not a moment such as 2026-11-24T06:00:00Z")
    return found
