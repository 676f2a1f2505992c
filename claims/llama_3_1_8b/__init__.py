"""Llama-3.1-8B with Llama Scope, another family with another vocabulary: the paper's questions, asked elsewhere."""
