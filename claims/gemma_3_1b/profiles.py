"""The worlds of Gemma-3-1B with Gemma Scope 2: the true one, and its shapes with random weights."""

from claims import elsewhere
from claims.gemma_3_1b import pins
from claims.gemma_3_1b.study import CALLED, STUDY

PROFILES = elsewhere.profiles(
    CALLED,
    {
        "model": pins.MODEL,
        "dictionaries": pins.DICTIONARIES,
        "dictionary_files": pins.DICTIONARY_FILES,
        "dictionary_form": pins.FORM,
        **elsewhere.harvested(STUDY.shapes),
    },
    elsewhere.harvested_here(pins.MODEL.facts, STUDY.shapes, pins.FORM),
)
