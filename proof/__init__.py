"""Proofs that take minutes: kills at random moments, full and read-only disks, no network, foreign users, edited code."""
