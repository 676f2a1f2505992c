"""English or not: a light check of one text, by its letters, its marks and its function words."""

import re

MIN_LATIN_FRACTION = 0.7
"""Share of letters from the basic Latin alphabet below which a text is not taken for English."""

CODE_MARKS = frozenset(r"{}<>;=\|_^~`")
"""Characters that are rare in prose and common in code and mark-up."""

MAX_CODE_FRACTION = 0.05
"""Share of characters, white space out, above which code marks speak against prose; a single one never does."""

MIN_JUDGED_WORDS = 8
"""Words from which on a text must hold function words; names, dates and lists are shorter."""

WORD = re.compile(r"[^\W\d_]+")

ENGLISH_WORDS = frozenset(
    WORD.findall(
        "the of and to in is that it for was on with be by are this from at which or an not has have had but they their "
        "his her he she you we our your its were been will would can could should about into when who what there than "
        "more if then so as all my these those any some one how out up"
    )
)
"""Function words of English; "a" and "no" are left out, since other languages have them too."""

OTHER_WORDS = frozenset(
    WORD.findall(
        # Spanish, Italian and Catalan
        "el la los las del de que y en un una por con para se su lo al como pero sus le es él más muy cuando "
        "il gli di che per della dei delle nel nella sono si non alla dal più anche questo questa è "
        "els amb dels pel són més aquest aquesta seva als "
        # Indonesian
        "yang dan dari untuk dengan pada ini itu adalah ke tidak akan dalam oleh juga atau karena sebagai bahwa di "
        # French, German and Portuguese
        "les des du et une qui dans sur est au aux avec ce cette elle ne sont nous vous mais ou leur "
        "der das und ist nicht von zu mit sich auf ein eine dem auch dass wird bei sind oder aus nach für über "
        "os um uma não em ao pelo pela seu sua foi são à"
    )
)
"""Function words of neighbours of English in the Latin alphabet, without those that English has as well."""


def looks_english(text: str) -> bool:
    """True when nothing speaks against English prose: a light check, not the naming of a language.

    A text passes that has letters, nearly all of them of the basic Latin alphabet, and few code marks; if it has
    eight words or more, it also needs function words of English, and more of them than of its neighbours' languages.
    A shorter text in another language of the Latin alphabet passes.
    """
    letters = list(filter(str.isalpha, text))
    if not letters or sum(map(str.isascii, letters)) < MIN_LATIN_FRACTION * len(letters):
        return False
    return not _looks_like_code(text) and _has_english_words(text)


def _looks_like_code(text: str) -> bool:
    num_marks = sum(map(CODE_MARKS.__contains__, text))
    return num_marks > max(1, MAX_CODE_FRACTION * sum(map(len, text.split())))


def _has_english_words(text: str) -> bool:
    words = WORD.findall(text.casefold())
    if len(words) < MIN_JUDGED_WORDS:
        return True
    num_english = sum(map(ENGLISH_WORDS.__contains__, words))
    return num_english > sum(map(OTHER_WORDS.__contains__, words))
