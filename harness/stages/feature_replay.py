"""The feature-replay stage: what the authors show of their own dictionary's features, computed anew from model and dictionary.

Of each feature their demonstration holds some windows, with tenths of its largest value at every token. A model or a dictionary that was
loaded wrongly gives others; so does the stream of another layer.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from harness.models.loading import LanguageModel, load_language_model, loaded_model, model_files
from harness.models.params import topk_file
from harness.models.topk import TopKSAE, released_sae, unit
from harness.models.windows import visit_windows
from harness.sources.pins import how_to_mend, locate
from harness.stages.demo_replay import LEVELS, Example, feature_files, read_feature
from harness.stages.examples import piece_texts
from harness.stages.replay import layer_replay, replayed_row, require_some
from harness.stages.stage import stage
from harness.statistics.finite import require_finite
from harness.statistics.replay_gate import Agreement, agreement
from harness.store.files import file_sha256
from harness.store.tables import write_table
from harness.words.dictionaries import CorpusWindow, Split
from harness.words.errors import MissingSourceError, UsageError
from harness.words.plan import Numerics
from harness.words.records import LayerReplay, LoadedFile, LoadedModel, ReplayedRow
from harness.words.study import ModelPin, Pin


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One feature of the demonstration, with the ids of its tokens."""

    latent: int
    ids: tuple[tuple[int, ...], ...]
    """Of every window."""
    levels: tuple[int, ...]
    """Of every token of all windows, one after the other."""


@stage(on="accelerator")
def feature_replay(
    *,
    out: Path,
    demo: Pin,
    folder: str,
    step: int,
    dictionary: Pin,
    k: int,
    layer: int,
    model: ModelPin,
    numerics: Numerics,
    batch_tokens: int,
) -> None:
    """Features of the authors' demonstration, found again.

    Writes the loaded networks, every feature of the step, and whether enough of them are found again.

    Raises:
        MissingSourceError: If there is no feature of the step, or one is told otherwise than the authors tell them.
        UsageError: If the dictionary cannot be read, is of a model of another width, or has fewer latents than are shown.
        WrongNetworksError: If a demonstration from elsewhere is not found again.
    """
    language_model = load_language_model(model, numerics)
    try:
        file = topk_file(dictionary)
        sae = released_sae(dictionary, file, k).to(numerics.device)
    except ValueError as error:
        raise UsageError(str(error)) from error
    loaded = loaded_model(language_model)
    if (width := len(sae.b_dec)) != loaded.d_model:
        raise UsageError(
            f"{dictionary} reads a stream {width} wide; that of {model} is {loaded.d_model} wide, so that it is another model's "
            f"dictionary; {how_to_mend(dictionary)}"
        )
    shown = list(shown_features(demo, folder, step, language_model, sae.latents))
    found, bare = (
        agreements(each, sae, shown, layer, batch_tokens)
        for each in (language_model, replace(language_model, front_ids=()))
    )
    read = LoadedFile(source=dictionary.name, path=file, sha256=file_sha256(locate(dictionary) / file))
    write_table(out, LoadedModel, (loaded,))
    write_table(out, LoadedFile, (*model_files(model), read))
    rows = (
        replayed_row(layer, feature.latent, len(feature.levels), each)
        for feature, each in zip(shown, found, strict=True)
    )
    write_table(out, ReplayedRow, rows)
    replayed = layer_replay(layer, width, sae.latents, found, bare)
    write_table(out, LayerReplay, (replayed,))
    require_some(demo, (replayed,))


def shown_features(
    demo: Pin, folder: str, step: int, language_model: LanguageModel, latents: int
) -> Iterator[Shown]:
    """The features of a step that fire somewhere in their windows.

    Raises:
        MissingSourceError: If a file is not as the authors write theirs, or holds a piece that the tokenizer lacks.
        UsageError: If a feature is shown that the dictionary does not have.
    """
    ids = _ids_by_text(language_model)
    for path in feature_files(demo, folder, step):
        feature = read_feature(demo, path)
        if feature.number >= latents:
            raise UsageError(
                f"{demo}: {step}/{path.name} shows a feature that the dictionary of {latents} latents does not have; they do not "
                f"belong together; {how_to_mend(demo)}, or that of the dictionary"
            )
        levels = tuple(level for example in feature.examples for _, level in example)
        if any(level > 0 for level in levels):
            windows = tuple(_spelled(demo, path, example, ids) for example in feature.examples)
            yield Shown(latent=feature.number, ids=windows, levels=levels)


def _ids_by_text(language_model: LanguageModel) -> Mapping[str, int]:
    """Ids by what the authors write for a piece; of two that they write alike neither could be told."""
    _, texts = piece_texts(language_model)
    by_text: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        by_text.setdefault(text, []).append(number)
    return {text: numbers[0] for text, numbers in by_text.items() if len(numbers) == 1}


def _spelled(demo: Pin, path: Path, example: Example, ids: Mapping[str, int]) -> tuple[int, ...]:
    if unknown := [text for text, _ in example if text not in ids]:
        raise MissingSourceError(
            f"{demo}: {path.parent.name}/{path.name} holds the piece {unknown[0]!r}, which the tokenizer does not have; the features "
            f"are of another model; {how_to_mend(demo)}, or that of the model"
        )
    return tuple(ids[text] for text, _ in example)


def agreements(
    language_model: LanguageModel, sae: TopKSAE, shown: Sequence[Shown], layer: int, batch_tokens: int
) -> list[Agreement]:
    """How well each feature's levels agree with those that are stored."""
    windows = [
        CorpusWindow(text_id=number, language="", split=Split.TEST, document=place, token_ids=token_ids)
        for number, (place, token_ids) in enumerate(
            (place, token_ids) for place, feature in enumerate(shown) for token_ids in feature.ids
        )
    ]
    values: dict[int, list[float]] = {}

    def visit(_layer: int, stream: Tensor, batch: Sequence[CorpusWindow]) -> None:
        require_finite(stream)
        own = torch.tensor([shown[window.document].latent for window in batch], device=stream.device)
        pre_acts = sae.pre_acts(unit(stream)).gather(2, own[:, None, None].expand(-1, stream.shape[1], 1))
        for window, row in zip(batch, pre_acts[..., 0].tolist(), strict=True):
            values[window.text_id] = row

    # A pass takes windows of one length.
    by_length = sorted(windows, key=lambda window: len(window.token_ids))
    for _, group in groupby(by_length, key=lambda window: len(window.token_ids)):
        visit_windows(language_model, group, (layer,), batch_tokens, visit)
    by_feature: list[list[float]] = [[] for _ in shown]
    for window in windows:
        by_feature[window.document] += values[window.text_id]
    return [agreement(feature.levels, levels_of(own)) for feature, own in zip(shown, by_feature, strict=True)]


def levels_of(values: Sequence[float]) -> list[int]:
    """Values in tenths of the largest one, rounded up; what is below zero is zero, as the authors' code has it."""
    largest = max(values)
    if largest <= 0:
        return [0] * len(values)
    return [max(0, math.ceil(LEVELS * value / largest)) for value in values]
