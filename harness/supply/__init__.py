"""The only doors to hub, disk, clock and environment."""
