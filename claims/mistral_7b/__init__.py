"""Mistral-7B with SAEs at three of its layers, as its critics name it: the paper's questions, asked elsewhere."""
