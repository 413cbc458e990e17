"""The difference between any two digests that are known."""

from builds.domain.difference import (
    Difference,
    FilesPart,
    FindingRow,
    FindingsPart,
    ImageDifference,
    LayerRow,
    LayersPart,
    Package,
    PackagesPart,
    Side,
    Unknown,
    compare_configurations,
    compare_files,
    compare_findings,
    compare_layers,
    compare_packages,
)
from builds.errors import NothingToCompare
from builds.models import Inspection
from builds.selectors.inspections import files_of, inspection_of
from builds.selectors.run_configurations import run_configuration_of
from catalog.selectors import subversion_by_digest
from registry.models import Artifact
from registry.selectors import layers_of, runnable_images
from scans.domain.scan_state import ScanState
from scans.domain.severity import Severity
from scans.domain.versions import CannotCompare, version_key
from scans.models import ArtifactComponent, Match
from scans.selectors import findings_in_short, latest_inventory, latest_scan, scan_state_at


def difference(older: Artifact, newer: Artifact) -> Difference:
    """What is different in ``newer``. An index's images are compared platform by platform.

    A part that one side has not, since nobody has scanned or inspected it, is unknown with its reason.
    Raises NothingToCompare where nothing in one of them runs.
    """
    before, after = _images(older), _images(newer)
    if len(before) == len(after) == 1:
        # One image each: compared whatever their platforms are, which are then named.
        pairs = [(next(iter(before.values())), next(iter(after.values())))]
        alone: tuple[list[str], list[str]] = ([], [])
    else:
        pairs = [(image, after[platform]) for platform, image in before.items() if platform in after]
        alone = (sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys()))
    return Difference(
        older=_side(older),
        newer=_side(newer),
        images=tuple(_image_difference(one, other) for one, other in pairs),
        only_older=tuple(alone[0]),
        only_newer=tuple(alone[1]),
    )


def _images(artifact: Artifact) -> dict[str, Artifact]:
    images = {image.platform: image for image in runnable_images(artifact)}
    if not images:
        raise NothingToCompare(
            f"{artifact.digest} is {artifact.kind}: nothing in it runs.", cure="Choose an image or an index of images."
        )
    return images


def _side(artifact: Artifact) -> Side:
    subversion = subversion_by_digest(artifact.digest)
    return Side(artifact.digest, str(subversion) if subversion else "", artifact.platform)


def _image_difference(older: Artifact, newer: Artifact) -> ImageDifference:
    return ImageDifference(
        older=_side(older),
        newer=_side(newer),
        packages=_packages(older, newer),
        findings=_findings(older, newer),
        files=_files(older, newer),
        configuration=compare_configurations(run_configuration_of(older), run_configuration_of(newer)),
        layers=_layers(older, newer),
    )


def _packages(older: Artifact, newer: Artifact) -> PackagesPart | Unknown:
    for name, image in (("older", older), ("newer", newer)):
        if latest_inventory(image) is None:
            return Unknown(f"The {name} image was not inventoried: what is in it is not known.")
    return compare_packages(_components(older), _components(newer), _is_above)


def _components(image: Artifact) -> list[Package]:
    rows = ArtifactComponent.objects.filter(artifact=image).select_related("component")
    return [
        Package(
            type=row.component.type,
            name=row.component.name,
            version=row.component.version,
            ecosystem=row.component.ecosystem,
            source=row.component.source_name,
        )
        for row in rows
    ]


def _is_above(one: Package, other: Package) -> bool | None:
    try:
        return version_key(one.ecosystem, one.version) > version_key(other.ecosystem, other.version)
    except CannotCompare:
        return None


def _findings(older: Artifact, newer: Artifact) -> FindingsPart | Unknown:
    for name, image in (("older", older), ("newer", newer)):
        scan = latest_scan(image)
        if scan is None:
            return Unknown(f"The {name} image was not scanned.")
        judged = scan_state_at(scan, scan.scanned_at, None)
        if judged.state in (ScanState.FAILED, ScanState.UNSUPPORTED):
            return Unknown(f"The findings of the {name} image say nothing: {judged.sentence}")
    return compare_findings(_finding_rows(older), _finding_rows(newer))


def _finding_rows(image: Artifact) -> list[FindingRow]:
    return [
        FindingRow(
            vulnerability_id=one.vulnerability_id,
            package=one.package,
            severity=one.severity.word,
            rank=Severity.CRITICAL + 1 if one.severity is Severity.UNKNOWN else int(one.severity),
            installed=one.installed,
            fixed_version=one.fixed_version,
            is_exploited=one.is_kev,
        )
        for one in findings_in_short(image)
        if one.outcome == Match.Outcome.AFFECTED
    ]


def _files(older: Artifact, newer: Artifact) -> FilesPart | Unknown:
    inspections: list[Inspection] = []
    for name, image in (("older", older), ("newer", newer)):
        inspection = inspection_of(image)
        if inspection is None:
            return Unknown(f"The files of the {name} image were not inspected.")
        if inspection.state != Inspection.State.COMPLETE:
            return Unknown(f"The files of the {name} image could not be read: {inspection.failure}")
        inspections.append(inspection)
    if inspections[0].files_digest == inspections[1].files_digest:
        return FilesPart(
            older_count=inspections[0].file_count,
            newer_count=inspections[1].file_count,
            older_bytes=inspections[0].unpacked_bytes,
            newer_bytes=inspections[1].unpacked_bytes,
        )
    return compare_files(files_of(inspections[0]), files_of(inspections[1]))


def _layers(older: Artifact, newer: Artifact) -> LayersPart | Unknown:
    rows = [_layer_rows(older), _layer_rows(newer)]
    for name, found in zip(("older", "newer"), rows, strict=True):
        if not found:
            return Unknown(f"The layers of the {name} image are not known.")
    return compare_layers(*rows)


def _layer_rows(image: Artifact) -> list[LayerRow]:
    # History names one step a layer, apart from those that made none; only then does it say what made which.
    steps = [str(row[1]) for row in image.history if len(row) > 2 and not row[2]]
    links = layers_of(image)
    said = steps if len(steps) == len(links) else [""] * len(links)
    return [
        LayerRow(link.layer.digest, link.layer.diff_id, link.layer.size_bytes, created_by)
        for link, created_by in zip(links, said, strict=True)
    ]
