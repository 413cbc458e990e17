"""Pure ground: the base error, the validity interval, canonical JSON. Nothing else settles here."""
