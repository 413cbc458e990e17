"""Every read of the scans room."""

from scans.selectors.feeds import covering_feed, feed_ages, feeds
from scans.selectors.findings import Finding, finding_summaries, finding_summary, findings
from scans.selectors.scans import latest_inventory, latest_scan, latest_scans, scan_state_at

__all__ = [
    "Finding",
    "covering_feed",
    "feed_ages",
    "feeds",
    "finding_summaries",
    "finding_summary",
    "findings",
    "latest_inventory",
    "latest_scan",
    "latest_scans",
    "scan_state_at",
]
