"""How fast the expensive stages are, against other ways to the same numbers, in CPU time and memory."""
