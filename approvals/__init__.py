"""Requests, packets, reviews, certifications, suspensions and revocations: who certified what on which evidence. Must not know admission or any page."""
