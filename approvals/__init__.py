"""Requests, packets, reviews, certifications, suspensions and revocations.

Owns who certified what on which evidence. Must not know admission or any page.
"""
