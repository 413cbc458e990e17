"""Goldgate on one machine: what ``script/server`` starts, in which order, with which secrets.

Knows processes, files and ports; knows no model. Everything it starts is under one supervisord.
"""
