"""Values of single phrases that somebody else measured, estimated as a run estimates its own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from harness.designs.disparity.base import BaseRun, gaps
from harness.designs.disparity.tuning import gain_scopes, of_latents, read_tuned_run
from harness.designs.estimand import PhraseValues
from harness.statistics.measured import Measured
from harness.store.tables import write_table
from harness.words.errors import UsageError
from harness.words.estimate import Formula
from harness.words.records import Selection, Text, TextLength, TokenActivation, adapter_name
from harness.words.study import Study


def measured_values(
    study: Study, before: PhraseValues, adapter: str, after: Mapping[int, PhraseValues]
) -> tuple[Measured, ...]:
    """Gaps where every language of the study is given, and the gain of one adapter where its seeds are.

    The values are put into the tables that a run would have stored, one token a phrase, and read by the estimates themselves.

    Args:
        study: Languages, groups, gain layer and how values become a gap.
        before: Of the untouched model: languages and layers of the study, each phrase of a latent once, activations.
        adapter: Language that the adapters were trained for; empty where there are none.
        after: The same language through the adapter of every training seed.

    Raises:
        UsageError: If a language or phrase is missing where others have it.
    """
    _refuse(before, "the untouched model")
    for seed, values in after.items():
        _refuse(values, f"seed {seed}")
    given = [language for language in study.languages if language.code in set(before.language.tolist())]
    found: list[Measured] = []
    with TemporaryDirectory(prefix="values-") as scratch:
        if len(given) == len(study.languages):
            found += gaps(_run(study, before, Path(scratch) / "gaps"))
        if adapter:
            found.append(_gain(study, before, adapter, after, Path(scratch) / "gain"))
    if not found:
        lacking = ", ".join(language.code for language in study.languages if language not in given)
        raise UsageError(
            f"a gap needs every language of {study.name}, and {lacking} are missing; a gain needs --adapter and --after"
        )
    return tuple(found)


def _refuse(values: PhraseValues, whose: str) -> None:
    """Every language has the same phrases of the same latents."""
    rows = {code: _keys(values, values.language == code) for code in dict.fromkeys(values.language.tolist())}
    every = set().union(*rows.values())
    for code, own in rows.items():
        if lacking := every - set(own):
            layer, latent, text = min(lacking)
            raise UsageError(
                f"{whose}: {code} lacks {len(lacking):,} of {len(every):,} phrases, such as layer {layer}, latent {latent}, text "
                f"{text!r}; languages are compared on the same phrases"
            )


def _keys(values: PhraseValues, mask: NDArray[np.bool_]) -> list[tuple[int, int, str]]:
    return list(
        zip(
            values.layer[mask].tolist(), values.latent[mask].tolist(), values.text[mask].tolist(), strict=True
        )
    )


def _run(study: Study, values: PhraseValues, folder: Path, seeds: tuple[int, ...] = ()) -> BaseRun:
    """The values as a run would have stored them."""
    texts = {name: place for place, name in enumerate(sorted(set(values.text.tolist())))}
    codes = dict.fromkeys(values.language.tolist())
    keys = sorted(set(_keys(values, np.ones(len(values.value), dtype=bool))))
    phrases = folder / "phrases"
    write_table(phrases, Text, (Text(text_id=place, text="", held_out=True) for place in texts.values()))
    write_table(
        phrases,
        Selection,
        (
            Selection(layer=layer, latent=latent, text_id=texts[text], stored_peak=0.0)
            for layer, latent, text in keys
        ),
    )
    inputs = {"phrases/all": phrases}
    for code in codes:
        inputs[f"activations/{code}"] = _activations(values.of(code), texts, folder / code)
    return BaseRun(
        inputs=inputs,
        languages=tuple(language for language in study.languages if language.code in codes),
        benchmarks=(),
        layers=study.shapes.layers,
        specification=study.specification,
        adapter_seeds=seeds,
    )


def _activations(values: PhraseValues, texts: Mapping[str, int], folder: Path) -> Path:
    write_table(folder, TextLength, (TextLength(text_id=place, tokens=1) for place in texts.values()))
    write_table(
        folder,
        TokenActivation,
        (
            TokenActivation(layer=layer, latent=latent, text_id=texts[text], values=(value,))
            for layer, latent, text, value in zip(
                values.layer.tolist(),
                values.latent.tolist(),
                values.text.tolist(),
                values.value.tolist(),
                strict=True,
            )
        ),
    )
    return folder


def _gain(
    study: Study, before: PhraseValues, adapter: str, after: Mapping[int, PhraseValues], folder: Path
) -> Measured:
    layer = study.specification.gain_layer
    own = before.of(adapter).at(layer)
    texts = {name: place for place, name in enumerate(sorted(set(own.text.tolist())))}
    wanted = sorted(_keys(own, np.ones(len(own.value), dtype=bool)))
    if not wanted:
        raise UsageError(
            f"no value of {adapter} at layer {layer}, where gains are read; give that layer before and after"
        )
    base = _run(study, own, folder, tuple(after))
    inputs = dict(base.inputs)
    for seed, values in after.items():
        tuned = values.of(adapter).at(layer)
        if sorted(_keys(tuned, np.ones(len(tuned.value), dtype=bool))) != wanted:
            raise UsageError(
                f"seed {seed}: at layer {layer} it has other phrases of {adapter} than the untouched model; a gain is paired"
            )
        name = adapter_name(adapter, seed)
        inputs[f"activations-tuned/{name}/{adapter}"] = _activations(tuned, texts, folder / name)
    run = read_tuned_run(replace(base, inputs=inputs), adapter, adapter)
    return of_latents(run, gain_scopes(base, adapter)[0], Formula.CHANGE)
