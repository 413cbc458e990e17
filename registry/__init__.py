"""Registries, repositories, artifacts, layers, lineage; the OCI client. Must not know what a subversion is."""
