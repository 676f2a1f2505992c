"""What lies on this disk: artifacts, tables, run folders, and the environment that they were made in."""
