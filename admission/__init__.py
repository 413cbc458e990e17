"""Clusters and their gates, snapshot publishing, the decisions received. Only web and portal know it."""
