"""The toy study."""
