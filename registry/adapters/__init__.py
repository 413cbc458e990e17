"""The outside: registries over HTTP, OCI layouts and archives on disk."""
