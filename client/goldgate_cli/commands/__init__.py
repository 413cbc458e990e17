"""The subcommands, one module a noun."""
