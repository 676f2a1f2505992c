"""How a bilingual model becomes bilingual: dictionaries trained on its checkpoints, and the languages of their latents."""
