"""What people and programs call an image, as the artifact that it is."""

from datetime import datetime

from catalog.errors import NoSuchImage
from catalog.selectors import current_certified, subversion_by_name
from oci.digest import Digest
from oci.errors import MalformedDigest
from registry.models import Artifact
from registry.selectors import artifact_by_digest


def artifact_named(text: str, at: datetime) -> Artifact:
    """By digest (``sha256:…``, also behind ``NAME@``), by name (``debian/12@12.15-20261124.1``), or by version.

    ``debian/12`` is what is certified of it at ``at``. Raises NoSuchImage; ArtifactUnknown.
    """
    front, at_sign, last = text.strip().rpartition("@")
    try:
        return artifact_by_digest(Digest.parse(last))
    except MalformedDigest:
        pass  # a name, then
    image, _, rest = (front if at_sign else last).partition("/")
    version, _, behind = rest.partition("/")
    name = last if at_sign else behind
    if name:
        return subversion_by_name(image, version, name).artifact
    current = current_certified(f"{image}/{version}", at) if version else None
    if current is None:
        raise NoSuchImage(
            f"Nothing is called {text.strip()[:200]!r}, or nothing of it is certified.",
            cure="Write a digest (sha256:…), IMAGE/VERSION@NAME, or IMAGE/VERSION for what is certified of it.",
        )
    return current.artifact
