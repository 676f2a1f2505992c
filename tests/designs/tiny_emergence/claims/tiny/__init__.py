"""The tiny study of emergence."""
