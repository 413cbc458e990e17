"""Every read of the room beyond a get, one module a noun."""
