"""Versioned policy documents and the default policy. Must not know reviews."""
