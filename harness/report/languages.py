"""The languages of a study as tables name, order and group them."""

from collections.abc import Sequence

from harness.words.runfacts import LanguageFact

GROUPS = {"reference": "Reference", "high": "High-resource", "low": "Low-resource"}


class Languages:
    """Names, places and groups by code; a code that is unknown keeps itself for a name and stands last."""

    def __init__(self, known: Sequence[LanguageFact] = ()) -> None:
        self._known = {language.code: language for language in known}
        self._places = {code: place for place, code in enumerate(self._known)}

    def name(self, code: str) -> str:
        """Such as "Malayalam (ml)"."""
        language = self._known.get(code)
        return f"{language.name} ({code})" if language else code

    def place(self, code: str | None) -> int:
        """Place in the study's order; numbers of no single language come first."""
        return -1 if code is None else self._places.get(code, len(self._places))

    def group(self, code: str | None) -> str:
        """Words for the language's side of the comparison; nothing where none is known."""
        language = self._known.get(code or "")
        return GROUPS[language.group] if language else ""
