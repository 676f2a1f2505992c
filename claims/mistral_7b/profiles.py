"""The worlds of Mistral-7B: the true one, and its shapes with random weights."""

from claims import elsewhere
from claims.mistral_7b import pins
from claims.mistral_7b.study import CALLED, STUDY

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
