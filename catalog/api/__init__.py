"""The catalog over REST."""
