"""What is re-run, and from what: a study, its primary specification, its profiles, and the pins that name every outside thing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fnmatch import fnmatch
from typing import Any, ClassVar, Literal, Self, TypeVar

from harness.words.specification import (
    Axis,
    AxisKind,
    Differences,
    Grid,
    Level,
    asked_axes,
    differences_of,
    fraction,
    of_kind,
    one_at_a_time,
    specification_name,
)

Whole = TypeVar("Whole", "Study", "Profile")

SILENT = {"is_silent": True}
"""Metadata of a field that came later: digests leave it out at its default, so that what was named before keeps its name."""


class Home(StrEnum):
    """Where a pinned thing is fetched from."""

    FOLDER = "folder"
    """A folder of this checkout; its revision is the digest of its files."""
    HUB_MODEL = "hub-model"
    """A model repository of the hub."""
    HUB_DATASET = "hub-dataset"
    """A data set repository of the hub."""
    MADE = "made"
    """Drawn at random on this machine, at true shapes; its revision is the recipe's."""
    BUCKET = "bucket"
    """A public object store read over HTTPS; its listing is recorded on first use."""
    CODE = "code"
    """One commit of a repository of code, by the files that are needed of it."""
    SERVICE = "service"
    """A public service that is asked single questions over HTTPS; nothing measured rests on its answers."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One outside thing that a run depends on."""

    name: str
    """What the project calls it, for messages and reports."""
    home: Home
    address: str
    """Repository id, URL below which a bucket is read, or path of the folder."""
    revision: str | None = None
    """Immutable revision; None means that the one of first use is recorded, and enforced from then on."""
    files: tuple[str, ...] = ()
    """Patterns of the files that are needed; empty means all. A repository may hold a hundred times more.

    Of a bucket: the prefixes below its address, each of which must hold something."""
    licence: str
    gated: bool = False
    """True when the hub asks for a token and an accepted licence."""
    is_optional: bool = False
    """True of a control that no claim rests on: where it cannot be had, a run goes on without it and says so."""

    def wants(self, path: str) -> bool:
        """True of a file of a repository that is needed."""
        return not self.files or any(fnmatch(path, pattern) for pattern in self.files)

    @property
    def is_local(self) -> bool:
        """True of what this machine holds or makes by itself; the rest is fetched."""
        return self.home in {Home.FOLDER, Home.MADE}

    def __str__(self) -> str:
        """The pin as messages show it: name, address and revision."""
        return f"{self.name} ({self.address} @ {self.revision or 'first use'})"


class Pieces(StrEnum):
    """How the pieces of a vocabulary spell text."""

    WORD_MARKS = "word-marks"
    """A leading space is U+2581, and a byte that is no whole character `<0xF0>`."""
    BYTES = "bytes"
    """Every byte is a letter of its own, such as U+0120 for a space: byte-level BPE."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What has to be known of a base model to read it rightly, and does not stand in its files, or is held against them."""

    architecture: str
    """What its `config.json` calls `model_type`: one of `harness.models.loading.ARCHITECTURES`."""
    attention: str
    """How attention is computed: "eager" where scores are capped, which no fused kernel does; else "sdpa"."""
    front: tuple[str, ...]
    """Tokens that stand before every text, such as `<bos>`; their positions never count. Empty where nothing does."""
    pad: str
    """Token that fills short texts up. It is masked, so that any will do where a tokenizer names none."""
    soft_cap: float | None
    """Bound on the size of a logit; None where the head has none."""
    pieces: Pieces
    document_marks: tuple[str, ...]
    """Control tokens where documents begin and end, those in front among them; one that a text only spells comes in pieces."""


GEMMA_2 = ModelFacts(
    architecture="gemma2",
    attention="eager",
    front=("<bos>",),
    pad="<pad>",
    soft_cap=30.0,
    pieces=Pieces.WORD_MARKS,
    document_marks=("<bos>", "<eos>", "<pad>"),
)
"""The first kind of base model that was read here."""


@dataclass(frozen=True, kw_only=True)
class ModelPin(Pin):
    """A base model."""

    facts: ModelFacts = field(default=GEMMA_2, metadata=SILENT)
    folder: str = field(default="", metadata=SILENT)
    """Where it lies below the pin's root, as one checkpoint of many in one repository does; empty where it is the root."""
    tokenizer: Pin | None = field(default=None, metadata=SILENT)
    """Where its tokenizer comes from, if that is no part of its own files."""

    @classmethod
    def of(cls, pin: Pin, facts: ModelFacts) -> Self:
        """The base model that a pin leads to."""
        return cls(facts=facts, **{known.name: getattr(pin, known.name) for known in fields(Pin)})

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Everything that has to be fetched to load it."""
        return (self,) if self.tokenizer is None else (self, self.tokenizer)


class Group(StrEnum):
    """The side of the comparison on which a language stands."""

    REFERENCE = "reference"
    HIGH = "high"
    LOW = "low"


class Pooling(StrEnum):
    """How the token values of one phrase become one number; what stands in front, and padding, never count."""

    MEAN = "mean"
    MAX = "max"
    MEAN_ACTIVE = "mean-active"
    LAST = "last"


class Aggregation(StrEnum):
    """How values of many latents become one gap."""

    RATIO_OF_MEANS = "ratio-of-means"
    MEAN_OF_RATIOS = "mean-of-ratios"


class PhraseCut(StrEnum):
    """What part of a stored token window is the phrase."""

    SENTENCE = "sentence"
    """The sentence around the peak token."""
    WINDOW = "window"
    """The whole stored window."""


class AlignedLatents(StrEnum):
    """Which latents of a layer the alignment loss is a mean over."""

    OWN = "own"
    """Those that the phrase was selected for, whose activation gaps and gains are about."""
    ALL = "all"
    """Every latent of the layer, whatever the phrase."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """One language of the study."""

    code: str
    """Two letters, as the benchmarks and translators spell it."""
    name: str
    group: Group
    script: str
    """Unicode script name that most letters of a good translation carry, such as "DEVANAGARI"."""
    tuned: bool = False
    """True when an adapter is trained for it."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One multiple-choice benchmark of the study."""

    name: str
    """Short name, such as "arc"; also the file family in the stores."""
    template: str
    """File of the stock lm-eval template that holds prompt and preprocessing."""
    data_folder: str
    """Folder of the Okapi data set, such as "m_arc"."""
    evaluated_split: str
    metric: str
    """Primary metric per item: "acc" or "acc_norm"."""
    shots: int
    chance: float
    """Accuracy of guessing, as a fraction."""


@dataclass(frozen=True, kw_only=True)
class PhraseChoice:
    """Which phrases speak for a latent."""

    min_fraction_of_maximum: float
    """A row counts when its peak reaches this share of the latent's maximum over all rows that do not peak on BOS."""
    cut: PhraseCut
    min_examples: int
    """A latent with fewer distinct phrases than this is not drawn."""
    max_examples: int
    """At most this many phrases per latent, strongest first."""


@dataclass(frozen=True, kw_only=True)
class AlignmentChoice:
    """How adapters are trained: the loss, what it touches, and the optimiser."""

    latents: AlignedLatents
    """What both terms of the loss are means over."""
    alpha: float
    """Weight of the retention term."""
    detach_english: bool
    """True stops the gradient at the English side of the alignment term."""
    hold_english: bool = field(default=False, metadata=SILENT)
    """True takes the untouched model's English for the English side of the alignment term, so that only the target moves in it."""
    straight_through: bool = field(default=False, metadata=SILENT)
    """True lets the gradient reach latents below their threshold, as if there were none; else a silent latent stays silent."""
    layers: tuple[int, ...]
    """Layers that the adapter changes; the loss reads those of them that have a dictionary."""
    rank: int
    lora_alpha: int
    target_modules: tuple[str, ...]
    learning_rate: float
    batch_size: int
    epochs: int
    pairs: int
    """Phrase pairs: drawn once, and seen once in each epoch."""
    weight_decay: float


@dataclass(frozen=True, kw_only=True)
class Choices:
    """One way to compute every number: the answers to what a paper leaves open, which each design asks for itself."""

    name: str

    @property
    def analysis_levels(self) -> Mapping[str, str]:
        """By axis of analysis that a field decides, and whose levels set nothing: the level that it takes."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Specification(Choices):
    """The answers to what a paper about languages and their latents leaves open."""

    phrases: PhraseChoice
    pooling: Pooling
    aggregation: Aggregation
    alignment: AlignmentChoice
    gain_layer: int
    """Layer whose latents speak for gain and retention."""
    num_beams: int
    """Beams of the translators."""

    @property
    def analysis_levels(self) -> Mapping[str, str]:
        """The levels that fields decide."""
        return {
            "pooling": str(self.pooling),
            "aggregation": str(self.aggregation),
            "gain-layer": str(self.gain_layer),
        }

    @property
    def deepest_tuned_layer(self) -> int:
        """The deepest layer at which anything is asked of adapters: an aligned one, or the one that speaks for gains."""
        return max(*self.alignment.layers, self.gain_layer)


class SAEKind(StrEnum):
    """How the files of a suite of SAEs are written; what is read from each are the same five arrays."""

    GEMMA_SCOPE = "gemma-scope"
    """`params.npz` with `W_enc`, `W_dec`, `b_enc`, `b_dec`, `threshold`."""
    GEMMA_SCOPE_2 = "gemma-scope-2"
    """`params.safetensors` with the same five arrays in small letters."""
    LLAMA_SCOPE = "llama-scope"
    """`checkpoints/final.safetensors` below a `hyperparams.json`: one threshold for all, held against a pre-activation that
    counts in the length of its decoder row, and biases of a stream that was scaled."""
    QWEN_SCOPE = "qwen-scope"
    """`layerN.sae.pt`, weights as a linear layer holds them, no thresholds."""
    SAE_LENS = "sae-lens"
    """`sae_weights.safetensors` beside a `cfg.json`, as SAELens saves."""


class SAEInput(StrEnum):
    """What an SAE reads of a residual stream, which is the unit that its activations are in."""

    STREAM = "stream"
    """The stream as it is."""
    SCALED = "scaled"
    """The stream times one constant of the layer, with which its mean length is sqrt(d_model)."""
    LENGTH = "length"
    """The stream of each token at the length sqrt(d_model)."""


@dataclass(frozen=True, kw_only=True)
class SAEForm:
    """How the SAEs of a suite are stored, and what makes a latent of theirs fire."""

    kind: SAEKind
    k: int | None = None
    """TopK: so many latents fire at a token, the strongest; None where each has a threshold of its own (JumpReLU)."""
    reads: SAEInput = SAEInput.STREAM
    is_before: bool = field(default=False, metadata=SILENT)
    """True where a file is named for the layer before which its SAE reads the stream: that is the one behind the layer below."""


GEMMA_SCOPE = SAEForm(kind=SAEKind.GEMMA_SCOPE)
"""The form of the SAEs that the first study is about."""


def layers_read(named: tuple[int, ...] | None, count: int) -> tuple[int, ...]:
    """The layers that are named, or so many from 0 on where none is: every layer has a dictionary then."""
    return tuple(range(count)) if named is None else named


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the parameters of a decoder are counted from, besides its width and depth."""

    heads: int
    kv_heads: int
    head_width: int
    mlp: int
    """Width of the gated MLP."""
    norms: int
    """Norms of a layer that are as wide as the model."""
    head_norms: int = 0
    """Norms of a layer that are as wide as a head."""
    is_tied: bool = True
    """True where the head of the model is its embedding."""

    def of_a_layer(self, d_model: int) -> int:
        """Parameters of one layer."""
        attention = 2 * d_model * self.head_width * (self.heads + self.kv_heads)
        norms = self.norms * d_model + self.head_norms * self.head_width
        return attention + 3 * d_model * self.mlp + norms


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """Shapes of the model and the dictionaries that the study is about."""

    num_layers: int
    d_model: int
    d_sae: int
    vocab_size: int
    weights: Weights | None = field(default=None, compare=False, metadata=SILENT)
    """What memory and time are counted from, which a study says; None of a model as it was loaded."""
    dictionary_layers: tuple[int, ...] | None = field(default=None, metadata=SILENT)
    """Layers that have a dictionary, ascending, where not every layer has one."""

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers at which activations are read: those that have a dictionary."""
        return layers_read(self.dictionary_layers, self.num_layers)

    @property
    def layers_say(self) -> str:
        """These layers for people."""
        if self.dictionary_layers is None:
            return f"0 to {self.num_layers - 1}"
        return ", ".join(map(str, self.dictionary_layers))

    def read_among(self, layers: Iterable[int]) -> tuple[int, ...]:
        """Those of some layers that have a dictionary."""
        return tuple(layer for layer in layers if layer in self.layers)

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer."""
        assert self.weights is not None
        return self.weights.of_a_layer(self.d_model)

    @property
    def parameters(self) -> int:
        """Parameters of the model: its layers, the norm behind them, the embedding and, where it is another, the head."""
        assert self.weights is not None
        embedded = (1 if self.weights.is_tied else 2) * self.vocab_size * self.d_model
        return embedded + self.num_layers * self.layer_parameters + self.d_model


@dataclass(frozen=True, kw_only=True)
class Study:
    """A paper as something that can be re-run."""

    name: str
    paper_id: str
    title: str
    design: str
    """Module that holds the kind of study it is, such as "harness.designs.disparity.design"."""
    shapes: Shapes
    languages: tuple[Language, ...]
    benchmarks: tuple[Benchmark, ...]
    primary: Choices
    axes: tuple[Axis, ...] = ()
    """Along which other specifications differ from the primary one; none where nothing is tried beside it."""
    grid: Grid = Grid.ANALYSIS
    """Which of them are registered: they alone give a claim its grade."""
    asked_grid: Grid | None = field(default=None, metadata=SILENT)
    """Which of them are computed where somebody asks for others than the registered ones."""

    @property
    def specification(self) -> Specification:
        """The primary choices as those of a study of languages and their latents.

        Raises:
            TypeError: If it is a study of another design.
        """
        if not isinstance(self.primary, Specification):
            raise TypeError(
                f"{self.name} leaves other things open; its primary choices must be a Specification"
            )
        return self.primary

    @property
    def computed_axes(self) -> tuple[Axis, ...]:
        """The axes of which more than the primary level is computed."""
        return asked_axes(self.axes, self.asked_grid or self.grid)

    def alignment(self, specification: str) -> AlignmentChoice:
        """How adapters are trained under a specification, by its name.

        Raises:
            ValueError: If there is no such specification, or it differs in something else than training.
        """
        by_name = {axis.name: axis for axis in self.axes}
        levels = [
            by_name[name].level(level) for name, level in differences_of(self.axes, specification).items()
        ]
        if strangers := [level.says for level in levels if not _trains_otherwise(level)]:
            raise ValueError(f"{specification!r} trains no adapter otherwise: {strangers[0]}")
        changes = {path.removeprefix(ALIGNMENT): value for level in levels for path, value in level.sets}
        return replace(self.specification.alignment, **changes)

    @property
    def ablations(self) -> tuple[str, ...]:
        """Names of the specifications under which adapters are trained otherwise in one thing, and in nothing else."""
        return tuple(
            f"{axis.name}={level.name}"
            for axis in self.axes
            for level in axis.others
            if _trains_otherwise(level)
        )

    def read_out(self, specification: str) -> tuple[int, ...]:
        """Layers at which an ablation is read: that which speaks for gains; where it moves layers, each that is tuned alone."""
        if self.alignment(specification).layers == self.specification.alignment.layers:
            return (self.specification.gain_layer,)
        tuned = (self.alignment(name).layers for name in self.ablations)
        return tuple(
            sorted({self.specification.gain_layer, *(layers[0] for layers in tuned if len(layers) == 1)})
        )

    @property
    def reference(self) -> Language:
        """The language that phrases are taken from."""
        return next(language for language in self.languages if language.group is Group.REFERENCE)

    @property
    def targets(self) -> tuple[Language, ...]:
        """Every language but the reference, in the study's order."""
        return tuple(language for language in self.languages if language.group is not Group.REFERENCE)

    def codes(self, group: Group) -> tuple[str, ...]:
        """Codes of the languages of one group, in the study's order."""
        return tuple(language.code for language in self.languages if language.group is group)

    @property
    def tuned(self) -> tuple[Language, ...]:
        """The languages that get an adapter."""
        return tuple(language for language in self.languages if language.tuned)


ALIGNMENT = "study.primary.alignment."
"""How a level spells that it sets how adapters are trained."""


def _trains_otherwise(level: Level) -> bool:
    return bool(level.sets) and all(path.startswith(ALIGNMENT) for path, _ in level.sets)


@dataclass(frozen=True, kw_only=True)
class Translator:
    """One translation model out of the reference language."""

    pin: Pin
    target_token: str | None = None
    """Token such as ">>cmn_Hans<<" that a many-target model needs in front of the text."""
    named_otherwise: str = ""
    """Why its address does not end with the language's code, as of a model for several languages; empty where it does."""


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """One model that the paper's authors tuned and published."""

    name: str
    """What the repository calls it, such as "4k-2"; it names estimates."""
    language: str
    """Language that it was tuned for, as far as anybody can tell."""
    pin: Pin


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """A text that people translated into every language of the study: what translators are held against."""

    pin: Pin
    split: str
    configs: Mapping[str, str]
    """By language code: what the text calls the language, such as "eng_Latn"."""


@dataclass(frozen=True, kw_only=True)
class Harvest:
    """How much of a corpus is read for each latent's strongest rows, where nobody has published them."""

    files: tuple[str, ...]
    """Files below the corpus' root, in order: JSON lines, plain or packed, or Parquet, with a `text` in each row."""
    contexts: int
    """Contexts that are read, at most."""
    context_tokens: int
    """Tokens of a context, with what stands in front."""
    rows_per_latent: int
    """Rows that are kept of each latent, the strongest."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a profile takes everything from."""

    model: ModelPin
    dictionaries: Pin
    dictionary_files: tuple[str, ...]
    """File of the SAE of each layer that has one, in order, below the dictionaries' root."""
    phrases: Pin
    """Neuronpedia's export, or the corpus that rows are harvested from."""
    phrase_source_ids: tuple[str, ...]
    """Source id of each layer that has an SAE, in order; a folder below the root of the export, or of what is harvested."""
    translators: Mapping[str, Translator]
    benchmarks: Mapping[str, Pin]
    """By name of the benchmark's data folder."""
    phrase_service: Pin | None = None
    """Service that tells single latents of the phrase export, for spot checks; None where there is none."""
    published_models: tuple[PublishedModel, ...] = ()
    """The authors' own tuned models, measured as they are beside the adapters that are trained here."""
    parallel: Parallel | None = None
    """None where no such text is at hand; translators are not scored then."""
    dictionary_form: SAEForm = field(default=GEMMA_SCOPE, metadata=SILENT)
    """How the dictionaries are stored, and what makes their latents fire."""
    harvest: Harvest | None = field(default=None, metadata=SILENT)
    """How rows are taken from `phrases` where that is a corpus; None where it is an export, which holds them."""

    def pins(self) -> tuple[Pin, ...]:
        """Every pin of the profile, once."""
        rest = (
            *(translator.pin for translator in self.translators.values()),
            *self.benchmarks.values(),
            *(model.pin for model in self.published_models),
        )
        parallel = () if self.parallel is None else (self.parallel.pin,)
        return tuple(dict.fromkeys((*self.model.pins, self.dictionaries, self.phrases, *rest, *parallel)))

    def remote_pins(self) -> tuple[Pin, ...]:
        """What the profile takes from elsewhere; made things are made when they are first used."""
        return tuple(pin for pin in self.pins() if not pin.is_local)


SAMPLING_SEED = 20_250_725
"""Root of every sampling stream that is not an adapter's: the day the paper was submitted, unless a profile says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything a profile takes; sizes move precision, never meaning."""

    resizable: ClassVar[tuple[str, ...]] = (
        "latents_per_layer",
        "adapter_seeds",
        "control_seeds",
        "items_per_cell",
    )
    """What a run may take less of: a claim that needs more is told as undecided."""
    extraction_trains: ClassVar[bool] = True
    """Whether a level of extraction trains something as well, since that is trained on what is extracted."""

    sampling_seed: int = SAMPLING_SEED
    """Which latents are drawn, and which texts are held out; another one makes an independent run."""
    latents_per_layer: int
    phrases_per_latent: int | None = None
    """At most so many of the phrases that the specification lets speak for a latent, a seeded sample; None takes all."""
    panel_latents: int
    """Latents per layer whose pooled values are kept for a sample of texts."""
    held_out_fraction: float
    """Share of texts that no adapter sees in training."""
    similarity_texts: int
    dictionary_texts: int
    adapter_seeds: tuple[int, ...]
    control_seeds: tuple[int, ...] = ()
    """Adapters that are trained on wrong partners: what training does without any meaning."""
    ablations: tuple[str, ...] = field(default=(), metadata=SILENT)
    """Specifications that one more adapter each is trained under, beside the primary ones, such as "alpha=0.1"."""
    ablated_languages: tuple[str, ...] = field(default=(), metadata=SILENT)
    """Tuned languages that get controls and ablations; every one where empty."""
    max_alignment_steps: int | None
    alignment_batch: int | None
    """Overrides the specification's batch size where memory or time is short."""
    items_per_cell: int | None
    """Benchmark items per (benchmark, language), the first ones by id; None takes all."""
    max_shots: int | None
    parallel_texts: int = 0
    """Sentences of the parallel text on which each translator is scored, at most; where a text is named, some."""
    batch_tokens: int
    """Padded positions per forward pass."""
    dtype: str
    translator_dtype: str = "float32"
    """What the translators compute in, however their weights are stored; "float16" and "int8" are faster on an accelerator."""
    threads: int

    @property
    def planned(self) -> Mapping[str, int | None]:
        """How many of each kind of unit a run would have, by what an `Estimand` counts them in; None takes all there are."""
        return {
            "latents": self.latents_per_layer,
            "texts": self.similarity_texts,
            "questions": self.items_per_cell,
            "training seeds": len(self.seeds),
        }

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of whatever is trained here, and claims rest on."""
        return self.adapter_seeds

    @property
    def departures(self) -> tuple[str, ...]:
        """Those by which something is done otherwise than the study registers it, and not only to less of something."""
        return ()

    def where_set(self, path: str) -> str:
        """The dotted path by which a level sets a choice of the study in a world of these sizes."""
        return path

    @property
    def of_one_seed(self) -> Self:
        """The same for a level that trains something: whatever is trained for it takes one seed."""
        return replace(self, control_seeds=(), ablations=(), adapter_seeds=self.adapter_seeds[:1])


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Sources and sizes of one world; nothing else tells the worlds apart."""

    name: str
    summary: str
    sources: Sources
    sizes: Sizes
    known_numbers: Pin | None = None
    """Recorded answers of single stages on committed inputs; None where a world has none."""
    self_check_study: str | None = None
    """Study whose claims check the judge itself on this world's numbers; None where a world has none."""
    alignment: AlignmentChoice | None = field(default=None, metadata=SILENT)
    """How adapters are trained in a world where the study's own choice would move nothing; None where it moves something."""
    levels: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = field(default=(), metadata=SILENT)
    """Of specifications such as "width=16d" what they set in a world that is too small for what they set in the study."""
    shards: int = field(default=1, metadata=SILENT)
    """Processes that share out the items of a stage with a model: jobs of a cluster and, in a miniature, a core each of this machine.
    Decides who makes an item, and nothing that it holds."""
    registered_sizes: Sizes | None = None
    """The sizes of the study's own profile, where a run takes others; None where it takes these."""

    @property
    def is_committed(self) -> bool:
        """True of a world that is committed whole, for any machine: a miniature, which is about no paper."""
        return all(pin.home is Home.FOLDER for pin in self.sources.pins())

    @property
    def resized(self) -> tuple[str, ...]:
        """Where its sizes are not the registered ones, one size a sentence."""
        if self.registered_sizes is None:
            return ()
        pairs = {
            field.name: (getattr(self.registered_sizes, field.name), getattr(self.sizes, field.name))
            for field in fields(Sizes)
        }
        return tuple(
            f"{name} {_size(ours)} instead of {_size(registered)}"
            for name, (registered, ours) in pairs.items()
            if ours != registered
        )


def _size(value: object) -> str:
    """A size as people read it: a number, which ones there are, or all."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else "all"


def gridded(study: Study, grid: Grid | None) -> Study:
    """The study with what a grid asks for; as it is registered where none is asked for."""
    return study if grid is None else replace(study, asked_grid=grid)


def retrained(study: Study, alignment: AlignmentChoice) -> Study:
    """The study with adapters trained otherwise; the axes begin with what they then are, and have what they were as a level."""
    axes = tuple(_begun_otherwise(axis, study.specification.alignment, alignment) for axis in study.axes)
    return replace(study, primary=replace(study.specification, alignment=alignment), axes=axes)


def _begun_otherwise(axis: Axis, before: AlignmentChoice, after: AlignmentChoice) -> Axis:
    paths = {path for level in axis.others for path, _ in level.sets}
    moved = {
        ALIGNMENT + each.name: (getattr(before, each.name), getattr(after, each.name))
        for each in fields(AlignmentChoice)
        if ALIGNMENT + each.name in paths and getattr(before, each.name) != getattr(after, each.name)
    }
    if not moved:
        return axis
    was, now = (tuple((path, values[place]) for path, values in moved.items()) for place in (0, 1))
    says = f"{', '.join(str(value) for _, value in now)}, as this world trains"
    first = next((level for level in axis.others if level.sets == now), Level(name="world", says=says))
    others = tuple(level for level in axis.others if level != first)
    return replace(axis, levels=(replace(first, sets=()), replace(axis.levels[0], sets=was), *others))


ALREADY_TAKEN = "in this world the primary specification takes it already"
"""Why a level is no other one."""


@dataclass(frozen=True, kw_only=True)
class SpecifiedWorld:
    """Study and profile under one specification."""

    specification: str
    axes: tuple[Axis, ...]
    """Along which it differs from the primary one."""
    study: Study
    profile: Profile
    missing: str = ""
    """Why no run has it, in a sentence; empty where runs do."""


def specified_worlds(study: Study, profile: Profile) -> Iterator[SpecifiedWorld]:
    """Every specification of a study's grid that takes another extraction or training: one axis at a time, the cheaper kind first.

    Axes of extraction are also moved together, as a fraction of resolution IV, each to its first other level that a run can have.
    Every one of them takes one seed. Controls, ablations and published models belong to the primary specification alone.
    """
    extraction, training = (
        of_kind(study.computed_axes, kind) for kind in (AxisKind.EXTRACTION, AxisKind.TRAINING)
    )
    alone = [specified_world(study, profile, each) for each in one_at_a_time(extraction)]
    yield from alone
    able = [
        replace(axis, levels=(axis.levels[0], level))
        for axis in extraction
        if (level := next((level for level in axis.others if _is_had(alone, axis, level)), None))
    ]
    for differences in fraction(able):
        if len(differences) > 1:
            yield specified_world(study, profile, differences)
    for differences in one_at_a_time(training):
        yield specified_world(study, profile, differences)


def _is_had(alone: Sequence[SpecifiedWorld], axis: Axis, level: Level) -> bool:
    name = specification_name((axis,), {axis.name: level.name})
    return any(each.specification == name and not each.missing for each in alone)


def specified_world(study: Study, profile: Profile, differences: Differences) -> SpecifiedWorld:
    """Study and profile under the specification that differs in this from the primary one."""
    axes = tuple(axis for axis in study.axes if axis.name in differences)
    levels = [_in_world(profile, axis.name, axis.level(differences[axis.name])) for axis in axes]
    asked, world = with_levels(study, "study", levels), with_levels(profile, "profile", levels)
    missing = " ".join(level.missing for level in levels if level.missing)
    if not missing and (asked, world) == (study, profile):
        missing = ALREADY_TAKEN
    is_trained = world.sizes.extraction_trains or bool(of_kind(axes, AxisKind.TRAINING))
    sizes = world.sizes.of_one_seed if is_trained else world.sizes
    sources = replace(world.sources, published_models=())
    return SpecifiedWorld(
        specification=specification_name(study.axes, differences),
        axes=axes,
        study=asked,
        profile=replace(world, sizes=sizes, sources=sources, alignment=None),
        missing=missing,
    )


def _in_world(profile: Profile, axis: str, level: Level) -> Level:
    """What a level sets in one world, and where that is set there."""
    sets = dict(profile.levels).get(f"{axis}={level.name}", level.sets)
    return replace(level, sets=tuple((profile.sizes.where_set(path), value) for path, value in sets))


def with_levels(whole: Whole, name: Literal["study", "profile"], levels: Iterable[Level]) -> Whole:
    """A study or a profile under levels of axes: what their dotted paths from its name say."""
    for path, value in (each for level in levels for each in level.sets):
        root, _, rest = path.partition(".")
        whole = _replaced(whole, rest, value) if root == name else whole
    return whole


def _replaced(whole: Any, path: str, value: Any) -> Any:  # noqa: ANN401  any record below a study or a profile
    """A record with one field replaced, however deep; of a tuple of records each takes its own value."""
    if not path:
        return value
    if isinstance(whole, tuple):
        if len(whole) != len(value):
            raise ValueError(f"{len(value)} values of {path} are given for {len(whole)}")
        return tuple(_replaced(each, path, own) for each, own in zip(whole, value, strict=True))
    name, _, rest = path.partition(".")
    return replace(whole, **{name: _replaced(getattr(whole, name), rest, value)})
