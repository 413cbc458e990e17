"""Policies over REST."""
