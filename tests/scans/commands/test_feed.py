"""``manage.py feed``, as somebody on the host uses it."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from scans.models import Feed
from tests.factories.scans import ENDS, EXPLOITED, FIXES, RATINGS, osv
from tests.fakes.feed_server import Answer, FeedServer

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("feed", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def stated() -> str:
    return (timezone.now() - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


class TestFeedCommand:
    def test_imports_several_files_of_several_kinds(self):
        said = run("import", str(FIXES), str(RATINGS), str(ENDS), "--snapshot-at", stated())
        assert "debian-stable-changelogs: 1209 records" in said
        assert sorted(Feed.objects.values_list("kind", flat=True)) == ["endoflife", "osv", "ratings"]

    def test_imports_what_states_its_own_time(self):
        assert "1404 records of 2025-08-25 17:04 UTC" in run("import", str(EXPLOITED))

    def test_marks_a_feed_as_frozen_and_says_what_it_covers(self):
        run("import", str(FIXES), "--snapshot-at", stated(), "--frozen", "--name", "demo", "--covers", "Debian:12")
        feed = Feed.objects.get(name="demo")
        assert (feed.is_frozen, feed.declared_ecosystems) == (True, ["Debian:12"])
        assert "2 h old, frozen" in run("list")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["import", str(FIXES)],
            ["import", str(FIXES), "--snapshot-at", "2099-01-01T00:00:00Z"],
            ["import", str(FIXES), str(ENDS), "--name", "one", "--snapshot-at", "2026-01-01T00:00:00Z"],
            ["import", "/nowhere.jsonl", "--snapshot-at", "2026-01-01T00:00:00Z"],
            ["import", str(FIXES), "--snapshot-at", "yesterday"],
            ["add", "x", "ftp://feeds.example"],
            ["sync", "nobody"],
            [],
        ],
        ids=["no time", "future", "one name for two", "no file", "no moment", "no address", "no feed", "nothing"],
    )
    def test_says_what_is_wrong(self, arguments):
        with pytest.raises(CommandError):
            run(*arguments)

    def test_adds_and_syncs(self):
        with FeedServer() as server:
            body = json.dumps(osv("X-1", "zlib", ("introduced", "0"))).encode()
            server.files["/a.jsonl"] = Answer(body, last_modified=timezone.now())
            run("add", "own", server.url("/a.jsonl"), "--allow-private")
            assert "never synced" in run("list")
            assert "own: 1 records" in run("sync")
            server.files.clear()
            with pytest.raises(CommandError, match="404"):
                run("sync", "own")
        assert "last sync failed" in run("list")

    def test_an_empty_list_says_how_to_begin(self):
        assert "Import one" in run("list")

    def test_matches_again(self):
        assert "0 artifacts moved" in run("rematch")
