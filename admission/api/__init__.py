"""Clusters, gates, decisions and snapshots over HTTP."""
