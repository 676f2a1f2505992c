"""The stages: each makes one kind of artifact from those before it."""
