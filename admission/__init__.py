"""Clusters and their gates, snapshot publishing, the decisions received. Knows every room below; no page and no other room but web and portal knows it."""
