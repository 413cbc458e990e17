"""Durable jobs: leases, retries, progress. PostgreSQL is the queue of record. Must not know what a job does."""
