"""The room's job handlers, one module a noun. Each is a shell: ids in, one service call."""
