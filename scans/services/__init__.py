"""Every write of the scans room: inventory, feeds, matching, scans."""

from scans.services.feeds import add_feed, ask_sync, ask_sync_of_all, change_feed, import_feed_file, sync_feed
from scans.services.inventory import inventory_artifact
from scans.services.rematching import rematch_everything
from scans.services.scanning import ask_scan, match_artifact, refresh_scans

__all__ = [
    "add_feed",
    "ask_scan",
    "ask_sync",
    "ask_sync_of_all",
    "change_feed",
    "import_feed_file",
    "inventory_artifact",
    "match_artifact",
    "refresh_scans",
    "rematch_everything",
    "sync_feed",
]
