"""Requests, proposals, reviews and certificates over REST."""
