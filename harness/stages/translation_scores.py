"""The translation-scores stage: a translator on sentences that people translated too, or why there are none of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.models.loading import load_translator
from harness.sources.parallel import ParallelSentence, parallel_sentences
from harness.stages.translation import translations
from harness.store.tables import write_table
from harness.words.errors import MissingSourceError
from harness.words.plan import TranslationScoresTask, TranslationTask
from harness.words.records import ParallelTranslation, UnscoredTranslator


def produce(task: TranslationScoresTask, inputs: Mapping[str, Path], out: Path) -> None:  # noqa: ARG001  it needs nothing
    """Write the translator's sentences beside people's.

    The text is a control: where it cannot be had, or is not laid out as its reader expects, one row says so instead.
    """
    try:
        sentences = parallel_sentences(task.parallel)
    except MissingSourceError as refusal:
        why = " ".join(str(refusal).split())
        row = UnscoredTranslator(language=task.translation.language.code, why=why)
        write_table(out, UnscoredTranslator, [row])
        return
    write_table(out, ParallelTranslation, parallel_translations(task.translation, sentences))


def parallel_translations(
    task: TranslationTask, sentences: Sequence[ParallelSentence]
) -> Iterator[ParallelTranslation]:
    """Sentences by the translator, in the very way in which it translates phrases, and by people."""
    translator = load_translator(task.translator, task.numerics)
    sources = [sentence.source for sentence in sentences]
    translated = translations(translator, sources, task.target_token, task.num_beams, task.batch_texts)
    for sentence, each in zip(sentences, translated, strict=True):
        yield ParallelTranslation(
            sentence_id=sentence.sentence_id,
            language=task.language.code,
            text=each.text,
            reference=sentence.target,
        )
