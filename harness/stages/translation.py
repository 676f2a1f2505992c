"""From phrases to translations: models converted for their engine, the phrases translated in shards, and what looks wrong.

A shard holds a fixed number of phrases and is made all or nothing, so that a machine that is lost loses minutes. A text is
flagged by what is usual in its language, so only once all shards are there.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.models.translator import Translator, convert_marian, load_translator
from harness.models.work import METER
from harness.stages.lengths import is_odd_length, usual_ratio
from harness.stages.stage import stage
from harness.store.tables import read_table, write_table
from harness.words.plan import Numerics
from harness.words.records import Text, Translated, Translation
from harness.words.study import Language, Pin

MAX_NEW_TOKENS = 512
"""Longest translation in tokens, its end among them: what opus-mt models are made for. A model with fewer positions is
stopped there."""

PATIENCE = 3
"""A search ends once so many times as many translations have ended as it has beams.

The study's searches are those of transformers' `generate`, which goes on for as long as a longer translation could still be
the likelier one. Measured on the miniature's translators into Russian and Italian, texts of which both say the same: at 3 all
of their own phrases, all of two such phrases in one text, and 98 in 100 rows of random words; at 1, the engine's default, 99.7,
90 and 79 in 100.
"""

MIN_SCRIPT_FRACTION = 0.5
"""Share of letters in the language's script below which a translation is flagged."""

MIN_PIECES = 6
MAX_PIECE_FRACTION = 0.5
"""A text of some length is repetitive when one word, or one letter, makes up more than this share of it."""


@stage(on="processor")
def converted_translators(*, out: Path, translator: Pin) -> None:
    """Translation models in the form of their engine.

    Writes a model in float32 with the files of its tokenizer.
    """
    convert_marian(translator, out)


@stage(on="accelerator")
def translation_shards(
    phrases: Path,
    translator: Path,
    *,
    out: Path,
    shard: int,
    shard_texts: int,
    target_token: str | None,
    num_beams: int,
    batch_texts: int,
    numerics: Numerics,
) -> None:
    """The phrases as a translator says them, in shards.

    Writes what it makes of the phrases from number `shard * shard_texts` on, `shard_texts` of them at most; there may be none.
    """
    own = read_table(phrases, Text)[shard * shard_texts :][:shard_texts]
    texts = {text.text_id: text.text for text in own}
    rows = (
        translated_texts(load_translator(translator, numerics), texts, target_token, num_beams, batch_texts)
        if texts
        else []
    )
    write_table(out, Translated, rows)


@stage(on="processor")
def translations(inputs: Mapping[str, Path], *, out: Path, language: Language) -> None:
    """The phrases in every target language.

    Writes the translations of all phrases into one of them, in the order of the phrases, with what looks wrong about each.

    Args:
        inputs: The folder of the phrases, by the role "phrases", and those of all its shards, in their order.
        out: The folder to fill.
        language: The language that was asked for.

    Raises:
        ValueError: If the shards are not those of the phrases.
    """
    texts = read_table(inputs["phrases"], Text)
    shards = [folder for role, folder in inputs.items() if role != "phrases"]
    translated = [row for folder in shards for row in read_table(folder, Translated)]
    if [text.text_id for text in texts] != [row.text_id for row in translated]:
        raise ValueError(
            f"{len(texts)} phrases, but {len(translated)} translations in {len(shards)} shards, or another order; they are of "
            "different runs, or the plan has too few shards: run the stages from phrases on again"
        )
    pairs = list(zip(texts, translated, strict=True))
    ratio = usual_ratio([(text.text, each.text) for text, each in pairs])
    write_table(out, Translation, (flagged(text, each, language, ratio) for text, each in pairs))


def translated_texts(
    translator: Translator,
    texts: Mapping[int, str],
    target_token: str | None,
    num_beams: int,
    batch_texts: int,
) -> list[Translated]:
    """Each text translated, in the order given; there must be some.

    Raises:
        ValueError: If the model does not know the target token; it would silently become `<unk>`.
    """
    _require_known(translator, target_token)
    METER.translated += len(texts)
    prefix = f"{target_token} " if target_token else ""
    sources = [_asked(prefix, text) for text in texts.values()]
    tokenizer, positions = translator.tokenizer, translator.max_positions
    whole: list[list[int]] = tokenizer(sources, verbose=False)["input_ids"]
    # Cut before the end token, which stays: a text past the position table cannot be read at all.
    read = [ids if len(ids) <= positions else [*ids[: positions - 1], ids[-1]] for ids in whole]
    found = translator.engine.translate_batch(
        [tokenizer.convert_ids_to_tokens(ids) for ids in read],
        beam_size=num_beams,
        patience=PATIENCE,
        max_batch_size=batch_texts,
        max_input_length=0,
        # An empty translation is one, and gets its flag; the engine would have at least one word.
        min_decoding_length=0,
        # What has not ended one token earlier would be ended by force.
        max_decoding_length=min(MAX_NEW_TOKENS, positions) - 1,
        return_end_token=True,
    )
    said = [tokenizer.convert_tokens_to_ids(each.hypotheses[0]) for each in found]
    decoded: list[str] = tokenizer.batch_decode(said, skip_special_tokens=True)
    return [
        Translated(
            text_id=text_id,
            text=text,
            is_truncated=tokenizer.eos_token_id not in tokens or len(ids) > positions,
        )
        for text_id, text, tokens, ids in zip(texts, decoded, said, whole, strict=True)
    ]


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


def _require_known(translator: Translator, target_token: str | None) -> None:
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
