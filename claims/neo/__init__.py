"""MAP-Neo, three models of English and Chinese with their checkpoints: what arXiv 2503.06394 claims, asked elsewhere."""
