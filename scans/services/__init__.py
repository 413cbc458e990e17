"""Every write of the scans room: inventory, feeds, matching, scans."""

from scans.services.attestations import (
    find_attestations,
    judge_of_signer,
    judge_of_subversion,
    take_attestation,
    use_attestations,
)
from scans.services.feeds import add_feed, ask_sync, ask_sync_of_all, change_feed, import_feed_file, sync_feed
from scans.services.inventory import inventory_artifact
from scans.services.rematching import rematch_everything
from scans.services.scanning import ask_scan, match_artifact, refresh_scans
from scans.services.signers import SignerFields, end_signer, trust_signer

__all__ = [
    "SignerFields",
    "add_feed",
    "ask_scan",
    "ask_sync",
    "ask_sync_of_all",
    "change_feed",
    "end_signer",
    "find_attestations",
    "import_feed_file",
    "inventory_artifact",
    "judge_of_signer",
    "judge_of_subversion",
    "match_artifact",
    "refresh_scans",
    "rematch_everything",
    "sync_feed",
    "take_attestation",
    "trust_signer",
    "use_attestations",
]
