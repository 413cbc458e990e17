"""What shows several rooms at once: the pages people see, one module a page family. No rules live here."""
