"""The gate: decision engine, snapshot reader, server, Kubernetes protocols. No Django, no database."""
