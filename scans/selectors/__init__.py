"""Every read of the scans room."""

from scans.selectors.feeds import covering_feed, feed_ages, feeds
from scans.selectors.findings import (
    Finding,
    artifacts_with,
    finding_summaries,
    finding_summary,
    findings,
    findings_in_short,
)
from scans.selectors.scans import inventory_basis, latest_inventory, latest_scan, latest_scans, scan_state_at

__all__ = [
    "Finding",
    "artifacts_with",
    "covering_feed",
    "feed_ages",
    "feeds",
    "finding_summaries",
    "finding_summary",
    "findings",
    "findings_in_short",
    "inventory_basis",
    "latest_inventory",
    "latest_scan",
    "latest_scans",
    "scan_state_at",
]
