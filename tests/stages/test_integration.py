"""A part of one tiny Llama put into another, against a slow pass for each window with a hook of the library's own."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.models.loading import load_language_model
from harness.models.topk import read_sae
from harness.stages.integration import integration
from harness.store.tables import read_table
from harness.words.dictionaries import (
    ClassedLatent,
    CorpusWindow,
    IntegratedText,
    Integration,
    PartAgreement,
    PartLength,
    SAEPlace,
    Split,
)
from tests.stages.two_languages import LANGUAGES, NUMERICS, PLACES, TwoLanguages, write_two_languages

PLACE = PLACES[1]
READINGS = (Integration.SWAP, Integration.ADD, Integration.REPLACE)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> TwoLanguages:
    return write_two_languages(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def made(two: TwoLanguages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both checkpoints with dictionaries and classes of their own, and what integration makes of them."""
    root = tmp_path_factory.mktemp("made")
    corpus = two.corpus(root / "corpus")
    for name in ("early", "late"):
        told = {"model": two.checkpoint(name), "places": (PLACE,)}
        trained = two.saes(corpus, root / name / "saes", **told)
        found = two.examples(corpus, trained, root / name / "examples", **told)
        two.classes(found, root / name / "classes")
    (root / "out").mkdir()
    integration(
        corpus, *(root / name / stage for name in ("early", "late") for stage in ("saes", "classes")), out=root / "out",
        model=two.checkpoint("early"), donor=two.checkpoint("late"), numerics=NUMERICS, place=PLACE, languages=LANGUAGES,
        readings=READINGS, windows=6, batch_tokens=40, seed=3, part_length=PartLength.OWN,
    )  # fmt: skip
    return root


def apart(two: TwoLanguages, made: Path, name: str, window: CorpusWindow) -> tuple[Tensor, dict[str, Tensor]]:
    """The stream of one window, [position, d_model], and its parts by class, by the library's own hidden states."""
    language_model = load_language_model(two.checkpoint(name), NUMERICS)
    with torch.no_grad():
        ids = torch.tensor([[*language_model.front_ids, *window.token_ids]])
        stream = language_model.model(ids, output_hidden_states=True).hidden_states[PLACE.layer + 1][0, 1:]
    sae, length = read_sae(made / name / "saes" / PLACE.file, "cpu"), stream.norm(dim=1, keepdim=True)
    acts = sae.acts(stream / length)
    rows = read_table(made / name / "classes", ClassedLatent)
    masks = {code: torch.tensor([row.label == code for row in rows]) for code in (*LANGUAGES, "bilingual")}
    parts = {code: length * ((acts * mask) @ sae.W_dec) for code, mask in masks.items()}
    return stream, {**parts, "all": length * (acts @ sae.W_dec), "rebuilt": length * sae.rebuilt(acts)}


def slow_loss(two: TwoLanguages, window: CorpusWindow, added: Tensor | None) -> float:
    language_model = load_language_model(two.checkpoint("early"), NUMERICS)
    ids = torch.tensor([[*language_model.front_ids, *window.token_ids]])

    def hook(_module: object, _inputs: object, output: Tensor) -> Tensor:
        return output if added is None else torch.cat([output[:, :1], output[:, 1:] + added], dim=1)

    handle = language_model.model.model.layers[PLACE.layer].register_forward_hook(hook)
    with torch.no_grad():
        log_probs = language_model.model(ids).logits[0, :-1].double().log_softmax(dim=1)
    handle.remove()
    # The first token of the window is predicted from what stands in front.
    return float(-log_probs[1:].gather(1, ids[0, 2:, None]).mean())


def test_every_loss_is_that_of_a_pass_of_its_own(two: TwoLanguages, made: Path) -> None:
    rows = read_table(made / "out", IntegratedText)
    assert {row.part for row in rows} == {"en", "ja", "bilingual", "random", "all", "rebuilt"}
    windows = [row for row in read_table(made / "corpus", CorpusWindow) if row.split == Split.TEST][:6]
    assert len(rows) == 6 * 6 * len(READINGS)
    for window in windows:
        stream, own = apart(two, made, "early", window)
        _, other = apart(two, made, "late", window)
        for row in rows:
            if row.text_id != window.text_id or row.part == "random":
                continue
            added = {
                "swap": other[row.part] - own[row.part],
                "add": other[row.part],
                "replace": other[row.part] - own["all"],
            }[row.reading]
            added = own["rebuilt"] - stream if row.part == "rebuilt" else added
            assert (row.language, row.tokens) == (window.language, 11)
            assert row.before == pytest.approx(slow_loss(two, window, None), rel=1e-5)
            assert row.after == pytest.approx(slow_loss(two, window, added), rel=1e-4)


def test_the_random_control_takes_as_many_latents_of_other_classes(two: TwoLanguages, made: Path) -> None:
    rows = {row.part: row for row in read_table(made / "out", PartAgreement)}
    labels = [row.label for row in read_table(made / "early" / "classes", ClassedLatent)]
    assert rows["bilingual"].recipient_latents == labels.count("bilingual")
    others = sum(label not in {"bilingual", "dead"} for label in labels)
    assert rows["random"].recipient_latents == min(labels.count("bilingual"), others)
    assert rows["all"].recipient_latents == len(labels)
    assert rows["all"].recipient_length > 0
    assert abs(rows["all"].cosine) <= 1
    assert SAEPlace(layer=rows["all"].layer, seed=rows["all"].seed) == PLACE
