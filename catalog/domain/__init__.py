"""The states of a subversion: pure."""
