"""Pure decisions of jobs: states, and how long to wait before trying again."""
