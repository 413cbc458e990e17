"""Pure decisions of the scans room: version order, advisories, severity, support, the state of a scan."""
