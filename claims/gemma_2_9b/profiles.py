"""The worlds of Gemma-2-9B with Gemma Scope 9B: the true one, and its shapes with random weights."""

from claims import elsewhere
from claims.gemma_2_9b import pins
from claims.gemma_2_9b.study import CALLED, STUDY

PROFILES = elsewhere.profiles(
    CALLED,
    {
        "model": pins.MODEL,
        "dictionaries": pins.DICTIONARIES,
        "dictionary_files": pins.DICTIONARY_FILES,
        "phrases": pins.PHRASES,
        "phrase_source_ids": pins.PHRASE_SOURCE_IDS,
    },
    elsewhere.made_here(pins.MODEL.facts, STUDY.shapes),
)
