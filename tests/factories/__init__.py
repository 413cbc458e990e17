"""One module a room. Factories make the valid thing."""
