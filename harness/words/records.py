"""The rows of what stages read off models and texts: one dataclass is one stored table, its fields in order the columns.

A text is known by its `text_id` in every table, so translations, activations and adapters join on it.
"""

from dataclasses import dataclass

from harness.words.specification import PRIMARY


@dataclass(frozen=True, kw_only=True)
class Text:
    """One English phrase (`texts`)."""

    text_id: int
    text: str
    held_out: bool
    """True when no adapter may see it in training."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """One phrase that speaks for one latent (`selections`)."""

    layer: int
    latent: int
    text_id: int
    stored_peak: float
    """Peak activation that the export stored for the row the phrase was cut from."""


@dataclass(frozen=True, kw_only=True)
class PanelLatent:
    """One latent of the panel whose pooled values are kept for every text (`panel_latents`)."""

    layer: int
    position: int
    """Place in the arrays of `PanelActivation`."""
    latent: int


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What phrase selection found in one layer (`coverages`)."""

    layer: int
    rows_read: int
    rows_peaked_on_bos: int
    rows_across_documents: int
    rows_unreadable: int
    """Rows with bytes that are no UTF-8."""
    rows_peaked_on_blank: int
    """Rows whose strongest token is white space, which no phrase would keep."""
    rows_not_english: int
    rows_below_maximum: int
    rows_duplicate: int
    latents_listed: int
    """Latents with a feature row; fewer than the dictionary has where the export was cut, at its end most likely."""
    latents_without_rows: int
    """Of those, latents that have no row left; the rows that were dropped are counted above."""
    latents_seen: int
    """Latents with a row left."""
    latents_eligible: int
    latents_drawn: int


@dataclass(frozen=True, kw_only=True)
class Translated:
    """What a translator made of one text (`translated`)."""

    text_id: int
    text: str
    is_truncated: bool
    """True when the model was stopped before the end of its translation, or of the text."""


@dataclass(frozen=True, kw_only=True)
class Translation:
    """One phrase in one target language, with what looks wrong about it (`translations`)."""

    text_id: int
    language: str
    text: str
    is_empty: bool
    is_copy: bool
    is_repetitive: bool
    is_wrong_script: bool
    is_odd_length: bool
    """True when it is far longer or shorter than its language's other translations let one expect."""
    is_truncated: bool
    """True when the model was stopped before it ended the translation, or its text is longer than the model can read;
    never so for a text that no model made."""

    @property
    def is_flagged(self) -> bool:
        """True when anything looks wrong."""
        is_bad_text = self.is_empty or self.is_copy or self.is_repetitive or self.is_wrong_script
        return is_bad_text or self.is_odd_length or self.is_truncated


@dataclass(frozen=True, kw_only=True)
class ParallelTranslation:
    """A sentence of a parallel text, by the translator and by people (`parallel_translations`)."""

    sentence_id: str
    language: str
    text: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class UnscoredTranslator:
    """A translator for which the parallel text could not be had (`unscored_translators`)."""

    language: str
    why: str
    """One line."""


@dataclass(frozen=True, kw_only=True)
class TokenActivation:
    """Activations of a phrase's own latent over its tokens, BOS and padding out (`token_activations`)."""

    layer: int
    latent: int
    text_id: int
    values: tuple[float, ...]
    """One value per token, in reading order; float32."""


@dataclass(frozen=True, kw_only=True)
class PanelActivation:
    """Pooled activations of the layer's panel over one text's tokens (`panel_activations`)."""

    layer: int
    text_id: int
    mean: tuple[float, ...]
    maximum: tuple[float, ...]
    active_fraction: tuple[float, ...]
    """Share of tokens on which the latent is above zero."""


@dataclass(frozen=True, kw_only=True)
class MeanResidual:
    """Mean-pooled residual stream of one text, for the similarity sample (`mean_residuals`)."""

    layer: int
    text_id: int
    length: float
    """Mean over tokens of the stream's Euclidean length."""
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class TextLength:
    """Tokens that counted for one text (`text_lengths`)."""

    text_id: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class DictionaryError:
    """How well one layer's dictionary rebuilds the residual stream of one language (`dictionary_errors`)."""

    language: str
    layer: int
    fraction_variance_unexplained: float
    l0: float
    """Mean number of latents above zero per token."""
    tokens: int
    latents: int
    """Latents of the dictionary."""


@dataclass(frozen=True, kw_only=True)
class SplicedLoss:
    """Loss of the language model on one text with one layer's stream replaced, summed over all tokens but the first (`spliced_losses`)."""

    layer: int
    text_id: int
    tokens: int
    clean: float
    """With the stream as it is."""
    spliced: float
    """With the stream as the dictionary rebuilds it; what stands in front of a text is left as it is."""
    zeroed: float
    """With a stream of zeros at every position."""


@dataclass(frozen=True, kw_only=True)
class RandomReading:
    """What random directions read of one text at one layer, before any threshold (`random_readings`)."""

    layer: int
    text_id: int
    directions: int
    """How many directions read."""
    values: tuple[float, ...]
    """One value per token and direction, token by token; float32."""


@dataclass(frozen=True, kw_only=True)
class ItemOutcome:
    """One benchmark question, answered (`items`)."""

    benchmark: str
    language: str
    document_id: str
    document_hash: str
    """lm-eval's digest of the document, as in its sample files; arms of a comparison must agree on it."""
    prompt_hash: str
    """The same of the prompt, examples included; arms must agree on it too."""
    target_hash: str
    """The same of the right answer; empty where no sample was logged."""
    acc: float
    """1.0 when the likeliest option is right."""
    acc_norm: float
    """The same with length-normalised likelihood; equals acc where the task has none."""
    shots: int
    right_option: int | None = None
    """Place of the right answer among the options, from 0; None where no sample was logged."""
    log_likelihoods: tuple[float, ...] = ()
    """Of every option behind the prompt, in nats; what acc compares."""
    characters: tuple[float, ...] = ()
    """Of every option; acc_norm compares log-likelihoods divided by them."""


@dataclass(frozen=True, kw_only=True)
class UnaskedBenchmark:
    """A benchmark whose data set has no questions in a language, so that none were asked (`unasked_benchmarks`)."""

    benchmark: str
    language: str


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """The language model as it was loaded (`loaded_models`)."""

    num_layers: int
    d_model: int
    vocab_size: int
    attention: str
    """Implementation that computes attention, such as "eager"."""
    dtype: str


@dataclass(frozen=True, kw_only=True)
class LoadedFile:
    """One file that the networks were loaded from (`loaded_files`)."""

    source: str
    """Name of the pin."""
    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ReplayedRow:
    """One stored row, computed anew (`replayed_rows`)."""

    layer: int
    latent: int
    tokens: int
    correlation: float
    """Of recomputed with stored values over the row's tokens; 0 where nothing fires any more."""
    scale: float
    """Recomputed over stored values, by least squares through the origin."""
    same_peak: bool
    """True when the strongest token is the same."""
    passes: bool


@dataclass(frozen=True, kw_only=True)
class LayerReplay:
    """Whether a layer's stored activations were found again (`layer_replays`)."""

    layer: int
    d_model: int
    d_sae: int
    """Shapes of the layer's dictionary as loaded."""
    rows: int
    rows_passing: int
    rows_passing_without_bos: int
    """The same rows with no BOS in front, which is wrong on purpose: how well the gate tells the two apart here."""
    rows_same_peak: int
    median_correlation: float
    median_scale: float
    median_scale_without_bos: float
    passes: bool


def adapter_name(language: str, seed: int, *, is_control: bool = False, specification: str = PRIMARY) -> str:
    """What an adapter is called among the items of its stage: "ml/seed-1", "ml/control-1" or "ml/alpha=0.1/seed-1"."""
    below = language if specification == PRIMARY else f"{language}/{specification}"
    return f"{below}/{'control' if is_control else 'seed'}-{seed}"


def romanised_name(language: str) -> str:
    """What a language in Latin letters is called among those in their own script: "hi/romanised"."""
    return f"{language}/romanised"


def parallel_name(language: str) -> str:
    """What a language is called there where sentences of a parallel text are read, by a machine and by people: "hi/parallel"."""
    return f"{language}/parallel"


def published_name(language: str, name: str) -> str:
    """What a published model is called there: "ml/published-4k-2"; it never looks like a seed of ours."""
    return f"{language}/published-{name}"


@dataclass(frozen=True, kw_only=True)
class TrainingLoss:
    """Loss of one training batch (`training_losses`)."""

    step: int
    loss: float
    pairs: int
    """Pairs of the batch; the loss is their mean."""
    micro_batch: int
    """Pairs that were held in memory at once; fewer than `pairs` where memory was short."""


@dataclass(frozen=True, kw_only=True)
class AlignmentStep:
    """One logged moment of adapter training, measured on held-out pairs (`alignment_steps`).

    Means go over the latents that the loss is a mean over: by the primary specification the phrases' own.
    """

    step: int
    gap: float
    """Mean abs(u - v) over held-out pairs."""
    shuffled_gap: float
    """The same with partners shuffled: what alignment of means alone would give."""
    retention: float
    """Mean (u - u_orig)^2 over held-out pairs."""
    english_mean: float
    """Mean activation of the English side."""
    target_mean: float
    """Mean activation of the target side."""
    english_nats_per_token: float
    target_nats_per_token: float


@dataclass(frozen=True, kw_only=True)
class AdapterFailure:
    """Training of one adapter that stopped at a number that is none; stands in its place (`adapter_failures`)."""

    language: str
    seed: int
    step: int
    """Step that could not be taken; 0 before the first."""
    what: str
    """"loss", "gradient", "weight", "held-out figure" or "value of the residual stream"."""
    value: float
    """Infinite, or no number."""
    is_control: bool = False
    """True of a control, on which no claim rests."""

    @property
    def name(self) -> str:
        """What the adapter is called."""
        return adapter_name(self.language, self.seed, is_control=self.is_control)

    def __str__(self) -> str:
        """The failure in one sentence."""
        return (
            f"Training of the adapter {self.name} stopped at step {self.step}: a {self.what} is {self.value}."
        )


@dataclass(frozen=True, kw_only=True)
class UnusableModel:
    """A published model that cannot be put onto the base model; stands in the place of its weights (`unusable_models`)."""

    language: str
    name: str
    """What the profile calls the model."""
    why: str
    """One line."""


@dataclass(frozen=True, kw_only=True)
class PublishedOrigin:
    """Stands beside weights that others published and tuned as they liked (`published_origins`)."""

    name: str
    """What the profile calls the model."""
