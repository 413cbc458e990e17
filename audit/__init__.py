"""The append-only record, its seals and checkpoints. Must not know what the records are about."""
