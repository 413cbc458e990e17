"""Keys, signatures, attestations and their publication to the certified side. Must not know who decided or why."""
