"""What remains of the planted gap without each rival explanation, by pencil: slow, phrase by phrase, in float64."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from transformers import Gemma2ForCausalLM

from tests.planted.dictionaries import D_SAE, MAX_EXAMPLES
from tests.planted.expected import DICTIONARY, GAIN_LAYER, HIGH, LOW, TUNED, Expected
from tests.planted.lexicon import CODES, pieces_of
from tests.planted.network import BOS, D_MODEL, NUM_LAYERS, Values
from tests.planted.pencil import Dictionary, streams
from tests.planted.world import ADAPTERS, SAMPLED_TEXTS, SAMPLING_SEED, SEEDS, STUDY

PANEL, PANEL_LATENTS = 2, 4
"""Name of the stream that draws the panel, and how many latents of a layer it holds."""
DIRECTIONS = 32
ROUNDING = 1e-5
"""Relative difference below which a direction reads as much as its threshold."""

Side = Callable[[str], float]
"""What one language shows."""


def rivals(expected: Expected) -> Iterator[tuple[str, float]]:
    """By estimate id: the value."""
    for layer in range(NUM_LAYERS):
        for name, value in _of_own_latents(expected, layer).items():
            yield f"gap-remaining/layer={layer}/{name}/primary", value
        for name, value in _of_panel(expected, layer).items():
            yield f"gap-remaining/layer={layer}/{name}/primary", value
        for name, value in _on_chosen_texts(expected, layer).items():
            yield f"gap-on-chosen-texts/layer={layer}/{name}/primary", value
        yield f"gap-remaining/layer={layer}/residual-stream/primary", _of_lengths(expected, layer)
        yield f"gap-remaining/layer={layer}/random-dictionary/primary", _of_random(expected, layer)
        yield f"slope-on-tokens/layer={layer}/primary/primary", _slope(expected, layer)
    yield from _bought(expected)
    yield from _recovered(expected)


def in_latin_letters(text: str) -> str:
    """A text whose every letter of another alphabet is one that no word has: whatever it sounds like, no token is known for it."""
    return re.sub(r"[^\x00-\x7f]", "z", text)


def _percent_below(pairs: Sequence[tuple[float, float]]) -> float:
    low, high = np.sum(pairs, axis=0)
    return float(100 * (1 - low / high))


def _over(codes: Sequence[str], side: Side) -> float:
    return float(np.mean([side(code) for code in codes]))


def _of_own_latents(expected: Expected, layer: int) -> Mapping[str, float]:
    """The rivals that see the phrases of every latent otherwise; a mean over phrases, then a sum over latents."""
    sums: dict[str, list[tuple[float, float]]] = {}
    latin = {code: expected.acts_of(code, in_latin_letters) for code in CODES}
    for latent, peaks in expected.world.selected[layer].items():
        of_phrases: dict[str, list[tuple[float, float]]] = {}
        for text in peaks:
            if text not in expected.kept:
                continue
            own = {code: expected.acts(code)[text][layer][:, latent] for code in CODES}
            other = {code: latin[code][text][layer][:, latent].mean() for code in CODES}
            pairs = {
                **_of_phrase(own),
                "romanised": tuple(_over(codes, other.__getitem__) for codes in (LOW, HIGH)),
            }
            for name, pair in pairs.items():
                of_phrases.setdefault(name, []).append(pair)
        for name, pairs in of_phrases.items():
            low, high = np.mean(pairs, axis=0)
            sums.setdefault(name, []).append((low, high))
    return {name: _percent_below(pairs) for name, pairs in sums.items()}


def _of_phrase(own: Mapping[str, Values]) -> Mapping[str, tuple[float, float]]:
    """Low and high side of one phrase under each rival that has something to say of it."""
    (low, high), (below, above) = (
        (_over(LOW, side), _over(HIGH, side))
        for side in (lambda code: own[code].mean(), lambda code: (own[code] > 0).mean())
    )
    strong_low = low / below if below else None
    strong_high = high / above if above else None
    weak = strong_high if strong_low is None else strong_low
    strong = strong_low if strong_high is None else strong_high
    found = {
        "equal-firing": ((weak or 0) * above, (strong or 0) * above),
        "equal-strength": ((strong or 0) * below, (strong or 0) * above),
        "maximum": (_over(LOW, lambda code: own[code].max()), _over(HIGH, lambda code: own[code].max())),
        "sum": (_over(LOW, lambda code: own[code].sum()), _over(HIGH, lambda code: own[code].sum())),
        "languages": (low, high),
    }
    tokens = _over(HIGH, lambda code: len(own[code]))
    alike = [code for code in LOW if abs(len(own[code]) - tokens) <= 0.2 * tokens]
    if alike:
        found["equal-tokens"] = (_over(alike, lambda code: own[code].mean()), high)
    return found


def _panel(expected: Expected, layer: int) -> list[int]:
    rng = np.random.default_rng(np.random.SeedSequence([SAMPLING_SEED, PANEL, layer]))
    return sorted(rng.permutation(sorted(expected.world.selected[layer]))[:PANEL_LATENTS].tolist())


def _others(expected: Expected, layer: int, latent: int) -> list[str]:
    """Texts that every language has and the latent was not selected for."""
    own = expected.world.selected[layer][latent]
    return [text for text in expected.spoken if text in expected.kept and text not in own]


def _of_panel(expected: Expected, layer: int) -> Mapping[str, float]:
    def mean(code: str, text: str, latent: int) -> float:
        return float(expected.acts(code)[text][layer][:, latent].mean())

    found: dict[str, list[tuple[float, float]]] = {"unselected": [], "active-in-english": []}
    for latent in _panel(expected, layer):
        texts = _others(expected, layer, latent)
        active = [text for text in texts if mean("en", text, latent) > 0]
        for name, chosen in (("unselected", texts), ("active-in-english", active)):
            if chosen:
                sides = [
                    np.mean([mean(code, text, latent) for text in chosen for code in codes])
                    for codes in (LOW, HIGH)
                ]
                found[name].append((float(sides[0]), float(sides[1])))
    return {name: _percent_below(pairs) for name, pairs in found.items() if sum(high for _, high in pairs)}


def _on_chosen_texts(expected: Expected, layer: int) -> Mapping[str, float]:
    found: dict[str, list[tuple[float, float]]] = {"chosen-in-english": [], "chosen-in-the-language": []}
    for latent in _panel(expected, layer):
        texts = _others(expected, layer, latent)

        def acts(code: str, text: str, latent: int = latent) -> Values:
            return expected.acts(code)[text][layer][:, latent]

        for code in LOW:
            for name, chooser in (("chosen-in-english", "en"), ("chosen-in-the-language", code)):
                peaks = {text: acts(chooser, text).max() for text in texts}
                strongest = max(peaks.values(), default=0.0)
                ranked = sorted(peaks, key=lambda text: -peaks[text])[:MAX_EXAMPLES]
                chosen = [text for text in ranked if peaks[text] > 0 and peaks[text] >= 0.8 * strongest]
                if chosen:
                    sides = [np.mean([acts(side, text).mean() for text in chosen]) for side in (code, "en")]
                    found[name].append((float(sides[0]), float(sides[1])))
    return {name: _percent_below(pairs) for name, pairs in found.items() if sum(high for _, high in pairs)}


def _of_lengths(expected: Expected, layer: int) -> float:
    sample = expected._drawn(len(expected.spoken))[:SAMPLED_TEXTS]

    def length(code: str, text: str) -> float:
        ids = expected.world.facts.ids_of(pieces_of(expected.said(code, text)))
        return float(np.linalg.norm(streams(expected.world.facts, ids)[layer][1:], axis=1).mean())

    return _percent_below(
        [
            tuple(np.mean([length(code, text) for code in codes]) for codes in (LOW, HIGH))
            for text in sample
            if text in expected.kept
        ]
    )


def _of_random(expected: Expected, layer: int) -> float:
    """Directions drawn anew, each at the threshold that leaves it as sparse in English as the dictionary's mean latent."""
    dictionary, facts = expected.world.dictionaries[layer], expected.world.facts
    rng = np.random.default_rng(np.random.SeedSequence([SAMPLING_SEED, DICTIONARY, layer]))
    drawn = rng.standard_normal((D_MODEL, DIRECTIONS))
    norms = rng.choice(np.linalg.norm(dictionary.W_enc, axis=0), DIRECTIONS)
    directions = drawn / np.linalg.norm(drawn, axis=0) * norms

    def stream(code: str, text: str) -> Values:
        return streams(facts, facts.ids_of(pieces_of(expected.said(code, text))))[layer][1:]

    sample = expected._drawn(DICTIONARY, len(expected.spoken))[:SAMPLED_TEXTS]
    english = np.concatenate([stream("en", text) for text in sample if expected.said("en", text)])
    share = (dictionary.encoded(english) > 0).sum(axis=1).mean() / D_SAE
    shared = [text for text in sample if text in expected.kept]
    read = np.concatenate([stream("en", text) for text in shared]) @ directions
    threshold = np.sort(read, axis=0)[-max(1, round(share * len(read)))]
    threshold -= ROUNDING * np.abs(threshold)

    def fired(code: str, text: str) -> Values:
        values = stream(code, text) @ directions
        return np.where((values >= threshold) & (values > 0), values, 0.0).mean(axis=0)

    low, high = (
        np.mean([fired(code, text) for code in codes for text in shared], axis=0).sum()
        for codes in (LOW, HIGH)
    )
    return float(100 * (1 - low / high))


def _slope(expected: Expected, layer: int) -> float:
    products = squares = 0.0
    for code in LOW:
        points = []
        for latent, peaks in expected.world.selected[layer].items():
            for text in peaks:
                if text not in expected.kept:
                    continue
                own = {each: expected.acts(each)[text][layer][:, latent] for each in CODES}
                mean, high = own[code].mean(), _over(HIGH, lambda each: own[each].mean())  # noqa: B023
                if mean > 0 and high > 0:
                    tokens = _over(HIGH, lambda each: len(own[each]))  # noqa: B023
                    points.append((np.log(len(own[code]) / tokens), np.log(mean / high)))
        x, y = np.transpose(points)
        products += ((x - x.mean()) * (y - y.mean())).sum()
        squares += ((x - x.mean()) ** 2).sum()
    return float(products / squares)


def _bought(expected: Expected) -> Iterator[tuple[str, float]]:
    adapters = [(code, seed) for code in TUNED for seed in SEEDS]
    x = [expected.change(code, GAIN_LAYER, ADAPTERS[code, seed]) for code, seed in adapters]
    by_benchmark = {
        benchmark.name: [
            expected._percent(benchmark.name, code, ADAPTERS[code, seed])
            - expected._percent(benchmark.name, code)
            for code, seed in adapters
        ]
        for benchmark in STUDY.benchmarks
    }
    for name, y in by_benchmark.items():
        yield f"accuracy-on-activation/bench={name}/primary/primary", float(np.polyfit(x, y, 1)[0])
    mean = np.mean(list(by_benchmark.values()), axis=0)
    yield "accuracy-on-activation/primary/primary", float(np.polyfit(x, mean, 1)[0])


def _recovered(expected: Expected) -> Iterator[tuple[str, float]]:
    """Every loss by a pass of the library's own model, with the output of one layer replaced by what a pencil rebuilds."""
    model = Gemma2ForCausalLM.from_pretrained(
        expected.world.root / "model", attn_implementation="eager"
    ).eval()
    facts = expected.world.facts

    def loss(ids: Sequence[int], layer: int, replaced: Callable[[Values], Values]) -> float:
        def hook(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
            return torch.tensor(replaced(output[0].double().numpy()), dtype=output.dtype).unsqueeze(0)

        handle = model.model.layers[layer].register_forward_hook(hook)
        tokens = torch.tensor([ids])
        with torch.no_grad():
            log_probs = torch.log_softmax(model(input_ids=tokens).logits[0, :-1].double(), dim=-1)
        handle.remove()
        # The first token is predicted from BOS, which nothing rebuilds.
        return -float(log_probs.gather(1, tokens[0, 1:, None])[1:].sum())

    # One text in 24 of those that dictionaries are tried on.
    (text,) = sorted(
        expected._drawn(DICTIONARY, len(expected.spoken))[:SAMPLED_TEXTS], key=expected.spoken.index
    )[: -(-SAMPLED_TEXTS // 24)]
    for code in CODES:
        ids = [BOS, *facts.ids_of(pieces_of(expected.said(code, text)))]
        for layer, dictionary in enumerate(expected.world.dictionaries):

            def rebuilt(stream: Values, dictionary: Dictionary = dictionary) -> Values:
                anew = dictionary.encoded(stream) @ dictionary.W_dec + dictionary.b_dec
                return np.concatenate([stream[:1], anew[1:]])

            clean, spliced, zeroed = (
                loss(ids, layer, way) for way in (lambda stream: stream, rebuilt, np.zeros_like)
            )
            yield (
                f"loss-recovered/layer={layer}/lang={code}/primary/primary",
                100 * (zeroed - spliced) / (zeroed - clean),
            )
