"""Base models of every architecture on the allow list, tiny and random: read, padded, asked and tuned as the library itself does."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from harness.models.adapters import trained_adapter
from harness.models.batches import padded_left
from harness.models.likelihood import Request, continuation_answers, reading_of
from harness.models.loading import ARCHITECTURES, LanguageModel, load_language_model, unfollowed, unreckoned
from harness.models.residuals import counted_positions, visit_residuals
from harness.words.errors import UsageError
from harness.words.plan import Numerics
from harness.words.study import GEMMA_2, ModelPin
from tests.small_study import SPECIFICATION
from tests.tiny_models import KINDS, LAYERS, write_kind
from tests.world_texts import documents

CPU = Numerics(device="cpu", dtype="float32", threads=1)
TEXTS = (
    "The old harbour is near the river, and the window was cold.",
    "The cold window.",
    "A letter\nfor the island",
)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def pin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelPin:
    return write_kind(tmp_path_factory.mktemp(request.param), KINDS[request.param], documents(0))


@pytest.fixture(scope="module")
def language_model(pin: ModelPin) -> LanguageModel:
    return load_language_model(pin, CPU)


def streams(language_model: LanguageModel, rows: Sequence[Sequence[int]]) -> tuple[dict[int, Tensor], Tensor]:
    found: dict[int, Tensor] = {}
    ids, mask = padded_left(rows, language_model.pad_id, "cpu")
    with torch.no_grad():
        visit_residuals(language_model.decoder, ids, mask, range(LAYERS), found.__setitem__)
    return found, mask


def test_every_text_stands_behind_the_models_front_and_is_read_to_its_end(
    language_model: LanguageModel,
) -> None:
    front, tokenizer = language_model.front_ids, language_model.tokenizer
    for text, row in zip(TEXTS, language_model.token_ids(TEXTS), strict=True):
        assert tuple(row[: len(front)]) == front
        assert tokenizer.decode(row[len(front) :]) == text
        assert language_model.lengths([row]) == [len(row) - 1]


def test_a_front_that_a_text_spells_stays_text(pin: ModelPin, language_model: LanguageModel) -> None:
    text = f"one {pin.facts.front[0]} and {pin.facts.pad} too many"
    (row,) = language_model.token_ids([text])
    assert not {*language_model.front_ids, language_model.pad_id} & {*row[1:]}
    assert language_model.tokenizer.decode(row[1:]) == text


def test_layers_are_read_before_the_final_norm(language_model: LanguageModel) -> None:
    ids = torch.tensor(language_model.token_ids(TEXTS[:1]))
    found, _ = streams(language_model, ids.tolist())
    with torch.no_grad():
        theirs = language_model.model(input_ids=ids, output_hidden_states=True).hidden_states
        last = language_model.decoder.norm(found[LAYERS - 1])
    for layer in range(LAYERS - 1):
        assert torch.allclose(found[layer], theirs[layer + 1], atol=1e-5)
    assert torch.allclose(last, theirs[-1], atol=1e-5)
    assert not torch.allclose(found[LAYERS - 1], theirs[-1], atol=1e-2)


def test_padding_moves_no_counted_position_and_the_front_never_counts(language_model: LanguageModel) -> None:
    rows = language_model.token_ids(TEXTS)
    together, mask = streams(language_model, rows)
    counted = counted_positions(mask, len(language_model.front_ids))
    assert counted.sum(dim=1).tolist() == language_model.lengths(rows)
    for place, row in enumerate(rows):
        alone, _ = streams(language_model, [row])
        for layer in range(LAYERS):
            assert torch.allclose(together[layer][place][counted[place]], alone[layer][0, 1:], atol=1e-5)


def test_likelihoods_are_those_of_one_plain_pass_a_request(language_model: LanguageModel) -> None:
    begin, one, other = language_model.token_ids(("The old harbour is near", " the river", " the window was"))
    prompts = [begin, [*begin, *one[1:]]]
    requests = [
        Request(name="a test", context=tuple(prompt), continuation=tuple(more[1:]))
        for prompt in prompts
        for more in (one, other)
    ]
    found = continuation_answers(language_model, language_model.model, reading_of(requests), batch_items=8)
    for request, answer in zip(requests, found, strict=True):
        ids = torch.tensor([[*request.context, *request.continuation]])
        with torch.no_grad():
            log_probs = language_model.model(input_ids=ids).logits[0].log_softmax(dim=-1)
        places = range(len(request.context) - 1, ids.shape[1] - 1)
        expected = sum(float(log_probs[place, ids[0, place + 1]]) for place in places)
        assert answer.log_likelihood == pytest.approx(expected, abs=1e-4)


def test_an_adapter_reaches_its_layers(language_model: LanguageModel) -> None:
    rows = language_model.token_ids(TEXTS[:1])
    before, _ = streams(language_model, rows)
    with trained_adapter(
        language_model.model, replace(SPECIFICATION.alignment, layers=(1,)), seed=0
    ) as tuned:
        second = [weight for name, weight in tuned.named_parameters() if "lora_B" in name]
        for weight in second:
            weight.data.fill_(0.5)
        after, _ = streams(language_model, rows)
    assert len(second) == len(SPECIFICATION.alignment.target_modules)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1], atol=1e-3)


def test_a_model_of_another_kind_than_its_facts_is_refused(pin: ModelPin) -> None:
    other = KINDS["llama" if pin.facts.architecture != "llama" else "qwen3"].facts
    with pytest.raises(
        UsageError, match=f"of type '{pin.facts.architecture}'; expected '{other.architecture}'"
    ):
        load_language_model(replace(pin, facts=other), CPU)


def test_an_architecture_that_nobody_tried_is_refused_before_anything_is_fetched(pin: ModelPin) -> None:
    unknown = replace(pin, facts=replace(pin.facts, architecture="gpt2"))
    with pytest.raises(UsageError, match=r"unknown architecture 'gpt2'.*gemma2.*llama"):
        load_language_model(unknown, CPU)


SHAPES = {"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.mark.parametrize(
    ("architecture", "settings", "says"),
    [
        ("gpt2", {}, r"2 tables of embeddings \(transformer.wpe, transformer.wte\)"),
        ("gpt2", {}, r"a decoder without .layers"),
        ("phi", {"intermediate_size": 32}, r"a bias of its head"),
        ("gemma2", {"intermediate_size": 32, "final_logit_softcapping": 50.0}, r"a bound on its logits of 50.0"),
        ("llama", {"intermediate_size": 32, "architectures": ["LlamaForSequenceClassification"]}, r"weights of LlamaForSequence"),
    ],
)  # fmt: skip
def test_what_nobody_reckons_with_is_named(architecture: str, settings: dict[str, object], says: str) -> None:
    config = AutoConfig.for_model(architecture, **{**SHAPES, **settings})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    told = "; ".join(unreckoned(model, replace(GEMMA_2, soft_cap=None)))
    assert re.search(says, told), told


def says(pin: ModelPin, folder: Path, settings: dict[str, object]) -> ModelPin:
    """The same model, whose configuration says something else besides."""
    copytree(pin.address, folder)
    said = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if (
        "rope_scaling" in settings
    ):  # as files say it that were written before the library had another name for it
        del said["rope_parameters"]
    (folder / "config.json").write_text(json.dumps(said | settings), encoding="utf-8")
    return replace(pin, address=str(folder))


ALIEN = {
    "logit_scale": 0.0625, "logits_scaling": 8.0, "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.5,
    "num_experts": 8, "num_local_experts": 8, "moe_intermediate_size": 64, "num_nextn_predict_layers": 1, "clip_qkv": 8.0,
    "use_parallel_residual": True, "use_qk_norm": True, "qk_layernorm": True, "alibi": True, "add_cross_attention": True,
    "auto_map": {"AutoModelForCausalLM": "modeling_other.Other"}, "quantization_config": {"quant_method": "fp8"},
}  # fmt: skip
"""Settings of other kinds of models, or of files that this machine unpacks: the library passes over them, or is silent."""


@pytest.mark.parametrize("name", ALIEN)
def test_a_setting_that_a_kind_of_model_does_not_have_is_named(
    pin: ModelPin, tmp_path: Path, name: str
) -> None:
    with pytest.raises(
        UsageError, match=f"reckons with: {name} = .*, which no {pin.facts.architecture} of the"
    ):
        load_language_model(says(pin, tmp_path / "model", {name: ALIEN[name]}), CPU)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"use_bidirectional_attention": True}, "use_bidirectional_attention = True"),
        ({"is_encoder_decoder": True}, "is_encoder_decoder = True"),
        ({"layer_types": LAYERS * ["chunked_attention"]}, "layers of type 'chunked_attention'"),
        ({"layer_types": LAYERS * ["linear_attention"]}, "layers of type 'linear_attention'"),
        ({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "positions of type 'dynamic'"),
        ({"rope_scaling": {"rope_type": "longrope", "short_factor": 8 * [1.0], "long_factor": 8 * [2.0], "factor": 2.0,
          "original_max_position_embeddings": 64}}, "positions of type 'longrope'"),
        ({"rope_scaling": {"rope_type": "default", "partial_rotary_factor": 0.5}}, "partial_rotary_factor = 0.5 of its"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_setting_that_nobody_follows_is_named(
    llama: ModelPin, tmp_path: Path, settings: dict[str, object], named: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(named)):
        load_language_model(says(llama, tmp_path / "model", settings), CPU)


def test_a_head_that_is_said_to_be_tied_and_is_another_is_named(llama: ModelPin, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a head of its own, which its configuration says is tied"):
        load_language_model(says(llama, tmp_path / "model", {"tie_word_embeddings": True}), CPU)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> ModelPin:
    return write_kind(tmp_path_factory.mktemp("llama"), KINDS["llama"], documents(0))


KNOWN = {
    "gemma2": {"cache_implementation": "hybrid", "hidden_act": "gelu_pytorch_tanh", "sliding_window_size": 4096},
    "gemma3_text": {"cache_implementation": "hybrid", "sliding_window_pattern": 6, "rope_local_base_freq": 10000},
    "llama": {
        "pretraining_tp": 1, "mlp_bias": False, "attention_bias": False, "use_cache": True, "max_length": 64,
        "rope_scaling": {
            "factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192,
            "rope_type": "llama3",
        },
    },
    "mistral": {"rope_theta": 10000.0},
    "qwen3": {"max_window_layers": 28, "rope_scaling": None, "_attn_implementation_autoset": True},
}  # fmt: skip
"""By architecture: what the configurations of true models say besides shapes."""


def test_what_true_configurations_say_is_followed_or_says_nothing(pin: ModelPin, tmp_path: Path) -> None:
    changed = says(pin, tmp_path / "model", KNOWN[pin.facts.architecture])
    assert list(unfollowed(AutoConfig.from_pretrained(changed.address))) == []
    assert load_language_model(changed, CPU).facts == pin.facts


def test_capped_attention_scores_want_eager_attention() -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            AutoConfig.for_model("gemma2", intermediate_size=32, **SHAPES)
        )
    assert not list(unreckoned(model, GEMMA_2))
    (told,) = unreckoned(model, replace(GEMMA_2, attention="sdpa"))
    assert told == "capped attention scores (attn_logit_softcapping), which 'sdpa' attention does not cap"
