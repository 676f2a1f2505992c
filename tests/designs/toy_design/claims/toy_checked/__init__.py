"""The toy study once more, with a claim whose verdict is known."""
