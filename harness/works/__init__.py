"""The stages, what they are put together from, and their map."""
