"""Settings: base is shared, production is what runs, test is what pytest runs."""
