"""Ids of the estimates that claims are about, in the order in which claims list them."""

from claims.sin2025.study import STUDY
from harness.words.study import Group

LAYERS = tuple(range(STUDY.shapes.num_layers))
EARLY = tuple(range(9))
"""The early third of the layers."""
DEEP = tuple(range(17, 26))
"""The last third."""
HIGH_RESOURCE, LOW_RESOURCE = STUDY.codes(Group.HIGH), STUDY.codes(Group.LOW)
TUNED = tuple(language.code for language in STUDY.tuned)
NAMES = {language.code: language.name for language in STUDY.languages}
BENCHMARKS = {"arc": "ARC-Challenge", "hellaswag": "HellaSwag", "mmlu": "MMLU"}
GAIN_LAYER = STUDY.primary.gain_layer


def gap(layer: int, reference: str) -> str:
    """Gap of the low-resource group in one layer; the reference is "high" or "english"."""
    return f"gap/layer={layer}/{reference}/primary"


def language_gap(layer: int, language: str, reference: str) -> str:
    """Gap of one language in one layer."""
    return f"gap/layer={layer}/lang={language}/{reference}/primary"


def gain(language: str) -> str:
    """Change of a tuned language's activation."""
    return f"gain/layer={GAIN_LAYER}/lang={language}/primary/primary"


def accuracy(language: str, benchmark: str) -> str:
    """Accuracy of the untouched model."""
    return f"accuracy/lang={language}/bench={benchmark}/primary/primary"


def delta(language: str, benchmark: str) -> str:
    """Change of a tuned language's accuracy, in points."""
    return f"delta/lang={language}/bench={benchmark}/primary/primary"


def relative_delta(language: str, benchmark: str) -> str:
    """The same in percent of the accuracy before."""
    return f"relative-delta/lang={language}/bench={benchmark}/relative/primary"


def english_delta(adapter: str, benchmark: str) -> str:
    """Change of English accuracy under one language's adapters, in points."""
    return f"delta-english/lang={adapter}/bench={benchmark}/primary/primary"


def similarity(language: str, layer: int) -> str:
    """Cosine of a language's mean residual stream with that of English, centred."""
    return f"similarity/layer={layer}/lang={language}/centred/primary"
