"""Language models, SAEs, adapters and translators, loaded, hooked and read."""
