"""Pure arithmetic: numbers in, estimates, errors and intervals out."""
