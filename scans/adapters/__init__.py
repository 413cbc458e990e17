"""Outside systems: the scanner's process, feed publishers, feed files."""
