"""How an image says that it runs, from its configuration's bytes."""

from builds.domain.configuration import RunConfiguration, read_run_configuration
from oci.strict_json import MAX_DOCUMENT_BYTES, strict_json
from registry.blobs import kept_blobs
from registry.errors import BlobMissing
from registry.models import Artifact


def run_configuration_of(image: Artifact) -> RunConfiguration:
    """From the bytes that were imported; from the columns made of them where those are not here."""
    try:
        body = kept_blobs().read(image.config_digest, MAX_DOCUMENT_BYTES) if image.config_digest else b""
    except BlobMissing:
        body = b""
    if body:
        members = strict_json(body, what="image configuration").get("config")
        return read_run_configuration(members if isinstance(members, dict) else {})
    columns = {
        "User": image.user,
        "Env": image.env,
        "Entrypoint": image.entrypoint,
        "Cmd": image.cmd,
        "Labels": image.labels,
    }
    return read_run_configuration(columns)
