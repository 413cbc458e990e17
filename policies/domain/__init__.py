"""The policy document and the default policy: pure."""
