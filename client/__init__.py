"""The ``goldgate`` command: talks only to the REST API, imports nothing of ours."""
