"""Pure decisions of the record: its canonical form, its hashes, its checkpoints."""
