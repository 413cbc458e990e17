"""Every write of the room, one function a use case."""

from registry.services.archives import configs_in_archive, take_archive
from registry.services.attestations import FoundAttestations, fetch_attestations
from registry.services.copies import copy_artifact
from registry.services.imports import (
    fail_import,
    import_archive,
    import_list,
    import_reference,
    prune_uploads,
    run_import,
)
from registry.services.layers import prune_half_written, prune_layers
from registry.services.layouts import export_layout
from registry.services.registries import (
    RegistryFields,
    add_registry,
    ask_test,
    certified_repository,
    change_registry,
    ensure_repository,
    test_registry,
)

__all__ = [
    "FoundAttestations",
    "RegistryFields",
    "add_registry",
    "ask_test",
    "certified_repository",
    "change_registry",
    "configs_in_archive",
    "copy_artifact",
    "ensure_repository",
    "export_layout",
    "fail_import",
    "fetch_attestations",
    "import_archive",
    "import_list",
    "import_reference",
    "prune_half_written",
    "prune_layers",
    "prune_uploads",
    "run_import",
    "take_archive",
    "test_registry",
]
