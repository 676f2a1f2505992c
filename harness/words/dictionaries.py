"""Dictionaries that are trained here: how, what is asked of their latents, and the rows that stages keep of them.

A window is known by its `text_id` in every table, and a dictionary by its layer and its seed.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from harness.words.study import SILENT, Pin

BILINGUAL = "bilingual"
"""The class of a latent that neither language has to itself."""

UNLABELLED = "unlabelled"
"""The class of a latent that fires, with too few examples to say for which language."""

DEAD = "dead"
"""The class of a latent that never fires; it is part of no share."""


class Split(StrEnum):
    """What a window of a corpus is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Loss(StrEnum):
    """What a dictionary is trained to make small."""

    UNEXPLAINED = "unexplained"
    """Squared error over the variance of the batch."""
    SQUARED = "squared"
    """Squared error, summed over the width of the stream, in the mean of the batch."""


class KeptExamples(StrEnum):
    """Which windows are examples of a latent."""

    FIRST_STRONG = "first-strong"
    """The first ones, in the order of the corpus, with a token whose value reaches a share of the latent's maximum."""
    STRONGEST = "strongest"
    """Those whose largest value is largest."""
    FIRING = "firing"
    """The first ones in which it fires at all."""


class LabelledBy(StrEnum):
    """What says of which language an example is."""

    SCRIPT = "script"
    """The script of its strongest token."""
    DOCUMENT = "document"
    """The language of the document that it is cut from."""


class Integration(StrEnum):
    """What it means to put a part of one model's stream into another's; l is the length of a stream, p its part over l."""

    SWAP = "swap"
    """h - l p + l' p': the recipient's own part goes out, the donor's comes in."""
    ADD = "add"
    """h + l' p': the donor's comes in beside the recipient's."""
    REPLACE = "replace"
    """h - l (all latents) + l' p': nothing of the recipient's latents stays, and of the donor's only the part comes in."""


class PartLength(StrEnum):
    """By the length of which stream a part of the donor's is put in; p is the part over the length of its own stream."""

    OWN = "own"
    """l' p': as long as it is in the donor."""
    RECIPIENT = "recipient"
    """l p': as long as it would be in a stream as long as the recipient's."""


class IntegrationControl(StrEnum):
    """What is put into another model beside the classes of latents: controls, without which any change would look like one of them."""

    RANDOM = "random"
    """As many latents of no bilingual class, drawn at random, the change brought to the mean length of the bilingual one."""
    ALL = "all"
    """Every latent."""
    REBUILT = "rebuilt"
    """Nothing of the donor: the recipient's own stream as its dictionary rebuilds it."""


@dataclass(frozen=True, kw_only=True)
class CorpusText:
    """One language of a corpus."""

    language: str
    pin: Pin
    files: tuple[str, ...]
    """Files below the pin's root, in order: JSON lines, plain or packed, or Parquet, with a `text` in each row."""


@dataclass(frozen=True, kw_only=True)
class WindowChoice:
    """How documents become windows of one length."""

    tokens: int
    """Tokens of a window, without what stands in front; what is shorter is dropped."""
    per_document: int | None
    """Windows from the beginning of a document, at most; None takes all."""
    per_language: int | None
    """Windows of each language, at most; None takes all. The language with the fewest sets the number for both."""
    train_fraction: float
    validation_fraction: float
    """The rest is the test split."""


@dataclass(frozen=True, kw_only=True)
class TopKRecipe:
    """How TopK dictionaries are trained."""

    latents: int
    k: int
    loss: Loss
    tokens: int
    """Tokens that each is trained on; a corpus with fewer is read again."""
    batch_tokens: int
    buffer_tokens: int
    """Tokens that are held, and put into an order of the seed's own; as many as a batch leaves the order of the corpus."""
    learning_rate: float
    warmup_steps: int
    """Steps over which the learning rate grows from zero."""
    adam_eps: float
    unit_encoder: bool
    """True starts encoder columns at length 1 as well; False leaves them as a linear layer starts."""
    rows_set_after: bool
    """True brings decoder rows to length 1 after each step, False before it; at the end they have it either way."""
    dtype: str
    """Precision of weights, optimiser and batches; of a mixed recipe, of the weights."""
    mixed_dtype: str | None = None
    """Precision of the matrix products where it is another one."""
    expansion: int | None = field(default=None, metadata=SILENT)
    """Latents as a multiple of the model's width; None where every model has `latents`."""

    def of_width(self, d_model: int) -> Self:
        """The recipe for a model of one width: so many latents, whatever others have."""
        if self.expansion is None:
            return self
        return replace(self, latents=self.expansion * d_model, expansion=None)


@dataclass(frozen=True, kw_only=True, order=True)
class SAEPlace:
    """One dictionary of a model: the layer whose stream it reads, and the seed that it starts from."""

    layer: int
    seed: int

    @property
    def file(self) -> str:
        """Where its weights lie, below the artifact of its model."""
        return f"layer-{self.layer}/seed-{self.seed}.safetensors"


@dataclass(frozen=True, kw_only=True)
class ExampleChoice:
    """Which windows of the test split are examples of a latent."""

    kept: KeptExamples
    strong_fraction: float
    """A token is strong where the latent is among the k strongest and its value exceeds this share of its maximum."""
    examples: int
    """Windows per latent, at most."""


@dataclass(frozen=True, kw_only=True)
class ClassChoice:
    """When a latent is of one language."""

    labelled_by: LabelledBy
    threshold: float
    """A language has a latent to itself with more than this share of its examples."""
    min_examples: int
    """A latent with fewer labelled examples has no class."""


@dataclass(frozen=True, kw_only=True)
class CorpusWindow:
    """One window of a corpus, in the order in which windows are read (`corpus_windows`)."""

    text_id: int
    """Place of the window in the corpus, both languages counted together."""
    language: str
    split: str
    """"train", "validation" or "test"."""
    document: int
    """Place of its document among those of its language."""
    token_ids: tuple[int, ...]
    """Without what stands in front."""


@dataclass(frozen=True, kw_only=True)
class CorpusSize:
    """What one language brings to one split (`corpus_sizes`)."""

    language: str
    split: str
    """"train", "validation" or "test"."""
    windows: int
    """Windows of the language in the split."""
    tokens: int
    documents_read: int
    """Documents of the language that were read for all splits."""


@dataclass(frozen=True, kw_only=True)
class TrainedStep:
    """One step of the training of one dictionary (`trained_steps`)."""

    layer: int
    seed: int
    step: int
    """From 1 on."""
    tokens: int
    """Tokens of its batch."""
    loss: float
    """As the recipe says: squared error over variance, or squared error per token; of streams of length 1."""


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """How well one dictionary rebuilds streams of length 1 of the test split (`reconstructions`)."""

    layer: int
    seed: int
    tokens: int
    latents: int
    """Latents of the dictionary."""
    fraction_variance_unexplained: float
    cosine: float
    """Mean over tokens, of the stream and what is rebuilt."""
    l0: float
    """Mean number of latents above zero per token."""
    dead_fraction: float
    """Share of the latents that fire at no token."""


@dataclass(frozen=True, kw_only=True)
class SplicedText:
    """Loss on one window with the stream after a layer as its dictionary rebuilds it (`spliced_texts`)."""

    layer: int
    seed: int
    text_id: int
    """Place of the window in the corpus."""
    language: str
    tokens: int
    clean: float
    """Nats per token, with the stream as it is."""
    spliced: float
    """Nats per token, with the stream as it is rebuilt; what stands in front is left as it is."""


@dataclass(frozen=True, kw_only=True)
class ReadLatent:
    """One latent over all tokens of the test split (`read_latents`)."""

    layer: int
    seed: int
    latent: int
    maximum: float
    """Largest value before the ReLU and the TopK."""
    firing: int
    """Tokens at which it is among the k strongest and above zero."""
    squares: float
    """Sum over these tokens of its squared activation."""


@dataclass(frozen=True, kw_only=True)
class LatentExample:
    """One window that is an example of a latent, in the order of the corpus (`latent_examples`)."""

    layer: int
    seed: int
    latent: int
    text_id: int
    """Place of the window in the corpus."""
    position: int
    """Of its strongest token, from 0 on; what stands in front does not count."""
    peak: float
    """Value there, before the ReLU and the TopK."""
    token: str
    """The strongest token as its vocabulary spells it."""
    script_language: str
    """Language by the script of the strongest token; empty where the window has nothing but digits."""
    text_language: str
    """Language of the document."""


@dataclass(frozen=True, kw_only=True)
class ClassedLatent:
    """One latent and its class (`classed_latents`)."""

    layer: int
    seed: int
    latent: int
    label: str
    """Code of a language, "bilingual", "unlabelled" or "dead"."""
    first_examples: int
    """Examples of the first language."""
    second_examples: int
    """Examples of the second language."""
    first_otherwise: int
    """Examples of the first language by the other of script and document."""
    second_otherwise: int
    """Examples of the second language by the other of script and document."""
    distinct_tokens: int
    """Different strongest tokens among its examples."""
    squares: float
    """Sum over tokens of its squared activation."""


@dataclass(frozen=True, kw_only=True)
class ClassShare:
    """What part of the labelled latents of a dictionary one class is (`class_shares`)."""

    layer: int
    seed: int
    label: str
    """Code of a language, or "bilingual"."""
    latents: int
    """Latents of the class."""
    share: float
    """Of the labelled latents, in points."""
    activity_share: float
    """Of their squared activations, in points."""
    unlabelled: int
    """Latents of the dictionary that fire, and have too few examples."""
    dead: int
    """Latents of the dictionary that never fire."""


@dataclass(frozen=True, kw_only=True)
class IntegratedText:
    """Loss of a recipient model on one window with a part of a donor's stream put in (`integrated_texts`)."""

    layer: int
    seed: int
    reading: str
    """"swap", "add" or "replace"."""
    part: str
    """Code of a language, "bilingual", "random", "all" or "rebuilt"."""
    text_id: int
    """Place of the window in the corpus."""
    language: str
    tokens: int
    before: float
    """Nats per token, as the recipient is."""
    after: float
    """Nats per token, with the part put in."""


@dataclass(frozen=True, kw_only=True)
class PartAgreement:
    """How alike one part of the stream is in recipient and donor (`part_agreements`)."""

    layer: int
    seed: int
    part: str
    """Code of a language, "bilingual", "random" or "all"."""
    recipient_latents: int
    """Latents of the part in the recipient's dictionary."""
    donor_latents: int
    """Latents of the part in the donor's dictionary."""
    cosine: float
    """Mean over tokens of the parts of both; a part of length 0 counts as 0."""
    recipient_length: float
    """Mean over tokens of the recipient's part, in units of its stream."""
    donor_length: float
    """Mean over tokens of the donor's part, in units of its stream."""


@dataclass(frozen=True, kw_only=True)
class CheckedFact:
    """One thing that was held against a model as it was loaded (`checked_facts`)."""

    fact: str
    """What was looked at, such as "num_layers"."""
    expected: str
    found: str
    """What was found."""
    passes: bool
    """True where both are the same, or what was found is in the range."""


@dataclass(frozen=True, kw_only=True)
class ProbedLanguage:
    """Loss of a model on the first test windows of one language (`probed_languages`)."""

    language: str
    texts: int
    """Windows that were read."""
    tokens: int
    """Tokens that are predicted: all but the first of a window, which has nothing before it without a front token."""
    nats_per_token: float
    """Loss with what stands in front."""
    nats_without_front: float
    """The same tokens without what stands in front."""


@dataclass(frozen=True, kw_only=True)
class DemoFeature:
    """One feature of the authors' demonstration, counted again (`demo_features`)."""

    step: int
    """Training step of the model."""
    feature: int
    """Place in the dictionary, as its file is called."""
    examples: int
    """Examples that its file holds."""
    first_stored: int
    """Examples of the first language, as the authors stored them."""
    second_stored: int
    """Examples of the second language, as the authors stored them."""
    first_found: int
    """Examples of the first language, counted here."""
    second_found: int
    """Examples of the second language, counted here."""
    granularity: int
    """The authors' code, as their page reads it: 1 uninterpretable, 2 semantic, 3 synonyms, 4 token-level; 0 where none is told."""
    label: str
    """Class by the counts found here."""
    passes: bool
    """True where both counts are found again."""
