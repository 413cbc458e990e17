"""What images consist of, what is known about it, and what follows."""

from scans.models.advisories import AdvisedVulnerability, Advisory, AffectedRange, Match, Vulnerability
from scans.models.attestations import InventoryAttestation, InventorySigner
from scans.models.feeds import Feed
from scans.models.inventory import ArtifactComponent, Component, Inventory
from scans.models.knowledge import EndOfLife, KnownExploited, Rating
from scans.models.scans import Scan

__all__ = [
    "AdvisedVulnerability",
    "Advisory",
    "AffectedRange",
    "ArtifactComponent",
    "Component",
    "EndOfLife",
    "Feed",
    "Inventory",
    "InventoryAttestation",
    "InventorySigner",
    "KnownExploited",
    "Match",
    "Rating",
    "Scan",
    "Vulnerability",
]
