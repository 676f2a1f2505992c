"""The translation-scores stage: a translator on sentences that people translated too, or why there are none of them."""

from pathlib import Path

from harness.models.loading import load_translator
from harness.sources.parallel import parallel_sentences
from harness.stages.stage import stage
from harness.stages.translation import translated_texts
from harness.store.tables import write_table
from harness.words.errors import MissingSourceError
from harness.words.plan import ParallelTexts, Parameters
from harness.words.records import ParallelTranslation, UnscoredTranslator


@stage(on="accelerator")
def translation_scores(*, out: Path, translation: Parameters, parallel: ParallelTexts) -> None:
    """The translators against people, on a text of theirs.

    Writes a translator's sentences beside people's. The text is a control: where it cannot be had, or is not laid out as its
    reader expects, one row says so instead.

    Args:
        out: The folder to fill.
        translation: How the translations stage is told to translate phrases; these sentences are translated in the same way.
        parallel: What people translated.
    """
    code = translation["language"].code
    try:
        sentences = parallel_sentences(parallel)
    except MissingSourceError as refusal:
        row = UnscoredTranslator(language=code, why=" ".join(str(refusal).split()))
        write_table(out, UnscoredTranslator, [row])
        return
    translated = translated_texts(
        load_translator(translation["translator"], translation["numerics"]),
        [sentence.source for sentence in sentences],
        translation["target_token"],
        translation["num_beams"],
        translation["batch_texts"],
    )
    rows = (
        ParallelTranslation(
            sentence_id=sentence.sentence_id, language=code, text=each.text, reference=sentence.target
        )
        for sentence, each in zip(sentences, translated, strict=True)
    )
    write_table(out, ParallelTranslation, rows)
