"""Gemma-3-1B with Gemma Scope 2, the next of the paper's family, as deep and half as wide: the paper's questions, asked elsewhere."""
