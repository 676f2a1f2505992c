"""arXiv 2503.06394: how a bilingual language model becomes bilingual."""
