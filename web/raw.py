"""Bytes as they are stored, to download."""

from django.http import HttpResponse

from oci.strict_json import MAX_DOCUMENT_BYTES
from registry import selectors as registry
from registry.blobs import kept_blobs
from registry.models import Artifact
from scans import selectors as scans

MAX_REPORT_BYTES = 256 * 1024 * 1024


def download(artifact: Artifact, what: str) -> HttpResponse:
    """``manifest``, ``config``, ``sbom`` or ``report`` of an artifact. Raises KeyError, BlobMissing.

    Always a download with a type that no browser runs: the bytes come from strangers.
    """
    if what == "manifest":
        body = registry.manifest_bytes(artifact)
    elif what == "config" and artifact.config_digest:
        body = kept_blobs().read(artifact.config_digest, MAX_DOCUMENT_BYTES)
    elif what in ("sbom", "report"):
        inventory = scans.latest_inventory(artifact)
        if inventory is None:
            raise KeyError(what)
        digest = inventory.sbom_digest if what == "sbom" else inventory.report_digest
        body = kept_blobs().read(digest, MAX_REPORT_BYTES)
    else:
        raise KeyError(what)
    response = HttpResponse(body, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{what}-{artifact.digest[7:19]}.json"'
    return response
