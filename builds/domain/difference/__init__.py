"""What is different between two images, part by part: packages, findings, files, configuration, layers.

A part that cannot be told (one side was never inventoried, scanned, inspected) is *unknown* with its reason, which is
another thing than "no difference". The form for machines is ``Difference.as_json()``, schema ``goldgate.difference/v1``
(docs/reference/inspection.md).
"""

from builds.domain.difference.configurations import ConfigurationChange, compare_configurations
from builds.domain.difference.files import FileChange, FilesPart, compare_files
from builds.domain.difference.findings import FindingRow, FindingsPart, compare_findings
from builds.domain.difference.layers import LayerRow, LayersPart, compare_layers
from builds.domain.difference.packages import Package, PackageChange, PackagesPart, compare_packages
from builds.domain.difference.whole import SCHEMA, Difference, ImageDifference, Side, Unknown

__all__ = [
    "SCHEMA",
    "ConfigurationChange",
    "Difference",
    "FileChange",
    "FilesPart",
    "FindingRow",
    "FindingsPart",
    "ImageDifference",
    "LayerRow",
    "LayersPart",
    "Package",
    "PackageChange",
    "PackagesPart",
    "Side",
    "Unknown",
    "compare_configurations",
    "compare_files",
    "compare_findings",
    "compare_layers",
    "compare_packages",
]
