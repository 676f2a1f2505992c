"""The model-checks stage: whether a model is the one that a study names, and reads its texts as it was trained to."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from harness.models.loading import LanguageModel, load_language_model, loaded_model, model_files
from harness.models.splicing import token_losses
from harness.models.windows import batched, ids_of
from harness.stages.corpus import windows_of
from harness.stages.stage import stage
from harness.store.tables import write_table
from harness.words.dictionaries import CheckedFact, CorpusWindow, ProbedLanguage, Split
from harness.words.plan import Numerics
from harness.words.records import LoadedFile, LoadedModel
from harness.words.study import ModelPin, Shapes


@stage(on="accelerator")
def model_checks(
    corpus: Path,
    *,
    out: Path,
    model: ModelPin,
    numerics: Numerics,
    shapes: Shapes,
    languages: tuple[str, str],
    windows: int,
    batch_tokens: int,
) -> None:
    """Whether a model is the one that was asked for.

    Writes its shapes and the digests of its files, its loss on some test windows of each language, with and without what stands in
    front, and what of that is as expected. A model that was never trained fails the check of its loss, as it should.
    """
    language_model = load_language_model(model, numerics)
    loaded = loaded_model(language_model)
    probed = [
        probed_language(
            language_model, language, windows_of_language(corpus, language, windows), batch_tokens
        )
        for language in languages
    ]
    write_table(out, LoadedModel, (loaded,))
    write_table(out, LoadedFile, model_files(model))
    write_table(out, ProbedLanguage, probed)
    write_table(out, CheckedFact, [*shape_facts(shapes, loaded), *loss_facts(probed, loaded.vocab_size)])


def windows_of_language(corpus: Path, language: str, count: int) -> list[CorpusWindow]:
    """The first test windows of one language."""
    own = (window for window in windows_of(corpus, Split.TEST) if window.language == language)
    return list(islice(own, count))


def probed_language(
    language_model: LanguageModel, language: str, windows: Sequence[CorpusWindow], batch_tokens: int
) -> ProbedLanguage:
    """The loss on some windows, over the tokens that something of the window stands before."""
    front, sums, tokens = len(language_model.front_ids), [0.0, 0.0], 0
    for batch in batched(windows, batch_tokens, front):
        ids = ids_of(language_model, batch)
        whole = token_losses(language_model, ids)[:, front:]
        bare = token_losses(language_model, ids[:, front:])
        tokens += whole.numel()
        sums = [sums[0] + float(whole.sum()), sums[1] + float(bare.sum())]
    return ProbedLanguage(
        language=language,
        texts=len(windows),
        tokens=tokens,
        nats_per_token=sums[0] / tokens,
        nats_without_front=sums[1] / tokens,
    )


def shape_facts(shapes: Shapes, loaded: LoadedModel) -> Iterator[CheckedFact]:
    """The shapes that the study names, held against those of the weights."""
    for fact in ("num_layers", "d_model", "vocab_size"):
        expected, found = getattr(shapes, fact), getattr(loaded, fact)
        yield CheckedFact(fact=fact, expected=str(expected), found=str(found), passes=expected == found)


def loss_facts(probed: Sequence[ProbedLanguage], vocab_size: int) -> Iterator[CheckedFact]:
    """Each language is predicted better than by guessing, and no worse with what stands in front than without."""
    guessing = math.log(vocab_size)
    for each in probed:
        yield CheckedFact(
            fact=f"loss in {each.language}",
            expected=f"below {guessing:.4f}, that of guessing",
            found=f"{each.nats_per_token:.4f}",
            passes=each.nats_per_token < guessing,
        )
        yield CheckedFact(
            fact=f"loss in {each.language} with what stands in front",
            expected=f"at most {each.nats_without_front:.4f}, that without",
            found=f"{each.nats_per_token:.4f}",
            passes=each.nats_per_token <= each.nats_without_front,
        )
