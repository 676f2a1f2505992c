"""What the door to models refuses, and what it gives once."""

import io
import json
import pickle
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from harness.models.loading import load_language_model
from harness.models.translator import load_marian
from harness.sources.pins import ForeignFileError, locate
from harness.words.errors import HarnessError, MissingSourceError, UsageError
from harness.words.study import Home, Pin
from tests.proof.parsers import Trap
from tests.worlds import World


def torch_saved(content: object) -> bytes:
    written = io.BytesIO()
    torch.save(content, written)
    return written.getvalue()


def test_a_model_is_loaded_once(world: World) -> None:
    assert load_language_model(world.model, world.numerics) is load_language_model(
        world.model, world.numerics
    )


def test_the_model_runs_in_the_precision_that_was_asked_for(world: World) -> None:
    numerics = replace(world.numerics, dtype="bfloat16")
    weights = load_language_model(world.model, numerics).model.parameters()
    assert {weight.dtype for weight in weights} == {torch.bfloat16}


def test_no_weight_of_the_base_model_can_be_trained(world: World) -> None:
    language_model = load_language_model(world.model, world.numerics)
    assert not any(weight.requires_grad for weight in language_model.model.parameters())


def test_every_text_begins_with_one_bos(world: World) -> None:
    language_model = load_language_model(world.model, world.numerics)
    for row in language_model.token_ids(["a harbour", "the old town"]):
        assert (row[0],) == language_model.front_ids
        assert row.count(row[0]) == 1


@pytest.mark.parametrize("token", ["<bos>", "<eos>", "<pad>", "<unk>"])
def test_a_control_token_that_a_text_spells_stays_text(world: World, token: str) -> None:
    language_model = load_language_model(world.model, world.numerics)
    tokenizer = language_model.tokenizer
    (row,) = language_model.token_ids([f"one {token} too many"])
    assert not {*row[1:]} & {*tokenizer.all_special_ids}
    assert tokenizer.decode(row[1:]) == f"one {token} too many"


def test_a_text_that_is_read_as_a_second_bos_is_told_from_a_broken_tokenizer(world: World) -> None:
    language_model = load_language_model(world.model, world.numerics)
    tokenizer = AutoTokenizer.from_pretrained(locate(world.model))
    with pytest.raises(ValueError, match="the text spells another"):
        replace(language_model, tokenizer=tokenizer).token_ids(["one <bos> too many"])


def test_a_translator_reads_the_control_tokens_of_a_text_as_text(world: World) -> None:
    tokenizer = load_marian(world.translators["zh"].pin).tokenizer
    ids = tokenizer(">>cmn_Hans<< the </s> and <pad> marks")["input_ids"]
    assert ids[0] == tokenizer.convert_tokens_to_ids(">>cmn_Hans<<") != tokenizer.unk_token_id
    assert tokenizer.pad_token_id not in ids
    assert ids.index(tokenizer.eos_token_id) == len(ids) - 1


def test_a_tokenizer_that_puts_no_bos_by_itself_gives_the_same_ids(world: World, tmp_path: Path) -> None:
    shutil.copytree(locate(world.model), tmp_path / "model")
    tokenizer = tmp_path / "model" / "tokenizer.json"
    text = tokenizer.read_text(encoding="utf-8")
    start = text.index('"post_processor"')
    stop = text.index('"decoder"', start)
    tokenizer.write_text(text[:start] + '"post_processor": null, ' + text[stop:], encoding="utf-8")
    pin = replace(world.model, name="no bos", address=str(tmp_path / "model"))
    ids = load_language_model(pin, world.numerics).token_ids(["a harbour"])
    assert ids == load_language_model(world.model, world.numerics).token_ids(["a harbour"])


def test_translators_run_in_float32_however_they_are_stored(world: World) -> None:
    weights = load_marian(world.translators["ml"].pin).model.parameters()
    assert {weight.dtype for weight in weights} == {torch.float32}


def copied(pin: Pin, folder: Path) -> Pin:
    shutil.copytree(locate(pin), folder)
    return replace(pin, address=str(folder))


@pytest.mark.parametrize(
    "wrap", [partial(pickle.dumps, protocol=2), torch_saved], ids=["a bare pickle", "as torch saves it"]
)
def test_a_planted_pickle_in_the_place_of_weights_is_never_loaded(
    world: World, tmp_path: Path, wrap: Callable[[object], bytes]
) -> None:
    for pin, load, refusal in (
        (
            world.model,
            load_language_model,
            pytest.raises(MissingSourceError, match=r"has no model\*\.safetensors; its folder holds"),
        ),
        (
            world.translators["es"].pin,
            lambda pin, _: load_marian(pin),
            pytest.raises(ValueError, match="hold more than tensors"),
        ),
    ):
        planted = copied(pin, tmp_path / pin.name)
        (tmp_path / pin.name / "model.safetensors").unlink()
        (tmp_path / pin.name / "pytorch_model.bin").write_bytes(wrap({"weight": Trap()}))
        with refusal:
            load(planted, world.numerics)


def test_a_pickle_of_tensors_alone_is_a_translator_like_any_other(world: World, tmp_path: Path) -> None:
    pin = world.translators["es"].pin
    planted = copied(pin, tmp_path / "es")
    weights = tmp_path / "es" / "model.safetensors"
    (tmp_path / "es" / "pytorch_model.bin").write_bytes(torch_saved(load_file(weights)))
    weights.unlink()
    found = load_marian(planted).model.state_dict()
    expected = load_marian(pin).model.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_translators_are_given_every_mark_as_it_stands(world: World) -> None:
    tokenizer = load_marian(world.translators["ml"].pin).tokenizer
    assert tokenizer.normalize("\u201cone\u201d \u2013 two") == "\u201cone\u201d \u2013 two"


def test_a_library_that_would_change_the_texts_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MosesPunctNormalizer:
        def __init__(self, language: str) -> None:
            """As the library's own."""

        def normalize(self, text: str) -> str:
            return text.replace("\u201c", '"').replace("\u201d", '"')

    monkeypatch.setitem(sys.modules, "sacremoses", SimpleNamespace(MosesPunctNormalizer=MosesPunctNormalizer))
    with pytest.raises(HarnessError, match="expected every text as it stands: uninstall sacremoses"):
        load_marian(world.translators["ml"].pin)


def test_a_folder_that_is_not_there_says_how_to_get_it() -> None:
    pin = Pin(name="lost", home=Home.FOLDER, address="fixtures/nowhere", licence="none")
    with pytest.raises(ForeignFileError, match="restore it with 'git checkout'"):
        locate(pin)


LOST = "model.layers.2.mlp.down_proj.weight"


def rewritten(path: Path, **changes: object) -> None:
    """A JSON file with other values; None takes a name away."""
    said = json.loads(path.read_text(encoding="utf-8")) | changes
    kept = {name: value for name, value in said.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def reweighed(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """The weights of a folder after a change."""
    held = load_file(folder / "model.safetensors")
    change(held)
    save_file(held, folder / "model.safetensors")


def of_another_prefix(held: dict[str, torch.Tensor]) -> None:
    for name in list(held):
        held[name.replace("model.", "model._orig_module.", 1)] = held.pop(name)


def in_two_files(folder: Path, *, said: str | None = None) -> None:
    """One tensor twice; or once, in another file than the index says."""
    held = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    first, last = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
    save_file({name: weight for name, weight in held.items() if name != LOST or said is None}, folder / first)
    save_file({LOST: held[LOST]}, folder / last)
    homes = dict.fromkeys(held, first) | {LOST: said or last}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": homes}), encoding="utf-8")


def with_index(folder: Path, change: Callable[[str], str]) -> None:
    """Weights in one file, and an index of them that is written otherwise."""
    whole = dict.fromkeys(load_file(folder / "model.safetensors"), "model.safetensors")
    written = json.dumps({"weight_map": whole})
    (folder / "model.safetensors.index.json").write_text(change(written), encoding="utf-8")


def renamed(folder: Path, token: str) -> None:
    """Another spelling for one of the control tokens."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(token, "<other>"), encoding="utf-8")


SPOILT_MODELS = {
    "lacks a tensor": (lambda folder: reweighed(folder, lambda held: held.pop(LOST)), rf"1 tensors .* missing \['{LOST}'\], and 0"),
    "keys of another prefix": (lambda folder: reweighed(folder, of_another_prefix), r"missing .* no place in it \['model\._orig"),
    "more layers said": (lambda folder: rewritten(folder / "config.json", num_hidden_layers=6, layer_types=None), "missing .*layers.4"),
    "fewer layers said": (lambda folder: rewritten(folder / "config.json", num_hidden_layers=3, layer_types=None), "no place in it .*layers.3"),
    "no numbers": (lambda folder: reweighed(folder, lambda held: held[LOST][0].fill_(float("nan"))), rf"no number .*{LOST}"),
    "infinite": (lambda folder: reweighed(folder, lambda held: held[LOST][0].fill_(float("inf"))), rf"no number .*{LOST}"),
    "another width": (lambda folder: reweighed(folder, lambda held: held.update({LOST: torch.ones(3, 3)})), rf"its files hold {LOST} of shape \(3, 3\); its config.json asks for \(\d+, \d+\)"),
    "codes for numbers": (lambda folder: reweighed(folder, lambda held: held.update({LOST: held[LOST].to(torch.int8)})), f"holds {LOST} as I8"),
    "a tensor in two files": (in_two_files, f"{LOST} stands in model-00001.* and in model-00002"),
    "an index that names another file": (lambda folder: in_two_files(folder, said="model-00001-of-00002.safetensors"), "index.json says that .*00001.*stands in model-00002"),
    "an index that names a tensor twice": (lambda folder: with_index(folder, lambda text: text.replace('{"weight_map": {', f'{{"weight_map": {{"{LOST}": "other.safetensors", ')),
                                           f"index.json is no index of weights: it names {LOST} twice, in other.safetensors and in model.safetensors"),
    "an index that does not name a tensor": (lambda folder: with_index(folder, lambda text: text.replace(f'"{LOST}": "model.safetensors", ', "")),
                                             f"index.json does not name {LOST}, which stands in model.safetensors; expected each tensor once"),
    "an index that is none": (lambda folder: (folder / "model.safetensors.index.json").write_text("[]"), "is no index of weights"),
    "weights cut short": (lambda folder: (folder / "model.safetensors").write_bytes(b"cut"), "model.safetensors cannot be read"),
    "a configuration of another kind": (lambda folder: rewritten(folder / "config.json", model_type="llama"), "of type 'llama'; expected 'gemma2'"),
    "a configuration that is none": (lambda folder: (folder / "config.json").write_text("{"), "config.json tells no model_type"),
    "a tokenizer of more words": (lambda folder: [reweighed(folder, lambda held: held.update({"model.embed_tokens.weight": held["model.embed_tokens.weight"][:100].clone()})),
                                                  rewritten(folder / "config.json", vocab_size=100)], "ids up to .* embeds 100 tokens"),
    "another token for padding": (lambda folder: renamed(folder, "<pad>"), "has no '<pad>', which its facts name"),
    "another token in front": (lambda folder: renamed(folder, "<bos>"), "has no '<bos>', which its facts name"),
    "logits without a bound": (lambda folder: rewritten(folder / "config.json", final_logit_softcapping=20.0), "bound on its logits of 20.* say 30"),
    "a tokenizer that is none": (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be loaded"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT_MODELS)
def test_a_model_that_is_not_whole_is_refused_by_name(world: World, tmp_path: Path, name: str) -> None:
    spoil, says = SPOILT_MODELS[name]
    pin = copied(world.model, tmp_path / "model")
    spoil(tmp_path / "model")
    with pytest.raises(UsageError, match=says) as refused:
        load_language_model.__wrapped__(pin, world.numerics)
    assert str(pin) in str(refused.value)
    assert "correct the pin" in str(refused.value)


def test_a_model_without_one_of_its_files_of_weights_names_it(world: World, tmp_path: Path) -> None:
    pin = copied(world.model, tmp_path / "model")
    in_two_files(tmp_path / "model", said="model-00002-of-00002.safetensors")
    for path, says in (
        ("model-00002-of-00002.safetensors", "model-00002-of-00002.safetensors, which model.safetensors.index.json names; its folder"),
        ("model-00001-of-00002.safetensors", "model-00001-of-00002.safetensors, model-00002-of-00002.safetensors, which"),
        ("model.safetensors.index.json", r"model\*\.safetensors; its folder holds"),
    ):  # fmt: skip
        (tmp_path / "model" / path).unlink()
        with pytest.raises(MissingSourceError, match=f"has no {says}"):
            load_language_model.__wrapped__(pin, world.numerics)


SPOILT_TRANSLATORS = {
    "lacks a tensor": (lambda held: held.pop("model.decoder.layers.0.fc1.weight"), "1 tensors .* missing .*decoder.layers.0.fc1"),
    "holds one too many": (lambda held: held.update(strange=torch.ones(1)), r"1 have no place in it \['strange'\]"),
    "another width": (lambda held: held.update({"model.decoder.layers.0.fc1.weight": torch.ones(3, 3)}), r"hold model\.decoder.*fc1\.weight of shape \(3, 3\); its config.json asks"),
    "no numbers": (lambda held: held["model.decoder.layers.0.fc1.weight"].fill_(float("nan")), "no number .*decoder.layers.0.fc1"),
    "a bias of the head that is none": (lambda held: held.update(final_logits_bias=torch.full((1, len(held["model.shared.weight"])), float("inf"))), "no number .*final_logits_bias"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT_TRANSLATORS)
def test_a_translator_that_is_not_whole_is_refused_by_name(world: World, tmp_path: Path, name: str) -> None:
    spoil, says = SPOILT_TRANSLATORS[name]
    pin = copied(world.translators["es"].pin, tmp_path / "es")
    reweighed(tmp_path / "es", spoil)
    with pytest.raises(UsageError, match=says):
        load_marian(pin)


@pytest.mark.parametrize("file", ["config.json", "source.spm", "target.spm", "vocab.json"])
def test_a_translator_without_one_of_its_files_names_it(world: World, tmp_path: Path, file: str) -> None:
    pin = copied(world.translators["es"].pin, tmp_path / "es")
    (tmp_path / "es" / file).unlink()
    with pytest.raises(MissingSourceError, match=rf"tiny translator es .* has no {file}; its folder holds"):
        load_marian(pin)


def test_what_a_translator_ties_or_computes_may_be_absent(world: World, tmp_path: Path) -> None:
    """And may be there: published ones hold the head's weights and the table of positions, or leave them out."""
    expected = load_marian(world.translators["es"].pin).model.state_dict()
    derived = [
        name for name in expected if "embed_" in name or name in {"lm_head.weight", "final_logits_bias"}
    ]
    bare = {name: weight.clone() for name, weight in expected.items() if name not in derived}
    for number, held in enumerate((bare, expected)):
        pin = copied(world.translators["es"].pin, tmp_path / str(number))
        (tmp_path / str(number) / "model.safetensors").unlink()
        (tmp_path / str(number) / "pytorch_model.bin").write_bytes(torch_saved(dict(held)))
        found = load_marian(pin).model.state_dict()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
