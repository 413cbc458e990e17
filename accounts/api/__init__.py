"""The accounts over REST."""
