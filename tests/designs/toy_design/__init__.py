"""A second kind of study, complete: two stages, one quantity, one claim. Nothing of it stands anywhere else."""
