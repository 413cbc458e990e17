"""Pure rules of the accounts: names that fold together, what a token looks like."""
