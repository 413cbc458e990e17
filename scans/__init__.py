"""Inventory, advisories, matching, findings, coverage; one adapter a scanner. Must not know approvals."""
