"""arXiv 2507.18918, "Uncovering Cross-Linguistic Disparities in LLMs using Sparse Autoencoders"."""
