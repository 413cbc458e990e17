"""Commands of the scans room."""
