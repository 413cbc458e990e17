"""Signing keys over HTTP: what a verifier needs, and nothing secret."""
