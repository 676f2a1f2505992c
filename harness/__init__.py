"""The instrument: re-runs a study from public models and measures it; knows nothing of any one paper."""

from importlib import import_module

IN_NOTEBOOKS = ("open_run", "judge_number", "plan")
"""What `import harness` gives beside the packages, found when it is first asked for: no stage rests on it."""


def __getattr__(name: str) -> object:
    """What a notebook works with."""
    if name in IN_NOTEBOOKS:
        return getattr(import_module("harness.notebook"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What a notebook completes: the packages that are loaded, and what it works with."""
    return sorted({*globals(), *IN_NOTEBOOKS})
