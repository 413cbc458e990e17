"""The full re-match against a peer."""
