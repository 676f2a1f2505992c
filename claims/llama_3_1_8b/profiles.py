"""The worlds of Llama-3.1-8B with Llama Scope 8x: the true one, and its shapes with random weights."""

from claims import elsewhere
from claims.llama_3_1_8b import pins
from claims.llama_3_1_8b.study import CALLED, STUDY

PROFILES = elsewhere.profiles(
    CALLED,
    {
        "model": pins.MODEL,
        "dictionaries": pins.DICTIONARIES,
        "dictionary_files": pins.DICTIONARY_FILES,
        "phrases": pins.PHRASES,
        "phrase_source_ids": pins.PHRASE_SOURCE_IDS,
        "dictionary_form": pins.FORM,
    },
    elsewhere.made_here(pins.MODEL.facts, STUDY.shapes),
)
