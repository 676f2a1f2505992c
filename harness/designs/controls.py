"""Estimates of the controls: adapters trained on wrong partners, shown beside the others and part of no claim.

What such an adapter does as well is no alignment of meanings: it moves the mean of a language.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from harness.designs.disparity import BaseRun
from harness.designs.tuning import (
    change_of_latents,
    gain_scopes,
    moment_scopes,
    moments_of,
    read_tuned_run,
    tuned_codes,
)
from harness.statistics.measured import Measured, Scope
from harness.store.tables import read_table
from harness.words.records import AlignmentStep, adapter_name

SUFFIX = "-control"
"""Tells a quantity of the controls from that of the adapters."""


def controls(base: BaseRun, inputs: Mapping[str, Path]) -> Iterator[Measured]:
    """Gain of every tuned language through its controls, and what held-out pairs showed of them."""
    broken = {failure.language for failure in base.failures if failure.is_control}
    codes = [code for code in tuned_codes(base) if code not in broken] if base.task.control_seeds else []
    for code in codes:
        yield change_of_latents(
            read_tuned_run(base, inputs, code, code, controls=True), gain_scope(base, code)
        )
        logs = {
            seed: read_table(inputs[f"adapters/{adapter_name(code, seed, is_control=True)}"], AlignmentStep)
            for seed in base.task.control_seeds
        }
        yield from moments_of(code, logs, SUFFIX)


def gain_scope(base: BaseRun, code: str) -> Scope:
    """What the gain of a language through its controls is about."""
    gain, _, _ = gain_scopes(base, code)
    return replace(gain, quantity=f"{gain.quantity}{SUFFIX}")


def control_scopes(base: BaseRun, code: str) -> Iterator[Scope]:
    """Everything that is estimated of a language's controls."""
    yield gain_scope(base, code)
    yield from (scope for scope, _, _ in moment_scopes(code, SUFFIX))
