"""Stands where sae-lens imports wandb: it needs one to be loaded, and uses it in training alone, which no run does."""
