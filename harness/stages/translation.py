"""The translations stage: every phrase in one target language, with flags for what looks wrong."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Bool, Int
from torch import Tensor

from harness.models.loading import TranslationModel, load_translator
from harness.stages.lengths import is_odd_length, usual_ratio
from harness.stages.stage import stage
from harness.store.tables import read_table, write_table
from harness.words.plan import Numerics
from harness.words.records import Text, Translation
from harness.words.study import Language, Pin

MAX_NEW_TOKENS = 512
"""Longest translation in tokens: what opus-mt models are made for. A model with fewer positions is stopped there."""

MIN_SCRIPT_FRACTION = 0.5
"""Share of letters in the language's script below which a translation is flagged."""

MIN_PIECES = 6
MAX_PIECE_FRACTION = 0.5
"""A text of some length is repetitive when one word, or one letter, makes up more than this share of it."""


@dataclass(frozen=True, kw_only=True)
class Translated:
    """What the model made of one text."""

    text: str
    is_truncated: bool
    """True when the model was stopped before the end of its translation, or of the text."""


@stage(on="accelerator")
def translations(
    phrases: Path,
    *,
    out: Path,
    language: Language,
    translator: Pin,
    target_token: str | None,
    num_beams: int,
    batch_texts: int,
    numerics: Numerics,
) -> None:
    """The phrases in every target language.

    Writes the translations of all phrases into one of them, in the order of the phrases.
    """
    texts = read_table(phrases, Text)
    model = load_translator(translator, numerics)
    sources = [text.text for text in texts]
    translated = translated_texts(model, sources, target_token, num_beams, batch_texts)
    ratio = usual_ratio([(text, each.text) for text, each in zip(sources, translated, strict=True)])
    rows = (flagged(text, each, language, ratio) for text, each in zip(texts, translated, strict=True))
    write_table(out, Translation, rows)


def translated_texts(
    translator: TranslationModel,
    texts: Sequence[str],
    target_token: str | None,
    num_beams: int,
    batch_texts: int,
) -> list[Translated]:
    """Each text translated, in the order given.

    Raises:
        ValueError: If the model does not know the target token; it would silently become `<unk>`.
    """
    prefix = f"{target_token} " if target_token else ""
    _require_known(translator, target_token)
    order = sorted(range(len(texts)), key=lambda index: (-len(texts[index]), index))
    results: dict[int, Translated] = {}
    for batch in _chunks(order, batch_texts):
        translated = _translate_batch(
            translator, [_asked(prefix, texts[index]) for index in batch], num_beams
        )
        results.update(zip(batch, translated, strict=True))
    return [results[index] for index in range(len(texts))]


def flagged(text: Text, translated: Translated, language: Language, ratio: float) -> Translation:
    """A translation with what looks wrong about it.

    Args:
        text: What was translated.
        translated: What the model made of it.
        language: The language that was asked for.
        ratio: Characters of a translation for each of its source, as is usual in that language.
    """
    translation = translated.text
    return Translation(
        text_id=text.text_id,
        language=language.code,
        text=translation,
        is_empty=not translation.strip(),
        is_copy=translation.strip().casefold() == text.text.strip().casefold(),
        is_repetitive=_is_repetitive(translation),
        is_wrong_script=script_fraction(translation, language.script) < MIN_SCRIPT_FRACTION,
        is_odd_length=is_odd_length(text.text, translation, ratio),
        is_truncated=translated.is_truncated,
    )


def truncated(
    generated: Int[Tensor, "text position"], eos_id: int, max_new_tokens: int
) -> Bool[Tensor, "text"]:
    """True where a translation did not end before its last allowed token.

    An end in the very last place counts as cut, since these models are made to end there.

    Args:
        generated: Token ids of each text, the one that starts the decoder first.
        eos_id: Id of the token that ends a translation.
        max_new_tokens: Most tokens that may follow the first.
    """
    return ~(generated[:, 1:max_new_tokens] == eos_id).any(dim=1)


def script_fraction(text: str, script: str) -> float:
    """Share of the letters that belong to a script; 1 where there are no letters to judge by.

    Args:
        text: What to look at.
        script: First word of the letters' Unicode names, such as "DEVANAGARI".
    """
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return 1.0
    return sum(unicodedata.name(letter, "").startswith(script) for letter in letters) / len(letters)


def _is_repetitive(text: str) -> bool:
    # Letters serve scripts that put no space between words; no word of any language is mostly one letter.
    return any(_one_piece_rules(pieces) for pieces in (text.split(), text.replace(" ", "")))


def _one_piece_rules(pieces: Sequence[str]) -> bool:
    if len(pieces) < MIN_PIECES:
        return False
    return Counter(pieces).most_common(1)[0][1] > MAX_PIECE_FRACTION * len(pieces)


def _require_known(translator: TranslationModel, target_token: str | None) -> None:
    if target_token is None:
        return
    tokenizer = translator.tokenizer
    if tokenizer.convert_tokens_to_ids(target_token) == tokenizer.unk_token_id:
        raise ValueError(
            f"the translation model {tokenizer.name_or_path!r} does not know the target token {target_token!r}; "
            "it would be read as <unk> and the language left to chance; correct the study's pin"
        )


def _asked(prefix: str, text: str) -> str:
    # What such marks enclose at the very front would be taken for a target token.
    return f" {text}" if not prefix and text.startswith(">>") else prefix + text


def _translate_batch(
    translator: TranslationModel, sources: Sequence[str], num_beams: int
) -> list[Translated]:
    model, tokenizer = translator.model, translator.tokenizer
    positions = model.config.max_position_embeddings
    # Cut before the end token, which stays: a text past the position table cannot be read at all.
    batch = tokenizer(
        list(sources), return_tensors="pt", padding=True, truncation=True, max_length=positions
    ).to(model.device)
    limit = min(MAX_NEW_TOKENS, positions)
    generated = model.generate(**batch, num_beams=num_beams, max_new_tokens=limit, do_sample=False)
    decoded: list[str] = tokenizer.batch_decode(generated, skip_special_tokens=True)
    cut = truncated(generated, tokenizer.eos_token_id, limit).tolist()
    whole = [len(tokens) for tokens in tokenizer(list(sources), verbose=False)["input_ids"]]
    return [
        Translated(text=text, is_truncated=is_cut or tokens > positions)
        for text, is_cut, tokens in zip(decoded, cut, whole, strict=True)
    ]


def _chunks(indices: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]
