"""Disparity: how a model's latents answer languages of high and of low resource, and what adapters change of it."""
