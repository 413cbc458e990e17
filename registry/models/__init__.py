"""What we know of registries and of what lies in them."""

from registry.models.artifacts import Artifact, ArtifactChild, RepositoryArtifact, TagSeen
from registry.models.imports import Import
from registry.models.layers import ArtifactLayer, Layer, Lineage
from registry.models.registries import Registry, Repository

__all__ = [
    "Artifact",
    "ArtifactChild",
    "ArtifactLayer",
    "Import",
    "Layer",
    "Lineage",
    "Registry",
    "Repository",
    "RepositoryArtifact",
    "TagSeen",
]
