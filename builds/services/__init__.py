"""Every write of the room, one function a use case; one module a noun."""
