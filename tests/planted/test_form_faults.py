"""Every known way to read a suite's SAEs wrongly, or to harvest with them, turns the check red that is named for it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.models.loading import load_language_model
from harness.models.params import arrays_of
from harness.models.sae import latent_activations, layer_encoder, load_encoder, load_sae
from harness.sources.neuronpedia import stored_rows
from harness.stages.harvest import harvest
from harness.stages.replay import replay
from harness.store.tables import read_table
from harness.words.records import LayerReplay
from harness.words.study import Harvest, Home, Pin, SAEForm, SAEInput, SAEKind
from tests.planted.patching import Patch, planted
from tests.sae_forms import FORMS, MEAN_LENGTH, SCALED, one_threshold, write_form
from tests.world_networks import D_MODEL, D_SAE
from tests.worlds import World, dictionary_file

PROOF = Path(__file__).parents[2] / "docs" / "proof.md"

TOP_4 = SAEForm(kind=SAEKind.QWEN_SCOPE, k=4)
BY_LENGTH = SAEForm(kind=SAEKind.SAE_LENS, reads=SAEInput.LENGTH)
SCALE = D_MODEL**0.5 / MEAN_LENGTH
STREAM = 3 * torch.randn(40, D_MODEL, generator=torch.Generator().manual_seed(5))


@dataclass(frozen=True)
class Written:
    """An SAE of the tiny world, written in some form, and the same by pencil."""

    world: World
    folder: Path

    @property
    def arrays(self) -> dict[str, torch.Tensor]:
        return one_threshold(arrays_of(self.world.dictionaries, dictionary_file(1)))

    @property
    def pin(self) -> Pin:
        return Pin(name="suite", home=Home.FOLDER, address=str(self.folder), licence="none")

    def found(self, form: SAEForm) -> NDArray[np.float32]:
        """Activations of a stream by what is read of the file."""
        file = write_form(self.folder, 1, self.arrays, form)
        acts: NDArray[np.float32] = latent_activations(STREAM, load_encoder(self.pin, file, form)).numpy()
        return acts

    def expected(self, *, k: int | None = None, stream: torch.Tensor = STREAM) -> NDArray[np.float64]:
        """The same in float64, from the arrays before they were written."""
        exact = {name: array.double().numpy() for name, array in self.arrays.items()}
        pre_acts = stream.double().numpy() @ exact["W_enc"] + exact["b_enc"]
        bar = exact["threshold"]
        if k is not None:
            bar = np.maximum(np.sort(pre_acts, axis=1)[:, -k - 1, None], 0)
        return np.where(pre_acts > bar, pre_acts, 0)


def require_equal(found: NDArray[np.float32], expected: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def forms_alike(written: Written) -> None:
    for form in FORMS.values():
        require_equal(written.found(form), written.expected())


def units(written: Written) -> None:
    require_equal(written.found(SCALED), written.expected() * SCALE)


def strongest(written: Written) -> None:
    require_equal(written.found(TOP_4), written.expected(k=4))


def chosen(written: Written) -> None:
    file = write_form(written.folder, 1, written.arrays, TOP_4)
    encoder = load_encoder(written.pin, file, TOP_4).choosing(torch.tensor([7, 3, 41, 20, 11, 9]))
    require_equal(
        latent_activations(STREAM, encoder).numpy(), written.expected(k=4)[:, [7, 3, 41, 20, 11, 9]]
    )


def lengths(written: Written) -> None:
    stream = STREAM / STREAM.norm(dim=1, keepdim=True) * D_MODEL**0.5
    require_equal(written.found(BY_LENGTH), written.expected(stream=stream))


def streams_rebuilt(written: Written) -> None:
    for form in (*FORMS.values(), SCALED, TOP_4):
        unit = SCALE if form is SCALED else 1.0
        sae = load_sae(written.pin, write_form(written.folder, 1, written.arrays, form), "cpu", form)
        acts = torch.rand(5, D_SAE)
        expected = acts @ written.arrays["W_dec"] + written.arrays["b_dec"]
        require_equal(sae.decode(acts * unit).numpy(), expected.numpy())


def forms_of_a_run(written: Written) -> None:
    files = tuple(write_form(written.folder, layer, written.arrays, TOP_4) for layer in range(4))
    networks = replace(
        written.world.networks(), dictionaries=written.pin, dictionary_files=files, dictionary_form=TOP_4
    )
    require_equal(latent_activations(STREAM, layer_encoder(networks, 1)).numpy(), written.expected(k=4))


def some_layers(written: Written) -> None:
    """Two of four layers have a dictionary, each named for the layer before which it reads."""
    form, world = SAEForm(kind=SAEKind.SAE_LENS, is_before=True), written.world
    held = {layer: one_threshold(arrays_of(world.dictionaries, dictionary_file(layer))) for layer in (1, 3)}
    networks = replace(
        world.networks(),
        dictionaries=written.pin,
        dictionary_files=tuple(write_form(written.folder, layer, each, form) for layer, each in held.items()),
        dictionary_form=form,
        dictionary_layers=tuple(held),
    )
    for layer, arrays in held.items():
        pre_acts = STREAM.double() @ arrays["W_enc"].double() + arrays["b_enc"].double()
        expected = torch.where(pre_acts > arrays["threshold"], pre_acts, 0.0)
        require_equal(latent_activations(STREAM, layer_encoder(networks, layer)).numpy(), expected.numpy())


def rows_of(written: Written) -> list[tuple[int, str, float, int]]:
    """Latent, text, peak and place of it of every row that is harvested from a few texts, and found again by sae-lens."""
    out, world = written.folder / "out", written.world
    windows = dict.fromkeys(
        row.tokens for row in stored_rows(Path(world.phrases.address), world.phrase_source_ids[0])
    )
    texts = ["".join(tokens).replace("▁", " ").replace("<bos>", " ").strip() for tokens in [*windows][:30]]
    lines = (json.dumps({"text": text}) for text in texts)
    (written.folder / "texts.jsonl").write_text("\n".join(lines))
    how = Harvest(files=("texts.jsonl",), contexts=400, context_tokens=33, rows_per_latent=4)
    harvest(
        out=out, corpus=written.pin, how=how, source_ids=world.phrase_source_ids, networks=world.networks(256)
    )
    return [
        (row.latent, "".join(row.tokens), max(row.values), row.peak)
        for row in stored_rows(out, world.phrase_source_ids[1])
    ]


def harvested_rows(written: Written) -> None:
    """Against every text by itself through the model, and a sort of all peaks."""
    found, world = rows_of(written), written.world
    language_model = load_language_model(world.model, world.numerics)
    spelled = (written.folder / "texts.jsonl").read_text().splitlines()
    peaks: dict[tuple[int, str], tuple[float, int]] = {}
    for line in spelled:
        (ids,) = language_model.token_ids([json.loads(line)["text"]])
        body = ids[1:][: 4 * 32]
        for start in range(0, len(body), 32):
            window = body[start : start + 32]
            if len(window) < 8:
                continue
            with torch.no_grad():
                output = language_model.model(torch.tensor([[ids[0], *window]]), output_hidden_states=True)
            acts = latent_activations(output.hidden_states[2][0, 1:], layer_encoder(world.networks(), 1))
            text = "".join(language_model.tokenizer.convert_ids_to_tokens(window))
            for latent in range(D_SAE):
                peaks[latent, text] = (float(acts[:, latent].max()), int(acts[:, latent].argmax()))
    for latent in range(D_SAE):
        held = {text: (peak, place) for number, text, peak, place in found if number == latent}
        ranked = sorted(peak for (number, _), (peak, _) in peaks.items() if number == latent and peak > 0)
        assert len(held) == min(4, len(ranked))
        assert sorted(peak for peak, _ in held.values()) == pytest.approx(ranked[-4:], abs=2e-3)
        for text, (peak, place) in held.items():
            assert (peak, place) == (pytest.approx(peaks[latent, text][0], abs=2e-3), peaks[latent, text][1])


def replayed_rows(written: Written) -> None:
    rows_of(written)
    told = {"source_ids": written.world.phrase_source_ids, "rows_per_layer": 20, "seed": 1}
    out = written.folder / "replayed"
    replay(
        written.folder / "out", out=out, export=written.pin, networks=written.world.networks(), **told
    )  # fmt: skip
    assert all(layer.passes for layer in read_table(out, LayerReplay))


CHECKS: Mapping[str, Callable[[Written], None]] = {
    "forms alike": forms_alike,
    "units": units,
    "strongest latents": strongest,
    "chosen latents": chosen,
    "streams of one length": lengths,
    "streams rebuilt": streams_rebuilt,
    "form of a run": forms_of_a_run,
    "dictionaries of some layers": some_layers,
    "harvested rows": harvested_rows,
    "harvested rows by sae-lens": replayed_rows,
}

ACTS, FOLD, LENS = "models.sae:latent_activations", "models.params:_llama_scope", "models.params:_sae_lens"
ADD, HARVESTED = "stages.harvest:StrongestRows.add", "stages.harvest:harvested"


@dataclass(frozen=True)
class FormFault:
    """One way to get it wrong."""

    name: str
    patches: tuple[Patch, ...]
    seen_by: tuple[str, ...]
    says: str = ""
    """What is said, where it is refused."""


FAULTS = (
    FormFault("decoder norm forgotten in the gate", (Patch(FOLD, "_with_decoder_norm(arrays)", "arrays"),), ("forms alike", "units", "streams rebuilt")),
    FormFault("decoder rows left at their lengths", (Patch("models.params:_with_decoder_norm", 'arrays["W_dec"] / lengths.unsqueeze(1)', 'arrays["W_dec"]'),), ("streams rebuilt",)),
    FormFault("mean length of the stream forgotten", (Patch(FOLD, 'float(said["dataset_average_activation_norm"]["in"])', "math.sqrt(arrays['b_dec'].numel())"),), ("forms alike", "units", "streams rebuilt")),
    FormFault("threshold in the other unit", (Patch(FOLD, 'float(said["jump_relu_threshold"]) * unit', 'float(said["jump_relu_threshold"])'),), ("units",)),
    FormFault("bias in the other unit", (Patch(FOLD, 'found["b_enc"] / scale * unit', 'found["b_enc"] * unit'),), ("forms alike", "units")),
    FormFault("weights of a linear layer not turned", (Patch("models.params:_stored", "if layout.is_transposed:", "if False:"),), ("forms alike", "strongest latents"), "of shape"),
    FormFault("decoder's bias of SAELens not taken off", (Patch(LENS, 'said.get("apply_b_dec_to_input", True)', "False"),), ("forms alike",)),
    FormFault("k off by one", (Patch(ACTS, "topk(encoder.k,", "topk(encoder.k + 1,"),), ("strongest latents", "chosen latents", "form of a run")),
    FormFault("k forgotten", (Patch("models.sae:load_encoder", "k=form.k", "k=None"),), ("strongest latents", "chosen latents", "form of a run")),
    FormFault("latents below zero among the strongest", (Patch(ACTS, "(pre_acts > encoder.threshold) & (pre_acts > 0)", "pre_acts > -9"),), ("forms alike",)),
    FormFault("only the chosen latents compete", (Patch("models.sae:Encoder.choosing", "if self.k is None:", "if True:"), Patch("models.sae:Encoder.columns", "if self.k is not None:", "if False:")), ("chosen latents",)),
    FormFault("streams left at their lengths", (Patch(ACTS, "if encoder.has_unit_input:", "if False:"),), ("streams of one length",)),
    FormFault("form of a run forgotten", (Patch("models.sae:layer_encoder", "networks.dictionary_file(layer), networks.dictionary_form", "networks.dictionary_file(layer)"),), ("form of a run",), "holds the arrays"),
    FormFault("layer off by one at resid_pre", (Patch("models.params:require_its_layer", "blocks.{layer + 1}.hook_resid_pre", "blocks.{layer}.hook_resid_pre"),), ("dictionaries of some layers",), "was trained at 'blocks.2.hook_resid_pre'"),
    FormFault("dictionary of the layer before read", (Patch("words.plan:Networks.dictionary_file", "self.layers.index(layer)", "self.layers.index(layer) - 1"),), ("dictionaries of some layers",), "was trained at 'blocks.4.hook_resid_pre'"),
    FormFault("dictionary of the layer before read, wherever it was trained", (Patch("words.plan:Networks.dictionary_file", "self.layers.index(layer)", "self.layers.index(layer) - 1"), Patch("models.params:require_its_layer", "if found not in expected:", "if False:")), ("dictionaries of some layers",)),
    FormFault("weakest rows harvested", (Patch(ADD, "descending=True", "descending=False"),), ("harvested rows",), "no row of"),
    FormFault("harvested values of the context before", (Patch(ADD, "acts[order[slots, latents] - kept,", "acts[(order[slots, latents] - kept - 1) % len(acts),"),), ("harvested rows", "harvested rows by sae-lens")),
    FormFault("harvested contexts numbered from each batch", (Patch(ADD, "torch.arange(first, first + len(acts)", "torch.arange(0, len(acts)"),), ("harvested rows", "harvested rows by sae-lens")),
    FormFault("harvested values read backwards", (Patch(ADD, "-acts.shape[1] :] = entering", "-acts.shape[1] :] = entering.flip(1)"),), ("harvested rows", "harvested rows by sae-lens")),
    FormFault("harvested with the encoder of the layer before", (Patch(HARVESTED, "latent_activations(residual[batch.counted], encoders[layer])", "latent_activations(residual[batch.counted], encoders[max(0, layer - 1)])"),), ("harvested rows", "harvested rows by sae-lens")),
    FormFault("harvested without what stands in front", (Patch("stages.harvest:corpus_contexts", "[*language_model.front_ids, *ids]", "[ids[0], *ids]"),), ("harvested rows", "harvested rows by sae-lens")),
)  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_sound_passes(world: World, tmp_path: Path, name: str) -> None:
    CHECKS[name](Written(world, tmp_path))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_of_a_form_is_seen(world: World, tmp_path: Path, fault: FormFault) -> None:
    with planted(fault.patches):
        for name in fault.seen_by:
            folder = tmp_path / name.replace(" ", "-")
            folder.mkdir()
            with pytest.raises((AssertionError, ValueError)) as seen:
                CHECKS[name](Written(world, folder))
            is_refused = not isinstance(seen.value, AssertionError)
            assert (fault.says in str(seen.value)) if is_refused and fault.says else not is_refused


def test_every_check_sees_a_fault_and_every_fault_is_told() -> None:
    assert {name for fault in FAULTS for name in fault.seen_by} == set(CHECKS)
    table = PROOF.read_text(encoding="utf-8")
    for fault in FAULTS:
        refused = f'; refused: "{fault.says}"' if fault.says else ""
        assert f"| {fault.name} | {', '.join(fault.seen_by)}{refused} |" in table
