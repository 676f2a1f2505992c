"""What every stage of this design reads and stores: from what its items are told, and from how many and how long texts are.

Number and length of texts are stated before a run, since nobody has read them; nothing measured ever rests on them. With
those of a finished run the same declarations give what was counted in it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.designs.design import Costs
from harness.designs.disparity import plan as stages
from harness.models.work import WITH_GRADIENTS
from harness.stages.evaluation_tasks import family_of
from harness.stages.stage import constant
from harness.words.plan import Item, Parameters, Plan, Stage, Work
from harness.words.study import AlignedLatents, AlignmentChoice, Benchmark, Home, Profile, Study

TOKENS_PER_PHRASE = 32
"""Mean tokens of a phrase with its BOS: sentences are short, and Indic scripts take many pieces."""

TOKENS_PER_EXAMPLE = 90
"""Mean tokens of one benchmark question, with an answer or letters to choose from, over languages."""

TOKENS_PER_OPTION = 30
"""Mean tokens of an answer that is spelled out, over languages; a letter is predicted, and never read."""

OPTIONS = 4
"""Continuations that are scored per item."""

TOKENS_PER_ROW = 128
"""Tokens of a stored row of the export."""

SHARE_OF_DISTINCT = 0.9
"""Phrases that are left when those that speak for several latents are counted once."""

FLOAT_BYTES = 4

BYTES_PER_TEXT = 150
"""A stored text, its ids and flags, packed."""

BYTES_PER_ANSWER = 150
"""A stored answer with its digests, packed."""

TRANSLATOR_BYTES = 300 * 2**20
"""One published translator in float32, converted: some 75 million parameters. Those of a checkout are a hundred times smaller."""

ACTIVE_SHARE = 0.15
"""Share of texts on which a latent of the panel is active at all: what some 80 active latents of 16,384 a token make of 32 tokens."""

BYTES_PER_ACTIVE = 10
"""Mean, maximum and active share of one such latent, packed; 9.4 in the miniature world, where 42 % are active."""

BYTES_PER_ROW_TOKEN = 4
"""A token of a row with its activation, packed: what 314 MB of some 45 rows of 16,384 latents make, which one layer's export has."""

HELD_OUT_PAIRS = constant("harness.stages.alignment", "HELD_OUT_PAIRS")
RANDOM_DIRECTIONS = constant("harness.stages.dictionary_error", "RANDOM_DIRECTIONS")
MOMENTS = constant("harness.stages.training", "MOMENTS")


@dataclass(frozen=True, kw_only=True)
class Texts:
    """How many texts a run reads, and how long they are in the mean."""

    phrases: int
    """Distinct ones."""
    held_out: int
    """Those of them that no adapter is trained on."""
    layers: float
    """Layers that a phrase climbs to the deepest one that it speaks at, in the mean."""
    tuned: int
    """Phrases held out that speak at a layer that adapters are asked about."""
    tuned_layers: float
    """Layers that these climb to the deepest such layer, in the mean."""
    tokens: Mapping[str, float]
    """Of a phrase with its BOS, by language."""
    row_tokens: float
    """Of a stored row, without BOS."""
    example_tokens: float
    """Of one example, or one question with what stands behind it."""
    option_tokens: float
    """Of one answer that is spelled out, but for its last token, which is predicted and not read."""


def phrases_at_most(plan: Plan) -> int:
    """Distinct phrases that a profile's sizes allow; an export may hold fewer."""
    return int(SHARE_OF_DISTINCT * stages.most_phrases(plan.study, plan.profile))


def stated(plan: Plan) -> Texts:
    """What is assumed for want of a run: as many phrases as the sizes allow, of stated lengths."""
    phrases = phrases_at_most(plan)
    held_out = int(plan.profile.sizes.held_out_fraction * phrases)
    depths = [layer + 1 for layer in plan.study.shapes.layers]
    asked = [depth for depth in depths if depth <= plan.study.specification.deepest_tuned_layer + 1]
    # A phrase speaks at so many of the layers that have a dictionary, each as likely as another.
    spoken = 1 / SHARE_OF_DISTINCT
    return Texts(
        phrases=phrases,
        held_out=held_out,
        layers=_largest(depths, spoken),
        tuned=round(held_out * (1 - (1 - len(asked) / len(depths)) ** spoken)),
        tuned_layers=_largest(asked, spoken),
        tokens={language.code: TOKENS_PER_PHRASE for language in plan.study.languages},
        row_tokens=TOKENS_PER_ROW,
        example_tokens=TOKENS_PER_EXAMPLE,
        option_tokens=TOKENS_PER_OPTION,
    )


def _largest(depths: Sequence[int], draws: float) -> float:
    """The largest of n draws from so many depths, in the mean: of 1 to m it is n (m + 1) / (n + 1)."""
    place = min(max(1.0, draws / (draws + 1) * (len(depths) + 1)), len(depths))
    below = depths[int(place) - 1]
    above = depths[min(int(place), len(depths) - 1)]
    return below + (place % 1) * (above - below)


def costs(plan: Plan) -> Costs:
    """What every stage of a plan reads at most."""
    texts = stated(plan)
    asked = {each.name: _items(each, plan.profile.sizes.items_per_cell) for each in plan.study.benchmarks}
    items = ", ".join(f"{count:,} of {name}" for name, count in asked.items())
    return Costs(
        assumed=(
            f"{texts.phrases:,} phrases, the most that the sizes allow, of {TOKENS_PER_PHRASE} tokens",
            f"benchmark items in every language: {items or 'none'}",
            f"{TOKENS_PER_EXAMPLE} tokens an example or a question, {TOKENS_PER_OPTION} an option",
        ),
        work=work_of(plan, texts),
        stored_bytes=_stored_bytes(plan, texts.phrases, sum(asked.values())),
    )


def _items(benchmark: Benchmark, most: int | None) -> int:
    """Items of one benchmark in one language: those that a profile's sizes name, or about as many as there are."""
    return most or family_of(benchmark).usual_items


def _stored_bytes(plan: Plan, phrases: int, items: int) -> Mapping[str, int]:
    """About what one item of each stage leaves in the store; of those that are not there, hardly anything."""
    sizes, shapes, choice = plan.profile.sizes, plan.study.shapes, plan.study.specification.alignment
    texts = phrases * BYTES_PER_TEXT
    whole = min(phrases, stages.WHOLE_DEPTH_TEXTS)
    layers = len(shapes.layers)
    panel = int(whole * layers * sizes.panel_latents * ACTIVE_SHARE * BYTES_PER_ACTIVE)
    # Most values of a latent's own tokens are zero: about a byte each, packed.
    tokens = int(phrases / SHARE_OF_DISTINCT) * TOKENS_PER_PHRASE
    residuals = sizes.similarity_texts * layers * shapes.d_model * FLOAT_BYTES
    random = sizes.dictionary_texts * TOKENS_PER_PHRASE * layers * RANDOM_DIRECTIONS * FLOAT_BYTES
    # Two factors of each target, in float32.
    weights = 2 * choice.rank * shapes.d_model * len(choice.target_modules) * len(choice.layers)
    answers = items * BYTES_PER_ANSWER
    how = plan.profile.sources.harvest
    rows = 0 if how is None else how.rows_per_latent * how.context_tokens * shapes.d_sae * layers
    is_small = all(each.pin.home is Home.FOLDER for each in plan.profile.sources.translators.values())
    return {
        "harvest": rows * BYTES_PER_ROW_TOKEN,
        "phrases": texts,
        "converted-translators": 0 if is_small else TRANSLATOR_BYTES,
        "translation-shards": texts // stages.num_shards(plan.study, plan.profile),
        "translations": texts,
        "romanisations": texts,
        "activations": panel + tokens + residuals,
        "dictionary-error": random,
        "activations-tuned": int(sizes.held_out_fraction * tokens),
        "adapters": weights * FLOAT_BYTES,
        "benchmarks": answers,
        "benchmarks-tuned": answers,
    }


def work_of(plan: Plan, texts: Texts) -> Mapping[str, Work]:
    """What every stage reads, given the texts."""
    declared = Declared(study=plan.study, profile=plan.profile, texts=texts)
    return {stage.name: declared.of_stage(stage) for stage in plan.stages}


def first_look(adapter: Item) -> object:
    """What adapters that share their first look at held-out pairs agree in; nothing is shared where the loss is over all latents."""
    choice = adapter.parameters["choice"]
    if choice.latents is AlignedLatents.ALL:
        return object()
    return adapter.parameters["language"], choice.layers


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What one item of each stage reads."""

    study: Study
    profile: Profile
    texts: Texts

    @property
    def deepest(self) -> int:
        """Layers that a text passes which is read at every dictionary."""
        return self.study.shapes.layers[-1] + 1

    def of(self, item: Item, earlier: Sequence[Item] = ()) -> Work:
        """What an item reads; one of a stage that runs no network reads nothing.

        Args:
            item: Which.
            earlier: Items of its stage that the same process has made: an adapter looks at held-out pairs before its first step
                only where none of them has, at the same pairs and layers.
        """
        if parallel := dict(item.needs).get("parallel"):
            return self.parallel(parallel.parameters)
        declared = DECLARED.get(item.function)
        work = declared(self, item.parameters) if declared else Work()
        if item.function == stages.ADAPTERS and first_look(item) in map(first_look, earlier):
            work -= self.moment(item.parameters, is_first=True)
        return work

    def of_stage(self, stage: Stage) -> Work:
        """What the items of a stage read, made by one process; each further one looks for itself once more."""
        return sum(
            (self.of(item, stage.items[:place]) for place, item in enumerate(stage.items)), start=Work()
        )

    def harvest(self, told: Parameters) -> Work:
        """As many contexts as are allowed, each full and through the deepest dictionary's layer."""
        how, every = told["how"], len(self.study.shapes.layers)
        encoded = self._encoded(how.contexts, how.context_tokens, every, self.study.shapes.d_sae)
        return self._through(how.contexts, how.context_tokens, self.deepest) + encoded

    def replay(self, told: Parameters) -> Work:
        """Every row twice, with BOS and without, as far as its own layer."""
        rows, layers = told["rows_per_layer"], self.study.shapes.layers
        tokens = rows * (2 * self.texts.row_tokens + 1)
        # A row asks one latent, of a TopK or of sae-lens the whole encoder.
        is_whole = self.is_top_k or self.profile.sources.harvest is not None
        latents = self.study.shapes.d_sae if is_whole else 1
        values = 2 * rows * len(layers) * self.texts.row_tokens * self.study.shapes.d_model
        return Work(
            encoded=round(values * latents),
            texts=2 * rows * len(layers),
            tokens=round(len(layers) * tokens),
            token_layers=round(tokens * sum(layer + 1 for layer in layers)),
        )

    def translation_shards(self, told: Parameters) -> Work:
        """The phrases from its first one on; the last shards may find none left."""
        left = self.texts.phrases - told["shard"] * told["shard_texts"]
        return Work(translated=min(max(left, 0), told["shard_texts"]))

    def translation_scores(self, told: Parameters) -> Work:
        """A sample of a parallel text."""
        return Work(translated=told["parallel"].sentences)

    def activations(self, told: Parameters) -> Work:
        """Every phrase as far as it speaks, and a sample through the whole depth."""
        tokens = self.texts.tokens[told["language"]]
        whole = min(self.texts.phrases, max(told["panel_texts"], told["similarity_texts"]))
        rest = self.texts.phrases - whole
        return self._read(whole, tokens, self.deepest) + self._read(rest, tokens, self.texts.layers)

    def parallel(self, told: Parameters) -> Work:
        """Every sentence of a parallel text by a machine and by people, through the whole depth."""
        return self._read(2 * told["parallel"].sentences, self.texts.tokens[told["language"]], self.deepest)

    def activations_tuned(self, told: Parameters) -> Work:
        """Phrases held out, as far as adapters are asked about them."""
        return self._read(self.texts.tuned, self.texts.tokens[told["language"]], self.texts.tuned_layers)

    def _read(self, count: int, tokens_each: float, layers: float) -> Work:
        """Texts that pass so many layers, and are encoded at those that have a dictionary."""
        encoded = self._encoded(count, tokens_each, self.dictionaries(layers), self.columns)
        return self._through(count, tokens_each, layers) + encoded

    def dictionary_error(self, told: Parameters) -> Work:
        """A sample of the phrases, and of a part of it a copy for every dictionary and one more, to the end."""
        count = min(told["texts"], self.texts.phrases)
        layers, tokens = len(self.study.shapes.layers), self.texts.tokens[told["language"]]
        # A stream of zeros is the same whatever was read: what stands in front of a text is enough.
        nothing = self._through(layers, 1)
        spliced = -(-count // told["texts_per_spliced"])
        return (
            self._through(count, tokens, self.deepest)
            + self._through(spliced * (layers + 1), tokens)
            + nothing
            # Encoded and decoded, and of those that are spliced once more.
            + self._encoded(2 * (count + spliced), tokens, layers, self.study.shapes.d_sae)
        )

    def adapters(self, told: Parameters) -> Work:
        """Pairs, as far as the deepest layer that the loss reads, and held-out ones at every moment.

        A step passes two sides with the adapter. Without it English passes once, and each time anew where the loss is over all
        latents.
        """
        choice = told["choice"]
        epoch = min(choice.pairs, self.texts.phrases - self.texts.held_out)
        steps = choice.epochs * math.ceil(epoch / told["batch_size"])
        steps = min(steps, told["max_steps"] or steps)
        learnt = min(choice.epochs * epoch, steps * told["batch_size"])
        untouched = learnt if choice.latents is AlignedLatents.ALL else min(learnt, epoch)
        english, both = self._sides(told)
        pairs = self._aligned(choice, 2 * learnt, learnt * both, WITH_GRADIENTS)
        pairs += self._aligned(choice, untouched, untouched * english)
        moments = min(MOMENTS, steps + 1)
        return sum((self.moment(told, is_first=place == 0) for place in range(moments)), start=pairs)

    def moment(self, told: Parameters, *, is_first: bool) -> Work:
        """Held-out pairs as a step passes them, and both sides as language, to the very end; English without the adapter as there."""
        choice, held_out = told["choice"], min(HELD_OUT_PAIRS, self.texts.held_out)
        english, both = self._sides(told)
        seen = self._aligned(choice, 2 * held_out, held_out * both) + self._through(2 * held_out, both / 2)
        if is_first or choice.latents is AlignedLatents.ALL:
            seen += self._aligned(choice, held_out, held_out * english)
        return seen

    def _sides(self, told: Parameters) -> tuple[float, float]:
        """Tokens of an English text, and of a pair."""
        english, target = (self.texts.tokens[code] for code in (self.study.reference.code, told["language"]))
        return english, english + target

    def _aligned(self, choice: AlignmentChoice, texts: int, tokens: float, times: int = 1) -> Work:
        """Texts that pass as far as the loss reads; with gradients every layer counts so many times."""
        read = self.study.shapes.read_among(choice.layers)
        latents = self.study.shapes.d_sae if choice.latents is AlignedLatents.ALL else self.columns
        encoded = (tokens - texts * self.front) * len(read) * self.study.shapes.d_model * latents
        return Work(
            encoded=round(times * encoded),
            texts=texts,
            tokens=round(tokens),
            token_layers=round(times * (max(read) + 1) * tokens),
        )

    def benchmarks(self, told: Parameters) -> Work:
        """Every question once with its options behind it; examples before each, or once where all questions share them."""
        most, texts = told["max_shots"], self.texts
        read, tokens = 0, 0.0
        for benchmark in told["benchmarks"]:
            family, items = family_of(benchmark), _items(benchmark, told["items"])
            shots = benchmark.shots if most is None else min(benchmark.shots, most)
            options = 0.0 if family.asks_letters else OPTIONS * texts.option_tokens
            # What all prompts begin with passes the model as a text of its own.
            read += items + 1
            tokens += shots * texts.example_tokens * (1 if family.shares_examples else items)
            tokens += items * (texts.example_tokens + options)
        return self._through(read, tokens / read) if read else Work()

    @property
    def is_top_k(self) -> bool:
        """Whether which latents fire depends on all of them."""
        return self.profile.sources.dictionary_form.k is not None

    @property
    def columns(self) -> int:
        """Latents of a dictionary that are encoded where the drawn ones are asked: these alone, or with a TopK every one."""
        return self.study.shapes.d_sae if self.is_top_k else self.profile.sizes.latents_per_layer

    @property
    def front(self) -> int:
        """Tokens in front of a text, which nothing encodes."""
        return len(self.profile.sources.model.facts.front)

    def dictionaries(self, layers: float) -> float:
        """Dictionaries that a text passes which climbs so many layers."""
        return layers * len(self.study.shapes.layers) / self.deepest

    def _encoded(self, count: int, tokens_each: float, dictionaries: float, latents: int) -> Work:
        """So many latents of so many dictionaries, over the tokens of texts."""
        values = count * (tokens_each - self.front) * self.study.shapes.d_model
        return Work(encoded=round(values * dictionaries * latents))

    def _through(self, count: int, tokens_each: float, layers: float | None = None) -> Work:
        """Texts that pass so many layers, every one if left out."""
        tokens = round(count * tokens_each)
        layers = self.study.shapes.num_layers if layers is None else layers
        return Work(texts=count, tokens=tokens, token_layers=round(tokens * layers))


DECLARED: Mapping[str, Callable[[Declared, Parameters], Work]] = {
    stages.HARVEST: Declared.harvest,
    stages.REPLAY: Declared.replay,
    stages.TRANSLATION_SHARDS: Declared.translation_shards,
    stages.TRANSLATION_SCORES: Declared.translation_scores,
    stages.ACTIVATIONS: Declared.activations,
    stages.DICTIONARY_ERROR: Declared.dictionary_error,
    stages.ADAPTERS: Declared.adapters,
    stages.ACTIVATIONS_TUNED: Declared.activations_tuned,
    stages.BENCHMARKS: Declared.benchmarks,
    stages.BENCHMARKS_TUNED: Declared.benchmarks,
}
"""The stages that run a network."""
