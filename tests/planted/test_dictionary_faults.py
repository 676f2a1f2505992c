"""Every known way to train, read or put together dictionaries of two languages wrongly turns the check red that is named for it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from harness.designs.emergence.estimates import CountedLatents
from harness.designs.emergence.self_checks import checks
from harness.models.loading import load_language_model
from harness.models.topk import TopKSAE, read_sae, unit, write_sae
from harness.models.topk_training import TopKTraining
from harness.stages.classes import classed, classes
from harness.stages.demo_replay import demo_replay
from harness.stages.examples import LatentReader, latent_examples, read_latents
from harness.stages.integration import Apart, integration
from harness.stages.sae_quality import Rebuilder
from harness.statistics.language_classes import label_of, script_language
from harness.store.tables import read_table, write_table
from harness.words.dictionaries import (
    ClassChoice,
    ClassedLatent,
    ClassShare,
    CorpusText,
    CorpusWindow,
    DemoFeature,
    ExampleChoice,
    IntegratedText,
    Integration,
    LatentExample,
    Loss,
    PartAgreement,
    PartLength,
    ReadLatent,
    Reconstruction,
    SAEPlace,
    SplicedText,
    Split,
    TopKRecipe,
    WindowChoice,
)
from harness.words.study import Home, Pin
from tests.planted import dictionaries_by_hand as hand
from tests.planted.dictionaries_by_hand import LANGUAGES, PLACE, window_of
from tests.planted.patching import Patch, planted
from tests.stages.two_languages import (
    CLASSES,
    EXAMPLES,
    NUMERICS,
    PLACES,
    RECIPE,
    TwoLanguages,
    write_two_languages,
)

PROOF = Path(__file__).parents[2] / "docs" / "proof.md"

SWAP, ADD, REPLACE = Integration.SWAP, Integration.ADD, Integration.REPLACE


@dataclass(frozen=True)
class Sound:
    """The tiny world as sound code made it: what a fault reads may not be made by the fault."""

    two: TwoLanguages
    made: Path

    @cached_property
    def corpus(self) -> Path:
        return self.two.corpus(self.made / "corpus")

    @cached_property
    def trained(self) -> Path:
        return self.two.saes(self.corpus, self.made / "saes", recipe=replace(RECIPE, tokens=20_000))

    @cached_property
    def quality(self) -> list[Reconstruction]:
        return read_table(self.two.quality(self.corpus, self.trained, self.made / "quality"), Reconstruction)

    @cached_property
    def found(self) -> Path:
        return self.two.examples(self.corpus, self.trained, self.made / "examples")

    @cached_property
    def of_planted_streams(self) -> Mapping[int, TopKSAE]:
        """By width of the streams: what training makes of planted directions."""
        return {width: dictionary_of_planted_streams(width) for width in (hand.WIDTH, 2 * hand.WIDTH)}


@dataclass(frozen=True)
class Work:
    """The sound world, and a folder for what a check makes."""

    sound: Sound
    folder: Path

    def ready(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir(parents=True)
        return place


def by_pencil() -> TopKSAE:
    """Four latents of a stream of two dimensions, of which two fire."""
    return TopKSAE(
        W_enc=torch.tensor([[1.0, 0.0, -1.0, 0.5], [0.0, 1.0, 0.0, 0.5]]),
        b_enc=torch.tensor([0.0, 0.0, 0.0, 0.1]),
        W_dec=torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.6, 0.8]]),
        b_dec=torch.tensor([0.2, -0.1]),
        k=2,
    )


def encodings(_work: Work) -> None:
    """Pre-activations are (x - b_dec) W_enc + b_enc; the two largest fire, if they are above zero."""
    x = torch.tensor([[0.6, 0.8], [-0.8, -0.6]])
    pre_acts = torch.tensor([[0.4, 0.9, -0.4, 0.75], [-1.0, -0.5, 1.0, -0.65]])
    acts = torch.tensor([[0.0, 0.9, 0.0, 0.75], [0.0, 0.0, 1.0, 0.0]])
    sae = by_pencil()
    torch.testing.assert_close(sae.pre_acts(x), pre_acts)
    torch.testing.assert_close(sae.acts(x), acts)
    torch.testing.assert_close(sae.rebuilt(acts), torch.tensor([[0.65, 1.4], [-0.8, -0.1]]))


def parts_sum_up(work: Work) -> None:
    """Parts of all classes and the bias are the reconstruction, and with what it misses the stream."""
    sae = read_sae(work.sound.trained / PLACES[0].file, "cpu")
    x = unit(torch.randn(200, len(sae.b_dec), generator=torch.Generator().manual_seed(3)))
    acts = sae.acts(x)
    parted = [torch.arange(sae.latents) % 3 == rest for rest in range(3)]
    summed = sum((sae.part(acts, chosen) for chosen in parted), sae.b_dec)
    torch.testing.assert_close(summed, sae.rebuilt(acts), rtol=0, atol=1e-6)


def rows_of_length_one(work: Work) -> None:
    """What is trained has decoder rows of length 1, as the sound one has and as the file says."""
    for recipe in (RECIPE, replace(RECIPE, rows_set_after=True)):
        made = work.sound.two.saes(
            work.sound.corpus,
            work.folder / f"after-{recipe.rows_set_after}",
            recipe=recipe,
            places=PLACES[:1],
        )
        sae = read_sae(made / PLACES[0].file, "cpu")
        assert float((sae.W_dec.norm(dim=1) - 1).abs().max()) < 1e-6


def steps_by_hand(_work: Work) -> None:
    """Three steps of either recipe lead where Adam by hand ends, in float64, with gradients of the loss as it is written."""
    march = replace(hand.RECIPE, latents=12, batch_tokens=64, warmup_steps=2)
    for recipe in (march, replace(march, loss=Loss.SQUARED, rows_set_after=True, unit_encoder=True)):
        _require_steps_by_hand(recipe)


def _require_steps_by_hand(recipe: TopKRecipe) -> None:
    batches = [unit(hand.planted_streams(64, seed).streams) for seed in (2, 3, 4)]
    training = TopKTraining.begun(recipe, PLACE, hand.WIDTH, "cpu")
    weights = [weight.detach().double().clone() for weight in training.parameters]
    lengths = weights[0].norm(dim=1)
    assert bool((lengths.sub(1).abs() < 1e-6).all()) == recipe.unit_encoder
    for batch in batches:
        training.train(batch)
    weights[3] = batches[0].double().mean(dim=0)
    for _ in range(100):
        near = 1 / (batches[0].double() - weights[3]).norm(dim=1)
        weights[3] = (near[:, None] * batches[0].double()).sum(dim=0) / near.sum()
    means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    losses = []
    for step, batch in enumerate(batches, start=1):
        weights[2] = weights[2] / weights[2].norm(dim=1, keepdim=True)
        leaves = [weight.clone().requires_grad_() for weight in weights]
        loss = _loss_by_hand(batch.double(), *leaves, recipe=recipe)
        losses.append(float(loss.detach()))
        slopes = torch.autograd.grad(loss, leaves)
        rate = recipe.learning_rate * min(1.0, (step - 1) / recipe.warmup_steps)
        for place, slope in enumerate(slopes):
            means[place] = 0.9 * means[place] + 0.1 * slope
            squares[place] = 0.999 * squares[place] + 0.001 * slope**2
            mean, square = means[place] / (1 - 0.9**step), squares[place] / (1 - 0.999**step)
            weights[place] = weights[place] - rate * mean / (square.sqrt() + recipe.adam_eps)
    weights[2] = weights[2] / weights[2].norm(dim=1, keepdim=True)
    assert [float(loss) for loss in training.losses] == pytest.approx(losses, rel=1e-4)
    for found, expected in zip(training.weights.values(), weights, strict=True):
        torch.testing.assert_close(found.detach().double(), expected, rtol=0, atol=2e-5)


def _loss_by_hand(
    x: Tensor, encoder: Tensor, bias: Tensor, decoder: Tensor, b_dec: Tensor, *, recipe: TopKRecipe
) -> Tensor:
    pre_acts = (x - b_dec) @ encoder.T + bias
    bar = pre_acts.detach().sort(dim=1).values[:, -recipe.k, None]
    acts = pre_acts * ((pre_acts >= bar) & (pre_acts > 0))
    missed = ((acts @ decoder + b_dec - x) ** 2).sum(dim=1)
    if recipe.loss is Loss.SQUARED:
        return missed.mean()
    return missed.sum() / ((x - x.mean(dim=0)) ** 2).sum()


def starts(_work: Work) -> None:
    """Another width, layer or seed starts elsewhere, and the same one where it started."""
    first, again, *others = (
        TopKTraining.begun(RECIPE, place, width, "cpu").encoder.detach().flatten()[:64] * width**0.5
        for place, width in (
            (PLACE, 32), (PLACE, 32), (PLACE, 64), (replace(PLACE, layer=1), 32), (replace(PLACE, seed=2), 32),
        )
    )  # fmt: skip
    assert torch.equal(first, again)
    assert all(float((first - other).abs().max()) > 0.1 for other in others)


def dictionary_of_planted_streams(width: int) -> TopKSAE:
    """What 600 steps of training make of streams of planted directions."""
    training = TopKTraining.begun(hand.RECIPE, PLACE, width, "cpu")
    pool = unit(hand.planted_streams(20_000, width=width).streams)
    order = torch.Generator().manual_seed(1)
    for _ in range(hand.RECIPE.tokens // hand.RECIPE.batch_tokens):
        training.train(pool[torch.randint(len(pool), (hand.RECIPE.batch_tokens,), generator=order)])
    weights = {name: weight.detach() for name, weight in training.weights.items()}
    return TopKSAE(
        W_enc=weights["encoder.weight"].T, b_enc=weights["encoder.bias"],
        W_dec=weights["W_dec"], b_dec=weights["b_dec"], k=hand.ACTIVE,
    )  # fmt: skip


def shares_at_two_widths(work: Work) -> None:
    """The same planted directions in streams of 32 and of 64 values, under as many latents: a third is bilingual in both.

    Three latents for a direction, or one and a half for a value of the wide stream: what is spare fires nowhere, or is split among the
    classes as the directions are. Two of 48 latents in another class would be 4 points.
    """
    shares = []
    for width, sae in work.sound.of_planted_streams.items():
        tested = hand.planted_streams(8_000, seed=9, width=width)
        rows = classes_of(sae, tested.streams[:, None], tested.languages)
        found = Counter(row.label for row in rows)
        shares.append(100 * found["bilingual"] / sum(found[label] for label in ("en", "ja", "bilingual")))
    assert shares == pytest.approx([100 / 3] * 2, abs=4.0)


def planted_directions(work: Work) -> None:
    """Directions that make up planted streams are found again, each of its own language, and little is left unexplained."""
    sae = work.sound.of_planted_streams[hand.WIDTH]
    tested = hand.planted_streams(8_000, seed=9)
    rebuilder = Rebuilder(sae=sae)
    rebuilder.add(tested.streams)
    assert rebuilder.row(PLACE).fraction_variance_unexplained < 0.05
    nearest = (sae.W_dec @ tested.directions.T).max(dim=0)
    assert float((nearest.values > 0.9).double().mean()) >= 0.95
    rows = classes_of(sae, tested.streams[:, None], tested.languages)
    wrong = [
        (label, rows[latent].label)
        for near, latent, label in zip(nearest.values, nearest.indices.tolist(), tested.label_of, strict=True)
        if near > 0.9 and rows[latent].label != label
    ]
    assert wrong == []


def classes_of(
    sae: TopKSAE,
    streams: Tensor,
    languages: Sequence[str],
    examples: ExampleChoice = EXAMPLES,
    choice: ClassChoice = CLASSES,
) -> list[ClassedLatent]:
    """The class of every latent over windows of one token each, whose token is of the window's language."""
    reader = LatentReader(sae, examples)
    windows = [window_of(place, code, [LANGUAGES.index(code)]) for place, code in enumerate(languages)]
    reader.measure(streams)
    reader.collect(streams, windows)
    spelled = [hand.FIRST, hand.SECOND]
    kept = list(latent_examples(PLACE, reader, spelled, spelled, LANGUAGES))
    return [
        classed(row, [each for each in kept if each.latent == row.latent], LANGUAGES, choice)
        for row in read_latents(PLACE, reader)
    ]


def examples_by_pencil(_work: Work) -> None:
    """A latent's maximum counts where it does not fire; what is strong must fire, and reach more than 0.7 of that."""
    eye = torch.eye(3)
    sae = TopKSAE(W_enc=eye, b_enc=torch.zeros(3), W_dec=eye, b_dec=torch.zeros(3), k=1)
    streams = torch.tensor(
        [
            [[0.9, 1.0, 0.0], [1.0, 0.0, 0.0]],
            [[0.65, 0.6, 0.6], [0.0, 0.0, 1.0]],
            [[0.0, 1.0, 0.99], [0.0, 0.8, 0.6]],
        ]
    )
    reader = LatentReader(sae, EXAMPLES)
    windows = [window_of(number, "en", [0, 1]) for number in range(3)]
    reader.measure(streams)
    reader.collect(streams, windows)
    found = [[(each.window.text_id, each.position) for each in kept] for kept in reader.found]
    # In window 1 latent 0 fires with 0.65 / 1.07 = 0.61; in window 2 latent 1 is strong at both places, at the second most.
    assert found == [[(0, 1)], [(0, 0), (2, 1)], [(1, 1)]]
    short = LatentReader(sae, EXAMPLES)
    short.maximum[:] = 0.8
    short.collect(streams, windows)
    assert [len(kept) for kept in short.found] == [2, 2, 1]
    silent = TopKSAE(
        W_enc=torch.tensor([[1.0, 1.2]]),
        b_enc=torch.tensor([0.0, -0.1]),
        W_dec=torch.ones(2, 1),
        b_dec=torch.zeros(1),
        k=1,
    )
    values = LatentReader(silent, EXAMPLES)
    values.measure(torch.tensor([[[1.0]]]))
    assert values.maximum.tolist() == pytest.approx([1.0, 1.1])


def examples_of_the_test_split(work: Work) -> None:
    """Every latent and its examples, from the library's own hidden states over all test windows at once."""
    found = work.sound.two.examples(work.sound.corpus, work.sound.trained, work.folder / "examples")
    rows, read = read_table(found, LatentExample), read_table(found, ReadLatent)
    for place in PLACES:
        windows, x, sae = library_pre_acts(work, place)
        pre_acts = (x - sae.b_dec) @ sae.W_enc + sae.b_enc
        maximum, firing = pre_acts.amax(dim=(0, 1)), fires(sae, pre_acts)
        own = [row for row in read if (row.layer, row.seed) == (place.layer, place.seed)]
        assert [row.maximum for row in own] == pytest.approx(maximum.tolist(), abs=1e-5)
        assert [row.firing for row in own] == firing.sum(dim=(0, 1)).tolist()
        squares = (pre_acts * firing).square().sum(dim=(0, 1))
        assert [row.squares for row in own] == pytest.approx(squares.tolist(), rel=1e-4)
        strong = (firing & (pre_acts > 0.7 * maximum)).any(dim=1)
        expected = {
            (latent, windows[number].text_id, int(pre_acts[number, :, latent].argmax()))
            for latent in range(sae.latents)
            for number in strong[:, latent].nonzero().flatten().tolist()[: EXAMPLES.examples]
        }
        kept = [row for row in rows if (row.layer, row.seed) == (place.layer, place.seed)]
        assert {(row.latent, row.text_id, row.position) for row in kept} == expected
        assert [(row.latent, row.text_id) for row in kept] == sorted(
            (row.latent, row.text_id) for row in kept
        )
        languages = {window.text_id: window.language for window in windows}
        assert all(row.text_language == languages[row.text_id] for row in kept)
        assert {row.token[-1] in hand.SECOND for row in kept if row.script_language == "en"} == {False}


def scaled_streams(work: Work) -> None:
    """Streams eight times as long, with a front token a thousand times as long, give the same tables to the last digit."""
    plain = [read_table(work.sound.found, kind) for kind in (ReadLatent, LatentExample)]
    language_model = load_language_model(work.sound.two.checkpoint("early"), NUMERICS)

    def longer(_module: object, _inputs: object, output: Tensor) -> Tensor:
        longer = 8 * output
        longer[:, 0] *= 1_024
        return longer

    place = PLACES[1]
    handle = language_model.decoder.layers[place.layer].register_forward_hook(longer)  # type: ignore[index,union-attr]
    try:
        found = work.sound.two.examples(
            work.sound.corpus, work.sound.trained, work.folder / "examples", places=(place,)
        )
    finally:
        handle.remove()
    for rows, kind in zip(plain, (ReadLatent, LatentExample), strict=True):
        own = [row for row in rows if (row.layer, row.seed) == (place.layer, place.seed)]
        assert read_table(found, kind) == own


def library_pre_acts(work: Work, place: SAEPlace) -> tuple[list[CorpusWindow], Tensor, TopKSAE]:
    """Test windows, their streams at length 1 by the library's own hidden states, window by window, and a dictionary; float64."""
    windows = [row for row in read_table(work.sound.corpus, CorpusWindow) if row.split == Split.TEST]
    language_model = load_language_model(work.sound.two.checkpoint("early"), NUMERICS)
    streams = []
    for window in windows:
        ids = torch.tensor([[*language_model.front_ids, *window.token_ids]])
        with torch.no_grad():
            hidden = language_model.model(ids, output_hidden_states=True).hidden_states
        streams.append(hidden[place.layer + 1][0, 1:].double())
    stacked = torch.stack(streams)
    sae = read_sae(work.sound.trained / place.file, "cpu")
    exact = TopKSAE(
        **{name: getattr(sae, name).double() for name in ("W_enc", "b_enc", "W_dec", "b_dec")}, k=sae.k
    )
    return windows, stacked / stacked.norm(dim=2, keepdim=True), exact


def fires(sae: TopKSAE, pre_acts: Tensor) -> Tensor:
    """Where a latent is among the k strongest, and above zero."""
    bar = pre_acts.sort(dim=-1).values[..., -sae.k, None]
    return (pre_acts >= bar) & (pre_acts > 0)


def quality_at_the_own_layer(work: Work) -> None:
    """What dictionaries leave unexplained, from the library's own hidden states; what a splice loses is a loss."""
    found = work.sound.two.quality(work.sound.corpus, work.sound.trained, work.folder / "quality")
    rows = {(row.layer, row.seed): row for row in read_table(found, Reconstruction)}
    for place in PLACES:
        _, x, sae = library_pre_acts(work, place)
        x = x.flatten(0, 1)
        pre_acts = (x - sae.b_dec) @ sae.W_enc + sae.b_enc
        acts = pre_acts * fires(sae, pre_acts)
        rebuilt = acts @ sae.W_dec + sae.b_dec
        unexplained = ((rebuilt - x) ** 2).sum() / ((x - x.mean(dim=0)) ** 2).sum()
        row = rows[place.layer, place.seed]
        assert row.fraction_variance_unexplained == pytest.approx(float(unexplained), rel=1e-4)
        assert row.fraction_variance_unexplained < 0.6
        assert row.l0 == pytest.approx(float((acts > 0).sum(dim=1).double().mean()), rel=1e-4)
        assert row.dead_fraction == pytest.approx(float((acts <= 0).all(dim=0).double().mean()))
        assert row.cosine == pytest.approx(float(functional.cosine_similarity(x, rebuilt).mean()), rel=1e-4)
    spliced = read_table(found, SplicedText)
    assert {row.tokens for row in spliced} == {11}
    assert all(row.clean != row.spliced for row in spliced)
    first = spliced[0]
    assert first.clean == pytest.approx(loss_behind_the_first_token(work, first.text_id), rel=1e-5)


def loss_behind_the_first_token(work: Work, text_id: int) -> float:
    """Nats per token of one window by the library's own logits; its first token is predicted from what stands in front."""
    language_model = load_language_model(work.sound.two.checkpoint("early"), NUMERICS)
    (window,) = (row for row in read_table(work.sound.corpus, CorpusWindow) if row.text_id == text_id)
    ids = torch.tensor([[*language_model.front_ids, *window.token_ids]])
    with torch.no_grad():
        logits = language_model.model(ids).logits[0, 1:-1]
    return float(functional.cross_entropy(logits, ids[0, 2:]))


def scripts(_work: Work) -> None:
    """Latin letters, blanks and a few marks; digits go with the token before; everything else is the second language."""
    spelled = {
        " river": "en", "it's (a-b).": "en", '"': "en", " \u5ddd": "ja", "<0x0A>": "ja", "caf\u00e9": "ja", "\uff08": "ja",
        "": "ja", "+": "ja", ":": "ja", "a1": "ja", "\uff32": "ja",
    }  # fmt: skip
    assert {text: script_language([text], 0, LANGUAGES) for text in spelled} == spelled
    assert script_language(["river", "19", "95"], 2, LANGUAGES) == "en"
    assert script_language(["19", "\u5ddd", "river"], 0, LANGUAGES) == "en"
    assert script_language(["19", "river", "\u5ddd"], 0, LANGUAGES) == "ja"
    assert script_language(["19", "95"], 1, LANGUAGES) == ""


def labels(_work: Work) -> None:
    """More than nine tenths make a latent of one language; fewer examples than are asked for make it of none."""
    counts = {
        (10, 0): "en",
        (9, 1): "bilingual",
        (0, 10): "ja",
        (1, 19): "ja",
        (2, 18): "bilingual",
        (2, 0): "unlabelled",
    }
    assert {each: label_of(each, LANGUAGES, CLASSES, fires=True) for each in counts} == counts
    assert label_of((10, 0), LANGUAGES, CLASSES, fires=False) == "dead"


def classes_told_anew(work: Work) -> None:
    """85 percent make a latent of one language at 0.8, and not at 0.9; by document it is of the other one."""
    examples, out = work.ready("examples"), work.ready("classes")
    latent = ReadLatent(layer=0, seed=1, latent=0, maximum=1.0, firing=20, squares=1.0)
    write_table(examples, ReadLatent, [latent])
    write_table(
        examples, LatentExample,
        [
            LatentExample(
                layer=0, seed=1, latent=0, text_id=number, position=0, peak=1.0, token="t",
                script_language=LANGUAGES[number >= 17], text_language=LANGUAGES[number >= 3],
            )
            for number in range(20)
        ],
    )  # fmt: skip
    classes(examples, out=out, languages=LANGUAGES, choice=CLASSES)
    told = CountedLatents.read(out)
    found = {}
    for threshold in (0.8, 0.85, 0.9):
        choice = replace(CLASSES, threshold=threshold)
        for is_otherwise in (False, True):
            counts = told.classed(LANGUAGES, choice, is_otherwise=is_otherwise)[0, 1]
            found[threshold, is_otherwise] = next(label for label, count in counts.items() if count)
    assert found == {
        (0.8, False): "en",
        (0.8, True): "ja",
        **dict.fromkeys(((each, other) for each in (0.85, 0.9) for other in (False, True)), "bilingual"),
    }


def lengths_of_parts(_work: Work) -> None:
    """Of a donor whose stream is twice as long, a part is put in half as long; of one as long, as it is to the last digit."""
    part = torch.tensor([[1.0, 0.5, 0.0]])
    donor = Apart(stream=torch.tensor([[0.0, 6.0, 8.0]]), parts={"bilingual": part}, rebuilt=part)
    half = donor.at_lengths(torch.tensor([[3.0, 4.0, 0.0]]))
    assert torch.equal(half.parts["bilingual"], part / 2)
    assert torch.equal(half.stream, donor.stream / 2)
    assert torch.equal(donor.at_lengths(donor.stream).parts["bilingual"], part)


def shares(work: Work) -> None:
    """Shares by pencil, in points; latents that never fire, three tenths of all, change none."""
    whole, without = (
        [(row.label, row.latents, row.share, row.activity_share) for row in _shares(work, dead)]
        for dead in (3, 0)
    )
    assert (
        whole
        == without
        == [("en", 4, 400 / 7, 40.0), ("ja", 2, 200 / 7, 20.0), ("bilingual", 1, 100 / 7, 40.0)]
    )


def _shares(work: Work, dead: int) -> list[ClassShare]:
    """Four latents of the first language, two of the second, one of both, and some that never fire."""
    examples, out = work.ready(f"examples-{dead}"), work.ready(f"classes-{dead}")
    of = [*["en"] * 4, *["ja"] * 2, "both", *["none"] * dead]
    write_table(
        examples, ReadLatent,
        [
            ReadLatent(layer=0, seed=1, latent=latent, maximum=1.0, firing=int(kind != "none"), squares={"both": 4.0, "none": 0.0}.get(kind, 1.0))
            for latent, kind in enumerate(of)
        ],
    )  # fmt: skip
    kinds = {"en": ["en"] * 4, "ja": ["ja"] * 4, "both": ["en", "ja"] * 2, "none": []}
    write_table(
        examples, LatentExample,
        [
            LatentExample(
                layer=0, seed=1, latent=latent, text_id=number, position=0, peak=1.0, token="t", script_language=code, text_language=code,
            )
            for latent, kind in enumerate(of)
            for number, code in enumerate(kinds[kind])
        ],
    )  # fmt: skip
    classes(examples, out=out, languages=LANGUAGES, choice=CLASSES)
    assert {row.dead for row in read_table(out, ClassShare)} == {dead}
    return read_table(out, ClassShare)


def gains(
    work: Work, *, shared_carries: bool, same: bool = False, readings: tuple[Integration, ...] = (SWAP,)
) -> dict[tuple[str, str, str], float]:
    """Nats per token that a model by hand gains by each part of its later self, by reading, part and language."""
    inputs = work.ready(f"inputs-{shared_carries}-{same}")
    eye = torch.eye(13)
    weights = {
        "encoder.weight": eye,
        "encoder.bias": torch.zeros(13),
        "W_dec": eye.clone(),
        "b_dec": torch.zeros(13),
    }
    write_sae(inputs / PLACE.file, weights, 2)
    write_table(
        inputs, ClassedLatent,
        [
            ClassedLatent(layer=0, seed=1, latent=latent, label=label, first_examples=0, second_examples=0, first_otherwise=0, second_otherwise=0, distinct_tokens=1, squares=1.0)
            for latent, label in hand.LINEAR_CLASSES.items()
        ],
    )  # fmt: skip
    write_table(
        inputs,
        CorpusWindow,
        [window_of(first, LANGUAGES[first // 4], hand.words_after(first, 6)) for first in range(8)],
    )
    models = {
        name: hand.linear_model(shared_carries=shared_carries, knows=same or name == "late")
        for name in ("early", "late")
    }
    out = work.ready(f"out-{shared_carries}-{same}")
    pins = {name: work.sound.two.checkpoint("late" if same else name) for name in models}
    with mock.patch(
        "harness.stages.integration.load_language_model", lambda pin, _numerics: models[pin.name]
    ):
        integration(
            inputs, inputs, inputs, inputs, inputs, out=out, model=pins["early"], donor=pins["late"], numerics=NUMERICS, place=PLACE,
            languages=LANGUAGES, readings=readings, part_length=PartLength.OWN, windows=8, batch_tokens=20, seed=5,
        )  # fmt: skip
    rows = read_table(out, IntegratedText)
    assert {row.tokens for row in rows} == {5}
    assert {row.part for row in read_table(out, PartAgreement)} == {"en", "ja", "bilingual", "random", "all"}
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row.reading, row.part, row.language), []).append(row.before - row.after)
    return {key: sum(values) / len(values) for key, values in found.items()}


def bilingual_gains(work: Work) -> None:
    """Where concepts carry the next word late, their part makes it known, and no other does; mirrored, a language's own does."""
    found = gains(work, shared_carries=True)
    nothing = {
        part: max(abs(found[SWAP, part, code]) for code in LANGUAGES) for part in ("en", "ja", "random")
    }
    assert nothing == dict.fromkeys(nothing, 0.0)
    assert all(found[SWAP, part, code] > 1 for part in ("bilingual", "all") for code in LANGUAGES)
    mirrored = gains(work, shared_carries=False)
    assert all(abs(mirrored[SWAP, "bilingual", code]) == 0 for code in LANGUAGES)
    assert all(mirrored[SWAP, code, code] > 1 for code in LANGUAGES)
    assert mirrored[SWAP, "en", "ja"] == mirrored[SWAP, "ja", "en"] == 0


def nothing_from_itself(work: Work) -> None:
    """A model that is its own donor gains exactly nothing by a swap, whatever the part; nor does what is rebuilt whole lose."""
    found = gains(work, shared_carries=True, same=True, readings=(SWAP, ADD, REPLACE))
    assert {
        value for (reading, part, _), value in found.items() if reading == SWAP and part != "rebuilt"
    } == {0.0}
    assert all(abs(value) < 1e-5 for (_, part, _), value in found.items() if part == "rebuilt")
    assert all(abs(found[REPLACE, "all", code]) == 0 for code in LANGUAGES)
    assert all(found[ADD, "bilingual", code] > 0.001 for code in LANGUAGES)
    assert all(found[REPLACE, "en", code] < -0.1 for code in LANGUAGES)


def demo_counts(work: Work) -> None:
    """Counts of files of the authors' shape, by the strongest token of every example."""
    from tests.stages.test_demo_replay import demo_pin, write_demo

    write_demo(work.folder)
    out = work.ready("demo")
    demo_replay(
        out=out, demo=demo_pin(work.folder), folder="docs/data", step=10, languages=LANGUAGES, choice=CLASSES
    )
    rows = read_table(out, DemoFeature)
    assert [(row.feature, row.first_found, row.second_found, row.passes) for row in rows] == [
        (0, 2, 1, True), (2, 0, 3, True), (10, 3, 0, False),
    ]  # fmt: skip


UNEVEN = {"en": 1_600, "ja": 400}
"""Documents of each language: four fifths of the text are of one."""
OF_ONE, OF_BOTH = 32, 128
"""Latents of each language alone, and those that both use."""
FEW = 10
"""Examples of a latent, and as many as it must have: with more of them, text that is uneven moves shares less."""
MOVED_POINTS = 3.0
"""Of 10 examples of both languages alike, all are of one language in 2 latents of 1,000, a tenth of a point; where four fifths of the text
are, in 107, which is 7 points. Latents fire in pairs, of which one moves a share by a point."""


def uneven_text(work: Work) -> None:
    """Of text that is four fifths English, shares are those of even text: two thirds of the latents are of both languages."""
    languages = [window.language for window in read_table(uneven_corpus(work), CorpusWindow)]
    eye = torch.eye(2 * OF_ONE + OF_BOTH)
    streams, seen = torch.zeros(len(languages), len(eye)), Counter[str]()
    for place, code in enumerate(languages):
        own = OF_ONE * LANGUAGES.index(code) + seen[code] % OF_ONE
        both = 2 * OF_ONE + (2 * place + torch.arange(2)) % OF_BOTH
        streams[place, [own, *both.tolist()]] = 1.0
        seen[code] += 1
    sae = TopKSAE(W_enc=eye, b_enc=torch.zeros(len(eye)), W_dec=eye, b_dec=torch.zeros(len(eye)), k=3)
    few = replace(EXAMPLES, examples=FEW), replace(CLASSES, min_examples=FEW)
    found = Counter(row.label for row in classes_of(sae, streams[:, None], languages, *few))
    bilingual = 100 * found["bilingual"] / (found["en"] + found["ja"] + found["bilingual"])
    assert abs(bilingual - 100 * OF_BOTH / len(eye)) < MOVED_POINTS


def balance(work: Work) -> None:
    """A run says how many windows of either language its corpus has; of text that is uneven, as many of one as of the other."""
    (check,) = checks({"corpus/all": uneven_corpus(work)}, (), {})
    assert (check.check_id, check.expected, check.measured, check.differs) == ("balance", 400.0, 400.0, False)


def uneven_corpus(work: Work) -> Path:
    """What the corpus stage makes of it; a document is a window."""
    texts = work.ready("texts")
    for code, word in zip(LANGUAGES, (hand.FIRST + " ", hand.SECOND), strict=True):
        line = json.dumps({"text": 40 * word})
        (texts / f"{code}.jsonl").write_text("\n".join([line] * UNEVEN[code]), encoding="utf-8")
    pin = Pin(name="uneven text", home=Home.FOLDER, address=str(texts), licence="none")
    return work.sound.two.corpus(
        work.folder / "uneven",
        texts=tuple(CorpusText(language=code, pin=pin, files=(f"{code}.jsonl",)) for code in LANGUAGES),
        choice=WindowChoice(
            tokens=8, per_document=1, per_language=None, train_fraction=0.0, validation_fraction=0.0
        ),
    )


CHECKS: Mapping[str, Callable[[Work], None]] = {
    "encodings": encodings,
    "parts sum up": parts_sum_up,
    "rows of length 1": rows_of_length_one,
    "steps by hand": steps_by_hand,
    "starts": starts,
    "planted directions": planted_directions,
    "shares at two widths": shares_at_two_widths,
    "examples by pencil": examples_by_pencil,
    "examples of the test split": examples_of_the_test_split,
    "scaled streams": scaled_streams,
    "quality at the own layer": quality_at_the_own_layer,
    "scripts": scripts,
    "labels": labels,
    "classes told anew": classes_told_anew,
    "lengths of parts": lengths_of_parts,
    "shares": shares,
    "bilingual gains": bilingual_gains,
    "nothing from itself": nothing_from_itself,
    "counts of the demonstration": demo_counts,
    "uneven text": uneven_text,
    "balance": balance,
}

TRAINING, READER = "models.topk_training:TopKTraining", "stages.examples:LatentReader"
VISIT, CLASS, GIVEN = "models.windows:visit_windows", "statistics.language_classes", "stages.integration"


@dataclass(frozen=True)
class DictionaryFault:
    """One way to get it wrong."""

    name: str
    patches: tuple[Patch, ...]
    seen_by: tuple[str, ...]


FAULTS = (
    DictionaryFault("bias not subtracted", (Patch("models.topk:TopKSAE.pre_acts", "(x - self.b_dec)", "x"),), ("encodings",)),
    DictionaryFault("bias not subtracted in training", (Patch(f"{TRAINING}.step", "x - self.b_dec, self.encoder", "x, self.encoder"),), ("steps by hand",)),
    DictionaryFault("bias begins at the mean", (Patch("models.topk_training:geometric_median", "range(MEDIAN_ROUNDS)", "range(0)"),), ("steps by hand",)),
    DictionaryFault("decoder rows not of length 1", (Patch(f"{TRAINING}._set_rows", "self.decoder.div_", "(self.decoder + 0).div_"),), ("rows of length 1", "steps by hand")),
    DictionaryFault("loss of the other recipe", (Patch(f"{TRAINING}.step", "recipe.loss is Loss.UNEXPLAINED", "recipe.loss is Loss.SQUARED"),), ("steps by hand",)),
    DictionaryFault("no warm-up", (Patch(f"{TRAINING}.__post_init__", "step / recipe.warmup_steps", "1.0"),), ("steps by hand",)),
    DictionaryFault("one latent too many fires", (Patch("models.topk:strongest", "topk(k,", "topk(k + 1,"),), ("encodings", "quality at the own layer", "steps by hand")),
    DictionaryFault("one latent too few fires", (Patch("models.topk:strongest", "topk(k,", "topk(k - 1,"),), ("encodings", "steps by hand")),
    DictionaryFault("latents below zero fire", (Patch("models.topk:strongest", "values.relu()", "values"),), ("encodings",)),
    DictionaryFault("bias forgotten in what is rebuilt", (Patch("models.topk:TopKSAE.rebuilt", "self.part(acts) + self.b_dec", "self.part(acts)"),), ("encodings", "parts sum up")),
    DictionaryFault("every part is the whole", (Patch("models.topk:TopKSAE.part", "acts * chosen", "acts"),), ("parts sum up", "bilingual gains")),
    DictionaryFault("starts shared between sizes", (Patch("models.topk_training:_root_of", "place.layer, d_model]", "place.layer]"),), ("starts",)),
    DictionaryFault("one start for all seeds", (Patch("models.topk_training:_root_of", "[place.seed, ", "["),), ("starts",)),
    DictionaryFault("maximum taken after the TopK", (Patch(f"{READER}.measure", "pre_acts.amax(dim=0)", "acts.amax(dim=0)"),), ("examples by pencil",)),
    DictionaryFault("examples that do not fire", (Patch(f"{READER}.collect", "strongest(pre_acts, self.sae.k) > 0", "pre_acts > 0"),), ("examples by pencil",)),
    DictionaryFault("all that fires is strong", (Patch(f"{READER}.collect", "self.choice.kept is KeptExamples.FIRST_STRONG", "False"),), ("examples by pencil",)),
    DictionaryFault("examples of the training split", (Patch("stages.examples:examples", "Split.TEST", "Split.TRAIN"),), ("examples of the test split",)),
    DictionaryFault("front token read for the first one", (Patch(VISIT, "stream[:, front:]", "stream[:, : stream.shape[1] - front]"),), ("quality at the own layer", "scaled streams", "examples of the test split")),
    DictionaryFault("streams left at their lengths", (Patch("models.topk:unit", "stream / lengths_of(stream)", "stream / torch.ones_like(lengths_of(stream))"),), ("scaled streams",)),
    DictionaryFault("layers counted from 1", (Patch(VISIT, "layers, hand_over", "[each - 1 for each in layers], lambda each, stream: hand_over(each + 1, stream)"),), ("quality at the own layer",)),
    DictionaryFault("stream of the next layer", (Patch(VISIT, "layers, hand_over", "[each + 1 for each in layers], lambda each, stream: hand_over(each - 1, stream)"),), ("quality at the own layer",)),
    DictionaryFault("stream after the final norm", (Patch(VISIT, "hand_over(layer: int, stream: Tensor, batch: Sequence[CorpusWindow] = batch) -> None:\n", "hand_over(layer: int, stream: Tensor, batch: Sequence[CorpusWindow] = batch) -> None:\n            stream = language_model.decoder.norm(stream)\n"),), ("quality at the own layer",)),
    DictionaryFault("digits of the second language", (Patch(f"{CLASS}:script_language", "if not text.isdigit():", "if True:"),), ("scripts",)),
    DictionaryFault("digits go with the token behind", (Patch(f"{CLASS}:script_language", "position - back", "(position + back) % len(pieces)"),), ("scripts",)),
    DictionaryFault("accents are Latin", (Patch(f"{CLASS}:script_language", "LATIN.fullmatch(text)", "LATIN.match(text)"),), ("scripts",)),
    DictionaryFault("loose threshold for strict", (Patch(f"{CLASS}:label_of", "count / total > choice.threshold", "count / total >= choice.threshold"),), ("labels",)),
    DictionaryFault("no minimum of examples", (Patch(f"{CLASS}:label_of", "max(1, choice.min_examples)", "1"),), ("labels",)),
    DictionaryFault("dead is bilingual", (Patch(f"{CLASS}:label_of", "return DEAD", "return BILINGUAL"),), ("labels", "shares", "shares at two widths")),
    DictionaryFault("shares of all latents", (Patch(f"{CLASS}:class_shares", "latents, energy = sum(counts.values()), ", "latents, energy = len(labels), "),), ("shares",)),
    DictionaryFault("loose threshold in other choices", (Patch(f"{CLASS}:class_counts", "> choice.threshold", ">= choice.threshold"),), ("classes told anew",)),
    DictionaryFault("the other way to tell languages not told", (Patch("stages.classes:classed", "first_otherwise=others", "first_otherwise=labels"),), ("classes told anew",)),
    DictionaryFault("parts of another length", (Patch(f"{GIVEN}:Apart.at_lengths", "lengths_of(other) / lengths_of(self.stream)", "lengths_of(self.stream) / lengths_of(other)"),), ("lengths of parts",)),
    DictionaryFault("languages exchanged", (Patch("stages.classes:classed", "first, second = (", "second, first = ("),), ("shares", "planted directions")),
    DictionaryFault("donor and recipient exchanged", (Patch(f"{GIVEN}:integration", "((model, saes, classes), (donor, donor_saes, donor_classes))", "((donor, donor_saes, donor_classes), (model, saes, classes))"),), ("bilingual gains",)),
    DictionaryFault("the recipient's own part stays", (Patch(f"{GIVEN}:change", "Integration.SWAP: recipient.parts[part]", "Integration.SWAP: torch.zeros_like(recipient.stream)"),), ("nothing from itself",)),
    DictionaryFault("parts without their length", (Patch(f"{GIVEN}:taken_apart", "rebuilt=length * ", "rebuilt="),), ("nothing from itself",)),
    DictionaryFault("written over after the layer before", (Patch("models.splicing:window_losses", "(layer,)", "(layer - 1,)"),), ("bilingual gains",)),
    DictionaryFault("loss of the first token counted", (Patch("models.splicing:window_losses", "[:, front:].mean", "[:, front - 1 :].mean"),), ("quality at the own layer",)),
    DictionaryFault("random latents among the bilingual", (Patch(f"{GIVEN}:parts_of", "(labels != BILINGUAL) & ", ""),), ("bilingual gains",)),
    DictionaryFault("as much text as each language has", (Patch("stages.corpus:corpus", "windows[:count]", "windows"),), ("uneven text", "balance")),
    DictionaryFault("first of the strongest tokens forgotten", (Patch("stages.demo_replay:example_languages", "values.index(max(values))", "0"),), ("counts of the demonstration",)),
)  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    root = tmp_path_factory.mktemp("dictionaries")
    made = Sound(write_two_languages(root / "two"), root / "made")
    assert made.quality
    assert made.found
    assert made.of_planted_streams
    return made


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_sound_passes(sound: Sound, tmp_path: Path, name: str) -> None:
    CHECKS[name](Work(sound, tmp_path))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_of_a_dictionary_is_seen(sound: Sound, tmp_path: Path, fault: DictionaryFault) -> None:
    with planted(fault.patches):
        for name in fault.seen_by:
            folder = tmp_path / name.replace(" ", "-")
            folder.mkdir()
            with pytest.raises(AssertionError):
                CHECKS[name](Work(sound, folder))


def test_every_fault_is_told() -> None:
    table = PROOF.read_text(encoding="utf-8")
    for fault in FAULTS:
        assert f"| {fault.name} | {', '.join(fault.seen_by)} |" in table
