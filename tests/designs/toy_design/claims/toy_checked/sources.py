"""The same title as in the study that it checks."""

from claims.toy.sources import CONFLICTS, SOURCES

__all__ = ["CONFLICTS", "SOURCES"]
