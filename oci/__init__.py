"""Pure types of the OCI world: reference, digest, descriptor, media types. No I/O."""
