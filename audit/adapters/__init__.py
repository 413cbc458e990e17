"""What the record needs from outside: its key file, and the place that keeps checkpoints."""
