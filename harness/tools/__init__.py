"""Pure functions of tensors and numbers; no disk, network, clock or environment."""
