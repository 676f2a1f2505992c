"""What is wrong with a benchmark's item for the stock template that is to ask it, on one line; nothing where it can be asked.

The templates themselves say little: they drop an option that is absent, write "None" for another, count an answer that names no
option as wrong, and end in an error about indices for the rest.
"""

import re
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]

Fault = Callable[[Document], str]
"""What is wrong with a document for some template, on one line; nothing where it can be asked as it stands."""

BRACKETS = re.compile(r"\[.*?\]")
"""What two of the templates take out of every text before they ask it."""

LETTERS = "ABCDE"
"""What options are called, in their order."""

FEWEST_OPTIONS = 2

LABELS = ("0", "1", "2", "3")
"""What HellaSwag calls its endings."""

LONGEST_SHOWN = 120
"""Characters of a value that an error shows."""


def arc_fault(document: Document) -> str:
    """What is wrong with an item of ARC: its template drops options that are absent, so that the letters behind them slip."""
    fields = [f"option_{letter.lower()}" for letter in LETTERS]
    while len(fields) > FEWEST_OPTIONS and not document.get(fields[-1]):
        fields.pop()
    faults = (*(_text_fault(document, field, BRACKETS) for field in ("instruction", *fields)),
              _letter_fault(document, LETTERS[: len(fields)]))  # fmt: skip
    return next(filter(None, faults), "")


def mmlu_fault(document: Document) -> str:
    """What is wrong with an item of MMLU: its template writes "None" for an option, and counts other answers as wrong."""
    texts = ("instruction", "option_a", "option_b", "option_c", "option_d")
    faults = (*(_text_fault(document, field) for field in texts), _letter_fault(document, LETTERS[:4]))
    return next(filter(None, faults), "")


def hellaswag_fault(document: Document) -> str:
    """What is wrong with an item of HellaSwag: four endings, the number of one of them, and what stands before."""
    for field in ("activity_label", "ctx_a", "ctx_b"):
        if not isinstance(document.get(field), str):
            return _told(document, field, "text")
    if not "".join(document[field] for field in ("ctx_a", "ctx_b")).strip():
        return _told(document, "ctx_a", "some text in it or in ctx_b")
    endings, label = document.get("endings"), document.get("label")
    if not isinstance(endings, list) or len(endings) != len(LABELS):
        return _told(document, "endings", f"a list of {len(LABELS)} texts")
    if not all(isinstance(ending, str) and BRACKETS.sub("", ending).strip() for ending in endings):
        return _told(document, "endings", "some text in each, also without what stands in brackets")
    if not isinstance(label, str) or label.strip() not in LABELS:
        return _told(document, "label", f"the text of one of {', '.join(LABELS)}")
    return ""


def _text_fault(document: Document, field: str, without: re.Pattern[str] | None = None) -> str:
    text = document.get(field)
    if not isinstance(text, str):
        return _told(document, field, "text")
    if not (without.sub("", text) if without else text).strip():
        return _told(
            document, field, "some text" + (", also without what stands in brackets" if without else "")
        )
    return ""


def _letter_fault(document: Document, letters: str) -> str:
    answer = document.get("answer")
    if isinstance(answer, str) and answer in tuple(letters):
        return ""
    return _told(document, "answer", f"the letter of an option that it has, one of {', '.join(letters)}")


def _told(document: Document, field: str, expected: str) -> str:
    return f"{field} is {shown(document.get(field))}; expected {expected}"


def has_twin(document: Document) -> bool:
    """Whether the right option of a sound item is spelled like another one: asked by its text, only the first can win."""
    if "endings" in document:
        options, right = document["endings"], int(document["label"])
    else:
        options = [document.get(f"option_{letter.lower()}") for letter in LETTERS]
        right = LETTERS.index(document["answer"])
    return bool(options.count(options[right]) > 1)


def shown(value: object) -> str:
    """A value of a foreign file as errors show it: on one line of letters that every terminal has, cut where it is long."""
    said = ascii(value)
    return said if len(said) <= LONGEST_SHOWN else f"{said[:LONGEST_SHOWN]}..."
