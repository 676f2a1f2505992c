"""A third study of emergence, complete: a model of three layers at three checkpoints, and four claims. Nothing of it stands anywhere else."""
