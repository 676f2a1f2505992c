"""What the house talks about: studies, pins, tasks, items, records, failures; the standard library only."""
