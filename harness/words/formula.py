"""How the values of units become one estimate: one name per formula, for those who compute and those who judge."""

from enum import StrEnum


class Formula(StrEnum):
    """What is computed from the two sides of every unit; estimates of several seeds are the mean over seeds."""

    GAP = "gap-percent"
    """100 * (1 - sum(observed) / sum(reference))."""
    MEAN_OF_GAPS = "mean-of-gaps-percent"
    """100 * mean(1 - observed / reference)."""
    CHANGE = "change-percent"
    """100 * (sum(observed) / sum(reference) - 1)."""
    RATIO = "ratio-percent"
    """100 * sum(observed) / sum(reference)."""
    DIFFERENCE = "mean-difference"
    """mean(observed - reference); a plain mean has reference 0."""
    PEARSON = "pearson"
    """Correlation of observed with reference."""
    NO_UNITS = "no-units"
    """A single figure, stored without what it was made from."""


class InconsistentError(ValueError):
    """The units of an estimate do not give its value, or do not belong together."""
