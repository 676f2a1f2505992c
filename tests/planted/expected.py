"""Every estimate of the planted study by pencil, under the name that the pipeline gives it."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tests.planted.dictionaries import D_SAE
from tests.planted.lexicon import CODES, HUSH, LETTERS, NAMES, SPOKEN, pieces_of, sentence, text_in
from tests.planted.network import NUM_LAYERS, Strengths, Values
from tests.planted.pencil import UNTOUCHED, log_likelihood, streams, token_acts
from tests.planted.run import FIELDS
from tests.planted.world import (
    ADAPTERS,
    ALIGNMENT,
    ARC,
    CONTROLS,
    LOGGED,
    LOGGED_OF_CONTROLS,
    MMLU,
    NUM_ITEMS,
    SAMPLED_TEXTS,
    SAMPLING_SEED,
    SEEDS,
    SPECIFICATION,
    STUDY,
    PlantedWorld,
    Question,
    questions,
    texts,
)

HIGH, LOW, TUNED = ("es", "it"), ("hi", "ml"), ("hi", "ml")
GAIN_LAYER = SPECIFICATION.gain_layer

HELD_OUT, DICTIONARY = 1, int.from_bytes(b"dictionary")
"""Names of the streams that draw held-out texts and the dictionaries' texts, besides the profile's seed."""
LM_EVAL_SEED = 1234
"""Seed under which lm-eval's command line draws examples where nobody names another."""

MOMENTS = (
    "alignment-gap",
    "alignment-gap-shuffled",
    "alignment-drift",
    "alignment-english-mean",
    "alignment-target-mean",
    "english-nats",
    "target-nats",
)
"""What the log of a planted adapter holds, in the order of its figures."""
OF_ADAPTERS = (
    "gain",
    "retention",
    "retention-by-adapter",
    "delta",
    "delta-english",
    "relative-delta",
    *MOMENTS,
)


@dataclass(frozen=True)
class Expected:
    """The pencil's view of one world."""

    world: PlantedWorld

    @cached_property
    def values(self) -> dict[str, float]:
        """By estimate id: the value."""
        from tests.planted.rivals import rivals  # it names what stands here

        parts = (
            self._gaps(),
            self._gains(),
            self._retentions(),
            self._scores(),
            self._correlations(),
            self._similarities(),
            self._lengths(),
            self._dictionary_errors(),
            self._flags(),
            self._moments(),
            rivals(self),
        )
        return {name: value for part in parts for name, value in part}

    @cached_property
    def errors(self) -> dict[str, float]:
        """By estimate id: the standard error that documents or latents give, for changes in accuracy and group gaps."""
        found = {}
        for adapter in TUNED:
            for quantity, code in (("delta", adapter), ("delta-english", "en")):
                for benchmark in STUDY.benchmarks:
                    before = np.asarray(self.right(benchmark.name, code))
                    after = [self.right(benchmark.name, code, ADAPTERS[adapter, seed]) for seed in SEEDS]
                    changes = 100 * (np.mean(after, axis=0) - before)
                    name = f"{quantity}/lang={adapter}/bench={benchmark.name}/primary/primary"
                    found[name] = float(changes.std(ddof=1) / len(changes) ** 0.5)
        for layer in range(NUM_LAYERS):
            above, below = self._group(HIGH, layer), self._group(LOW, layer)
            missed = below - below.sum() / above.sum() * above
            spread = float(np.sqrt((missed**2).sum() / (len(missed) * (len(missed) - 1))))
            found[f"gap/layer={layer}/high/primary"] = 100 * spread / float(above.mean())
        return found

    def seeds_of(self, quantity: str) -> tuple[int, ...]:
        """Seeds of the adapters that a quantity rests on; none where it rests on none."""
        if quantity.endswith("-control"):
            return tuple(dict.fromkeys(seed for _, seed in CONTROLS))
        return SEEDS if quantity in OF_ADAPTERS else ()

    @cached_property
    def spoken(self) -> list[str]:
        """Every English text that some latent selected, in alphabetical order: that is how texts are numbered."""
        return sorted({text for layer in self.world.selected for found in layer.values() for text in found})

    @cached_property
    def held_out(self) -> frozenset[str]:
        """A third of the English texts, which no adapter sees in training."""
        return frozenset(self._drawn(HELD_OUT, 0)[: round(len(self.spoken) / 3)])

    def _drawn(self, *stream: int) -> list[str]:
        """The English texts in the order of one stream of the profile's seed."""
        rng = np.random.default_rng(np.random.SeedSequence([SAMPLING_SEED, *stream]))
        return [self.spoken[place] for place in rng.permutation(len(self.spoken)).tolist()]

    def said(self, code: str, english: str) -> str:
        """A text in a language."""
        return text_in(code, texts()[english])

    @cached_property
    def kept(self) -> frozenset[str]:
        """Texts that have a token in every language."""
        return frozenset(text for text in self.spoken if all(self.said(code, text) for code in CODES))

    def acts(self, code: str, strengths: Strengths = UNTOUCHED) -> dict[str, list[Values]]:
        """By English text: activations of every layer over the tokens of its translation."""
        key = (code, tuple(strengths))
        if key not in self._acts:
            self._acts[key] = self.acts_of(code, str, strengths)
        return self._acts[key]

    def acts_of(
        self, code: str, spelt: Callable[[str], str], strengths: Strengths = UNTOUCHED
    ) -> dict[str, list[Values]]:
        """The same of translations that are spelt otherwise."""
        facts, dictionaries = self.world.facts, self.world.dictionaries
        return {
            text: token_acts(facts, dictionaries, spelt(self.said(code, text)), strengths)
            for text in self.spoken
            if self.said(code, text)
        }

    @cached_property
    def _acts(self) -> dict[tuple[str, Strengths], dict[str, list[Values]]]:
        return {}

    def latent_means(
        self, code: str, layer: int, strengths: Strengths = UNTOUCHED, *, held_out: bool = False
    ) -> Values:
        """Mean over phrases of the mean over tokens, for each selected latent of a layer."""
        acts = self.acts(code, strengths)
        means = []
        for latent, peaks in sorted(self.world.selected[layer].items()):
            counted = [
                text for text in peaks if text in self.kept and (text in self.held_out or not held_out)
            ]
            if counted:
                means.append(np.mean([acts[text][layer][:, latent].mean() for text in counted]))
        return np.asarray(means)

    def _group(self, codes: Sequence[str], layer: int) -> Values:
        return np.mean([self.latent_means(code, layer) for code in codes], axis=0)

    def _gaps(self) -> Iterator[tuple[str, float]]:
        for layer in range(NUM_LAYERS):
            for reading, codes in (("high", HIGH), ("english", ("en",))):
                above = self._group(codes, layer).sum()
                below = self._group(LOW, layer).sum()
                yield f"gap/layer={layer}/{reading}/primary", 100 * (1 - below / above)
                for code in (*HIGH, *LOW):
                    own = self.latent_means(code, layer).sum()
                    yield f"gap/layer={layer}/lang={code}/{reading}/primary", 100 * (1 - own / above)

    def change(self, code: str, layer: int, strengths: Strengths) -> float:
        """Change in percent of a language's held-out means under an adapter."""
        before = self.latent_means(code, layer, held_out=True).sum()
        after = self.latent_means(code, layer, strengths, held_out=True).sum()
        return float(100 * (after / before - 1))

    def _gains(self) -> Iterator[tuple[str, float]]:
        for code in TUNED:
            at_layer = [self.change(code, GAIN_LAYER, ADAPTERS[code, seed]) for seed in SEEDS]
            yield f"gain/layer={GAIN_LAYER}/lang={code}/primary/primary", np.mean(at_layer)
            over_all = [
                self.change(code, layer, ADAPTERS[code, seed]) for seed in SEEDS for layer in ALIGNMENT.layers
            ]
            yield f"gain/lang={code}/primary/mean-over-aligned-layers", np.mean(over_all)
            before = self.latent_means(code, GAIN_LAYER, held_out=True).sum()
            english = self.latent_means("en", GAIN_LAYER, held_out=True).sum()
            risen = [before * change / 100 for change in at_layer]
            shares = 100 * np.asarray(risen) / (english - before)
            yield f"gain/layer={GAIN_LAYER}/lang={code}/primary/share-of-gap-closed", shares.mean()
            control = self.change(code, GAIN_LAYER, CONTROLS[code, 1])
            yield f"gain-control/layer={GAIN_LAYER}/lang={code}/primary/primary", control

    def _retentions(self) -> Iterator[tuple[str, float]]:
        place = f"layer={GAIN_LAYER}"
        by_adapter = {
            adapter: np.mean([100 + self.change("en", GAIN_LAYER, ADAPTERS[adapter, seed]) for seed in SEEDS])
            for adapter in TUNED
        }
        for adapter, value in by_adapter.items():
            yield f"retention-by-adapter/{place}/lang={adapter}/activation/primary", value
        yield f"retention/{place}/lang=en/activation/primary", np.mean(list(by_adapter.values()))

    def right(self, benchmark: str, code: str, strengths: Strengths = UNTOUCHED) -> list[int]:
        """For each item, whether the primary metric counts the model's answer as right."""
        key = (benchmark, code, tuple(strengths))
        if key not in self._answers:
            self._answers[key] = self._answered(benchmark, code, strengths)
        return self._answers[key]

    @cached_property
    def _answers(self) -> dict[tuple[str, str, Strengths], list[int]]:
        return {}

    def _answered(self, benchmark: str, code: str, strengths: Strengths) -> list[int]:
        items = questions(code)
        if benchmark == "arc":
            examples = random.Random(LM_EVAL_SEED)
            return [
                self._is_right(
                    "".join(map(answered, examples.sample(items["m_arc"]["train"], ARC.shots))) + asked(item),
                    options_of(item),
                    LETTERS.index(item["answer"]),
                    strengths,
                )
                for item in items["m_arc"]["test"][:NUM_ITEMS]
            ]
        if benchmark == "mmlu":
            shots = "".join(
                f"{asked_by_letter(item)} {item['answer']}\n\n"
                for item in items["m_mmlu"]["train"][: MMLU.shots]
            )
            return [
                self._is_right(
                    shots + asked_by_letter(item), LETTERS, LETTERS.index(item["answer"]), strengths
                )
                for item in items["m_mmlu"]["test"][:NUM_ITEMS]
            ]
        return [
            self._is_right(
                f"Bench: {item['ctx_a']} {NAMES[0].capitalize()}",
                item["endings"],
                int(item["label"]),
                strengths,
                by_length=False,
            )
            for item in items["m_hellaswag"]["val"][:NUM_ITEMS]
        ]

    def _is_right(
        self, prompt: str, options: Sequence[str], gold: int, strengths: Strengths, *, by_length: bool = True
    ) -> int:
        scores = [
            log_likelihood(self.world.facts, pieces_of(prompt), pieces_of(f" {option}"), strengths)
            / (len(option) if by_length else 1)
            for option in options
        ]
        ranked = sorted(scores)
        assert ranked[-1] - ranked[-2] > 1e-4, "two options are too close for a pencil; draw other items"
        return int(int(np.argmax(scores)) == gold)

    def _percent(self, benchmark: str, code: str, strengths: Strengths = UNTOUCHED) -> float:
        return float(100 * np.mean(self.right(benchmark, code, strengths)))

    def _scores(self) -> Iterator[tuple[str, float]]:
        names = [benchmark.name for benchmark in STUDY.benchmarks]
        for code in CODES:
            for name in names:
                yield f"accuracy/lang={code}/bench={name}/primary/primary", self._percent(name, code)
        kept: dict[int, list[float]] = {seed: [] for seed in SEEDS}
        for adapter in TUNED:
            for quantity, code in (("delta", adapter), ("delta-english", "en")):
                for name in names:
                    before = self._percent(name, code)
                    after = [self._percent(name, code, ADAPTERS[adapter, seed]) for seed in SEEDS]
                    delta = np.mean(after) - before
                    yield f"{quantity}/lang={adapter}/bench={name}/primary/primary", delta
                    if quantity == "delta":
                        place = f"lang={adapter}/bench={name}"
                        yield f"relative-delta/{place}/relative/primary", 100 * delta / before
                    else:
                        for seed, value in zip(SEEDS, after, strict=True):
                            kept[seed].append(100 * value / before)
        yield "retention/lang=en/accuracy/primary", np.mean([np.mean(values) for values in kept.values()])

    def _correlations(self) -> Iterator[tuple[str, float]]:
        found = dict(self._gaps())
        gaps = [
            np.mean([found[f"gap/layer={layer}/lang={code}/high/primary"] for layer in range(NUM_LAYERS)])
            for code in (*HIGH, *LOW)
        ]
        names = [benchmark.name for benchmark in STUDY.benchmarks]
        scores = {name: [self._percent(name, code) for code in (*HIGH, *LOW)] for name in names}
        for name, values in scores.items():
            yield f"correlation/bench={name}/primary/primary", float(np.corrcoef(gaps, values)[0, 1])
        mean = np.mean(list(scores.values()), axis=0)
        yield "correlation/primary/primary", float(np.corrcoef(gaps, mean)[0, 1])

    def mean_stream(self, code: str, english: str, layer: int) -> Values:
        """Mean over tokens of the residual stream of a translation."""
        ids = self.world.facts.ids_of(pieces_of(self.said(code, english)))
        return streams(self.world.facts, ids)[layer][1:].mean(axis=0)

    def _similarities(self) -> Iterator[tuple[str, float]]:
        for code in (*HIGH, *LOW):
            shared = [text for text in self._drawn(len(self.spoken))[:SAMPLED_TEXTS] if self.said(code, text)]
            for layer in range(NUM_LAYERS):
                own, english = (
                    np.stack([self.mean_stream(side, text, layer) for text in shared])
                    for side in (code, "en")
                )
                place = f"similarity/layer={layer}/lang={code}"
                yield f"{place}/raw/primary", _mean_cosine(own, english)
                centred = (own - own.mean(axis=0), english - english.mean(axis=0))
                yield f"{place}/centred/primary", _mean_cosine(*centred)

    def _lengths(self) -> Iterator[tuple[str, float]]:
        for code in CODES:
            lengths = [len(pieces_of(self.said(code, text))) for text in self.spoken]
            yield f"tokens-per-phrase/lang={code}/primary/primary", np.mean(lengths)
            chosen = [text for layer in self.world.selected for peaks in layer.values() for text in peaks]
            share = 100 * np.mean([bool(self.said(code, text)) for text in chosen])
            yield f"selections-kept/lang={code}/primary/primary", share

    def _dictionary_errors(self) -> Iterator[tuple[str, float]]:
        for code in CODES:
            sample = self._drawn(DICTIONARY, len(self.spoken))[:SAMPLED_TEXTS]
            rows = [self.world.facts.ids_of(pieces_of(self.said(code, text))) for text in sample]
            found = [streams(self.world.facts, ids) for ids in rows if ids]
            for layer, dictionary in enumerate(self.world.dictionaries):
                tokens = np.concatenate([stream[layer][1:] for stream in found])
                acts = dictionary.encoded(tokens)
                missed = tokens - (acts @ dictionary.W_dec + dictionary.b_dec)
                around = tokens - tokens.mean(axis=0)
                place = f"layer={layer}/lang={code}/primary/primary"
                yield f"dictionary-error/{place}", float((missed**2).sum() / (around**2).sum())
                yield f"dictionary-l0/{place}", float((acts > 0).sum(axis=1).mean())

    def _flags(self) -> Iterator[tuple[str, float]]:
        for code in (*HIGH, *LOW):
            sound = [not self.is_flagged(code, text) for text in self.spoken]
            yield f"translations-unflagged/lang={code}/primary/primary", 100 * np.mean(sound)

    def is_flagged(self, code: str, english: str) -> bool:
        """Whether something is wrong about a translation: copied, empty, one word over and over, one without an end."""
        said = self.said(code, english)
        same_word = english == sentence((SPOKEN["en"][0],) * 6)
        rambles = code == "hi" and english == sentence((HUSH,))
        return said in ("", english) or same_word or rambles

    def _moments(self) -> Iterator[tuple[str, float]]:
        assert len(MOMENTS) == len(FIELDS)
        for code in TUNED:
            for place, quantity in enumerate(MOMENTS):
                for reading, moment in (("before", 0), ("after", 1)):
                    logged = [LOGGED[code, seed][moment][place] for seed in SEEDS]
                    yield f"{quantity}/lang={code}/{reading}/primary", np.mean(logged)
                    control = LOGGED_OF_CONTROLS[code, 1][moment][place]
                    yield f"{quantity}-control/lang={code}/{reading}/primary", control


def asked(item: Question) -> str:
    """An ARC question as the stock template asks it."""
    return f"Question: {item['instruction']}\nAnswer:"


def answered(item: Question) -> str:
    """The same with its answer, as an example in front of another question."""
    return f"{asked(item)} {item['option_' + item['answer'].lower()]}\n\n"


def asked_by_letter(item: Question) -> str:
    """An MMLU question as the stock template asks it."""
    options = "".join(f"\n{letter}. {item['option_' + letter.lower()]}" for letter in LETTERS)
    return f"{item['instruction']}{options}\nAnswer:"


def options_of(item: Question) -> list[str]:
    """The options of an ARC question; the fifth may be missing."""
    return [item[f"option_{letter}"] for letter in "abcde" if item[f"option_{letter}"]]


def _mean_cosine(left: Values, right: Values) -> float:
    products = (left * right).sum(axis=1)
    return float(np.mean(products / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)))


def first_distance(
    expected: Expected, code: str, *, training: bool, partners: Sequence[int] | None = None
) -> float:
    """Mean over aligned layers and own latents of the distance between a phrase and its translation, or another's."""
    english, target = _pooled_sides(expected, code, training=training)
    if partners is not None:
        target = target[:, list(partners)]
    return float((_shares(expected, code, training=training) * np.abs(english - target)).sum())


def first_means(expected: Expected, code: str) -> tuple[float, float]:
    """Mean level of the own latents of held-out pairs, on the English and on the target side."""
    sides, shares = _pooled_sides(expected, code, training=False), _shares(expected, code, training=False)
    english, target = (float((shares * side).sum()) for side in sides)
    return english, target


def planted_drift(expected: Expected, code: str, strengths: Strengths) -> float:
    """Mean square distance of held-out English under an adapter from English without it."""
    before, _ = _pooled_sides(expected, code, training=False)
    after, _ = _pooled_sides(expected, code, training=False, strengths=strengths)
    return float((_shares(expected, code, training=False) * (after - before) ** 2).sum())


def own_shares(expected: Expected, pairs: Sequence[str]) -> Values:
    """What each [layer, pair, latent] weighs: the own latents of a layer alike, the layers that have some alike."""
    own = np.asarray(
        [
            [[pair in selected.get(latent, {}) for latent in range(D_SAE)] for pair in pairs]
            for selected in (expected.world.selected[layer] for layer in ALIGNMENT.layers)
        ],
        dtype=np.float64,
    )
    counts = own.sum(axis=(1, 2), keepdims=True)
    return own / np.maximum(counts, 1) / np.count_nonzero(counts)


def _shares(expected: Expected, code: str, *, training: bool) -> Values:
    return own_shares(expected, _pairs(expected, code, held_out=not training))


def training_pairs(expected: Expected, code: str) -> list[str]:
    """English texts that an adapter is trained on, in the order of their numbers: those that have a translation."""
    return _pairs(expected, code, held_out=False)


def held_out_pairs(expected: Expected, code: str) -> list[str]:
    """English texts that an adapter is measured on, in the order of their numbers."""
    return _pairs(expected, code, held_out=True)


def _pairs(expected: Expected, code: str, *, held_out: bool) -> list[str]:
    return [
        text
        for text in expected.spoken
        if expected.said(code, text) and (text in expected.held_out) is held_out
    ]


def _pooled_sides(
    expected: Expected, code: str, *, training: bool, strengths: Strengths = UNTOUCHED
) -> tuple[Values, Values]:
    """Activations of both sides, pooled over tokens: [layer, pair, latent]."""
    pairs = _pairs(expected, code, held_out=not training)
    english, target = (
        np.stack(
            [
                [expected.acts(side, strengths)[text][layer].mean(axis=0) for text in pairs]
                for layer in ALIGNMENT.layers
            ]
        )
        for side in ("en", code)
    )
    return english, target
