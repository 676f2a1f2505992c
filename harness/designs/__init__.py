"""Kinds of study: which stages one has, and which quantities are formed from what they store."""
