"""The translation-scores stage: a translator on sentences that people translated too, or why there are none of them."""

from pathlib import Path

from harness.models.translator import load_translator
from harness.sources.parallel import parallel_sentences
from harness.stages.stage import stage
from harness.stages.translation import translated_texts
from harness.store.tables import write_table
from harness.words.errors import MissingSourceError
from harness.words.plan import Numerics, ParallelTexts
from harness.words.records import ParallelTranslation, UnscoredTranslator


@stage(on="accelerator")
def translation_scores(
    translator: Path,
    *,
    out: Path,
    language: str,
    target_token: str | None,
    num_beams: int,
    batch_texts: int,
    numerics: Numerics,
    parallel: ParallelTexts,
) -> None:
    """The translators against people, on a text of theirs.

    Writes a translator's sentences beside people's. The text is a control: where it cannot be had, or is not laid out as its
    reader expects, one row says so instead.
    """
    try:
        sentences = parallel_sentences(parallel)
    except MissingSourceError as refusal:
        row = UnscoredTranslator(language=language, why=" ".join(str(refusal).split()))
        write_table(out, UnscoredTranslator, [row])
        return
    translated = translated_texts(
        load_translator(translator, numerics),
        {number: sentence.source for number, sentence in enumerate(sentences)},
        target_token,
        num_beams,
        batch_texts,
    )
    rows = (
        ParallelTranslation(
            sentence_id=sentence.sentence_id, language=language, text=each.text, reference=sentence.target
        )
        for sentence, each in zip(sentences, translated, strict=True)
    )
    write_table(out, ParallelTranslation, rows)
