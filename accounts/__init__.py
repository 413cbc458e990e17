"""People, teams, roles and service tokens. Must not know what they decide about."""
