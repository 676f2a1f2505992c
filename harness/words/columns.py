"""What the columns of stored tables hold, and in which unit: files that leave this project describe themselves.

A field's own docstring says what it means; what stands here are the meanings that many tables share, and the units.
"""

import ast
import inspect
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from itertools import pairwise


class TableForm(StrEnum):
    """How tables are written for other tools."""

    CSV = "csv"
    PARQUET = "parquet"
    RO_CRATE = "ro-crate"
    """CSV beside the files of the report, described as an RO-Crate."""

    @property
    def suffix(self) -> str:
        """Of the files."""
        return ".parquet" if self is TableForm.PARQUET else ".csv"


MEANINGS: Mapping[str, str] = {
    "text_id": "The English phrase, by the same number in every table.",
    "text": "The text itself.",
    "layer": "Decoder layer, counted from 0.",
    "latent": "Place of the latent in its layer's dictionary.",
    "language": 'Code of the language, such as "ml".',
    "benchmark": 'Name of the benchmark, such as "arc".',
    "seed": "Training seed.",
    "step": "Training step, counted from 0.",
    "estimate_id": "The estimate, as in the table of estimates.",
    "unit": "Name of what varies: a latent, a question, a text, a language.",
    "observed": "The side that is compared: low group, after, tuned outcome, or y.",
    "because": "Why, in a sentence.",
    "tokens": "Tokens that count, BOS and padding out.",
    "passes": "True where what was stored was found again.",
    "d_model": "Width of the residual stream.",
    "rows_read": "Rows of the export that were read.",
    "rows_peaked_on_bos": "Rows dropped because their strongest token is BOS.",
    "rows_across_documents": "Rows dropped because they reach over the end of a document.",
    "rows_not_english": "Rows dropped because they are not English.",
    "rows_below_maximum": "Rows dropped because they stay below the asked share of the latent's maximum.",
    "rows_duplicate": "Rows dropped because the latent has their phrase already.",
    "latents_eligible": "Latents with enough distinct phrases.",
    "latents_drawn": "Latents drawn for this run.",
    "is_empty": "True of a translation that is nothing but blanks.",
    "is_copy": "True of a translation that is its source.",
    "is_repetitive": "True of a translation of which one piece is most.",
    "is_wrong_script": "True of a translation mostly in another script than its language's.",
    "sentence_id": "The sentence, as the parallel text numbers it.",
    "reference": "The side that it is compared with: high group, before, base outcome, or x; 0 of a plain mean.",
    "ParallelTranslation.reference": "What people wrote.",
    "mean": "Mean over the text's tokens, one value per latent of the panel.",
    "maximum": "Largest over the text's tokens, one value per latent of the panel.",
    "MeanResidual.values": "Mean over the text's tokens, one value per dimension of the residual stream.",
    "fraction_variance_unexplained": "Share of the residual stream's variance that the dictionary leaves unexplained.",
    "document_id": "The question, as the data set numbers it.",
    "shots": "Examples in the prompt.",
    "num_layers": "Decoder layers of the model.",
    "vocab_size": "Entries of the vocabulary.",
    "dtype": "Type of the weights.",
    "path": "Place of the file in its repository or folder.",
    "sha256": "Digest of the file.",
    "rows": "Stored rows that were computed anew.",
    "rows_passing": "Of those, rows that were found again.",
    "rows_same_peak": "Of those, rows whose strongest token is the same.",
    "median_correlation": "Median over the rows of recomputed with stored values.",
    "median_scale": "Median over the rows of recomputed over stored values.",
    "median_scale_without_bos": "The same with no BOS in front.",
    "loss": "Mean loss over the pairs of the batch.",
    "english_nats_per_token": "Loss of the language model on English.",
    "target_nats_per_token": "Loss of the language model on the target language.",
    "value": "The number itself, in the unit that `unit` names.",
    "num_units": "Units behind the number.",
    "primary_id": "The estimate under the primary specification.",
    "specification": "What it differs in from the primary specification.",
    "unit_kind": "What varies, such as a latent.",
    "SpecifiedEstimate.because": "Why there is no value; empty where there is one.",
    "SpecifiedSides.sides": "Name of the specification, without what only puts the sides together otherwise.",
    "SpecifiedSides.reference": "The side that it is compared with, unit by unit.",
    "SpecifiedSides.observed": "The side that is compared, unit by unit.",
    "totals": "What each language's latents amount to, in the study's order; no number of one on neither side.",
    "check_id": "Name of the known number.",
    "expected": "What is known.",
    "measured": "What was found now.",
    "differs": "True where it lies outside the tolerance.",
}  # fmt: skip
"""By field, or by record and field where a field means something else there."""

UNITS: Mapping[str, str] = {
    "stored_peak": "activation",
    "TokenActivation.values": "activation",
    "mean": "activation",
    "maximum": "activation",
    "active_fraction": "fraction",
    "MeanResidual.values": "residual stream",
    "MeanResidual.length": "residual stream",
    "fraction_variance_unexplained": "fraction",
    "l0": "latents",
    "clean": "nats",
    "spliced": "nats",
    "zeroed": "nats",
    "RandomReading.values": "activation",
    "acc": "right or wrong",
    "acc_norm": "right or wrong",
    "log_likelihoods": "nats",
    "characters": "characters",
    "correlation": "r",
    "scale": "ratio",
    "median_correlation": "r",
    "median_scale": "ratio",
    "median_scale_without_bos": "ratio",
    "loss": "activation, squared terms times alpha",
    "gap": "activation",
    "shuffled_gap": "activation",
    "retention": "activation squared",
    "english_mean": "activation",
    "target_mean": "activation",
    "english_nats_per_token": "nats per token",
    "target_nats_per_token": "nats per token",
    "tokens": "tokens",
    "cosine": "cosine",
    "dead_fraction": "fraction",
    "SplicedText.clean": "nats per token",
    "SplicedText.spliced": "nats per token",
    "before": "nats per token",
    "after": "nats per token",
    "nats_per_token": "nats per token",
    "nats_without_front": "nats per token",
    "ReadLatent.maximum": "activation",
    "peak": "activation",
    "squares": "activation squared",
    "share": "points",
    "activity_share": "points",
    "recipient_length": "ratio",
    "donor_length": "ratio",
    "TrainedStep.loss": "as the recipe says",
    "AdapterFailure.value": "as `what` says",
    "Estimate.value": "as `unit` says",
    "observed": "as the estimate's formula says",
    "UnitValue.reference": "as the estimate's formula says",
    "PhraseValue.reference": "as the estimate's formula says",
    "SpecifiedSides.reference": "as the estimate's formula says",
    "SpecifiedEstimate.value": "as the estimate's unit says",
    "widening": "ratio",
    "totals": "activation",
    "expected": "as `says` tells",
    "measured": "as `says` tells",
    "tolerance": "as `says` tells",
}
"""The same; a field without one counts or names something."""


@cache
def meanings_of(record: type) -> Mapping[str, str]:
    """What each field of a record means, in its own words where it has some."""
    (told,) = ast.parse(inspect.getsource(record)).body
    assert isinstance(told, ast.ClassDef)
    own = {
        field.target.id: inspect.cleandoc(said.value.value)
        for field, said in pairwise(told.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant) and isinstance(said.value.value, str)
    }  # fmt: skip
    names = [
        field.target.id
        for field in told.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    ]
    return {name: own.get(name) or _known(MEANINGS, record, name) for name in names}


def unit_of(record: type, name: str) -> str:
    """The unit of one field; empty where it counts or names something."""
    return _known(UNITS, record, name)


def _known(table: Mapping[str, str], record: type, name: str) -> str:
    return table.get(f"{record.__name__}.{name}", table.get(name, ""))
