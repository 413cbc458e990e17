"""Pure parts of signing: payloads, statements, envelopes, and their verification."""
