"""Gemma-2-9B with Gemma Scope 9B, the paper's family at four times the size: its questions, asked elsewhere."""
