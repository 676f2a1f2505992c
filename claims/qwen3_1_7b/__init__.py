"""Qwen3-1.7B with Qwen-Scope, another family, without a gate, and SAEs of another kind: the paper's questions, asked elsewhere."""
