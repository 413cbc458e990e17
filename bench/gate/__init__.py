"""The gate's figures: engine, requests per CPU-second beside OPA and a plain Go handler, a million digests."""
