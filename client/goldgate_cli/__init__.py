"""The ``goldgate`` command and its typed client. Talks only to the REST API; imports nothing of the portal."""
