"""One module an outside system that is off unless its variables are set."""
