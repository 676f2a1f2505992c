"""The paper's questions, asked of other models: shapes to the last parameter, pins as sae-lens knows them, claims that print nothing."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from claims import elsewhere
from harness.designs.design import plan
from harness.judge.validate import claims_of
from harness.models.loading import ARCHITECTURES, unreckoned
from harness.run.forecast import outlook
from harness.sources.studies import load_profile, load_study
from harness.sources.synthetic import recipe_of
from harness.words.claim import Rule
from harness.words.study import Home, SAEInput, SAEKind, Study

REGISTERED: dict[str, tuple[str, Callable[[int], str], Callable[[str], str]]] = {
    "gemma_2_9b": (
        "gemma-scope-9b-pt-res-canonical",
        lambda layer: f"layer_{layer}/width_16k/canonical",
        lambda folder: f"{folder}/params.npz",
    ),
    "llama_3_1_8b": (
        "llama_scope_lxr_8x",
        lambda layer: f"l{layer}r_8x",
        lambda folder: f"{folder}/checkpoints/final.safetensors",
    ),
    "qwen3_1_7b": (
        "qwen-scope-3-1.7b-base-w32k-l50",
        lambda layer: f"layer{layer}",
        lambda file: file,
    ),
    "gemma_3_1b": (
        "gemma-scope-2-1b-pt-res-all",
        lambda layer: f"layer_{layer}_width_16k_l0_big",
        lambda folder: f"{folder}/params.safetensors",
    ),
    "mistral_7b": (
        "mistral-7b-res-wg",
        # Named for the layer before which it reads the stream.
        lambda layer: f"blocks.{layer + 1}.hook_resid_pre",
        lambda folder: f"{folder}/sae_weights.safetensors",
    ),
}
"""By study: sae-lens's release, what it calls the SAE of a layer, and the file below the folder that it names."""

KINDS = {
    "gemma_2": SAEKind.GEMMA_SCOPE,
    "gemma_3": SAEKind.GEMMA_SCOPE_2,
    "llama_scope": SAEKind.LLAMA_SCOPE,
    "qwen_scope": SAEKind.QWEN_SCOPE,
    None: SAEKind.SAE_LENS,
}
"""By sae-lens's loader of a release: how we call the form of its files."""

SETTINGS = {
    "qwen3_1_7b": {},
    "gemma_3_1b": {"query_pre_attn_scalar": 256},
    "gemma_2_9b": {"query_pre_attn_scalar": 256},
    "llama_3_1_8b": {"rope_parameters": {"rope_type": "default", "rope_theta": 500_000.0}},
    "mistral_7b": {"sliding_window": 4096},
}
"""What the true configurations hold besides shapes, and these need not know."""

STUDIES = tuple(REGISTERED)


@pytest.fixture(params=STUDIES)
def study(request: pytest.FixtureRequest) -> Study:
    return load_study(request.param)


def test_the_shapes_count_every_parameter_of_the_true_model(study: Study) -> None:
    """On the meta device, from the library's own class at the true shapes; nothing is drawn."""
    facts, shapes = load_profile(study, "paper").sources.model.facts, study.shapes
    weights = shapes.weights
    assert weights is not None
    assert facts.architecture in ARCHITECTURES
    config = AutoConfig.for_model(
        facts.architecture,
        vocab_size=shapes.vocab_size,
        hidden_size=shapes.d_model,
        num_hidden_layers=shapes.num_layers,
        num_attention_heads=weights.heads,
        num_key_value_heads=weights.kv_heads,
        head_dim=weights.head_width,
        intermediate_size=weights.mlp,
        tie_word_embeddings=weights.is_tied,
        attn_implementation=facts.attention,
        **SETTINGS[study.name],
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    assert sum(each.numel() for each in model.parameters()) == shapes.parameters
    assert sum(each.numel() for each in model.get_decoder().layers[0].parameters()) == shapes.layer_parameters
    assert list(unreckoned(model, facts)) == []


PARAMETERS = {
    "gemma_2_9b": 9_241_705_984,
    "llama_3_1_8b": 8_030_261_248,
    "qwen3_1_7b": 1_720_574_976,
    "gemma_3_1b": 999_885_952,
    "mistral_7b": 7_241_732_096,
}
"""Of the true models, by their cards and by the index of their weights."""


def test_the_parameters_are_those_of_the_models_card(study: Study) -> None:
    assert study.shapes.parameters == PARAMETERS[study.name]


def test_the_dictionaries_and_rows_are_those_that_sae_lens_knows(study: Study) -> None:
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    release, named, file = REGISTERED[study.name]
    known, sources = (
        vars(get_pretrained_saes_directory()[release]),
        load_profile(study, "paper").sources,
    )
    ids = [named(layer) for layer in study.shapes.layers]
    if study.shapes.dictionary_layers is not None:
        # None is left out, and none is there twice.
        assert [*known["saes_map"]] == ids
    assert sources.dictionaries.address == known["repo_id"]
    assert sources.dictionary_files == tuple(file(known["saes_map"][each]) for each in ids)
    assert sources.dictionary_form.kind is KINDS[known["conversion_func"]]
    is_brought_to_length = known["config_overrides"] == {"normalize_activations": "constant_norm_rescale"}
    assert (sources.dictionary_form.reads is SAEInput.LENGTH) is is_brought_to_length
    assert set(sources.dictionary_files) <= set(sources.dictionaries.files)
    rows = [known["neuronpedia_id"][each] for each in ids]
    model = sources.phrases.address.rpartition("/")[2]
    if sources.harvest is None:
        assert [f"{model}/{each}" for each in sources.phrase_source_ids] == rows
    else:
        # Nobody has published rows of them, as far as it knows.
        assert set(rows) == {None}


def test_as_many_latents_fire_as_sae_lens_says(study: Study) -> None:
    """Of a TopK, which its own reader takes from the name of the repository."""
    from sae_lens.loading.pretrained_sae_loaders import get_qwen_scope_config_from_hf

    sources = load_profile(study, "paper").sources
    k = None
    if sources.dictionary_form.kind is SAEKind.QWEN_SCOPE:
        said = get_qwen_scope_config_from_hf(
            sources.dictionaries.address, sources.dictionary_files[0], device="cpu"
        )
        k = said["activation_fn_kwargs"]["k"]
        assert (said["d_in"], said["d_sae"]) == (study.shapes.d_model, study.shapes.d_sae)
        assert not said["apply_b_dec_to_input"]
    assert sources.dictionary_form.k == k


@pytest.mark.parametrize(
    ("layer", "num_layers", "found"),
    [
        *((6, 42, 10), (20, 42, 33), (25, 42, 41)),
        *((6, 32, 8), (20, 32, 25), (25, 32, 31)),
        *((6, 28, 7), (20, 28, 22), (25, 28, 27)),
        *((6, 26, 6), (20, 26, 20), (25, 26, 25)),
    ],
)
def test_layers_stand_as_deep_as_the_papers(layer: int, num_layers: int, found: int) -> None:
    assert elsewhere.at_depth(layer, num_layers) == found


def test_no_printed_number_is_asked_for_and_nobody_is_said_to_have_claimed_it(study: Study) -> None:
    claims = claims_of(study)
    printed = [(claim.id, claim.rule) for claim in claims if claim.targets]
    assert printed == [("retention.en.floor", Rule.AT_LEAST)]
    assert {claim.sentence.source for claim in claims} == {elsewhere.ASKED}
    assert study.paper_id == elsewhere.ASKED
    assert "asked elsewhere" in study.title
    thirds = [claim for claim in claims if claim.id in THIRDS]
    read = [name for claim in thirds for name in claim.readings[0].estimates]
    assert read == [f"gap/layer={layer}/high/primary" for layer in study.shapes.layers]


def test_a_plan_foresees_what_the_spread_of_the_papers_model_would_decide(study: Study) -> None:
    """Nothing is assumed of which layer has the largest gap, nor of a correlation over languages."""
    found = outlook(study, load_profile(study, "paper"))
    foreseen = {each.claim_id for each in found if each.is_foreseen and each.decidable}
    gained = {f"gain.{language.code}.direction" for language in study.tuned}
    assert foreseen == {*THIRDS, *gained, "retention.en.floor"}
    assumed = [claim.pilot.because for claim in claims_of(study) if claim.pilot]
    assert all(says.startswith("as in the paper's study: ") for says in assumed)


THIRDS = ("gap.early.direction", "gap.middle.direction", "gap.late.direction")


def asked_of_three_of_six(*layers: int) -> dict[str, tuple[Rule, tuple[str, ...], str]]:
    """By claim about gaps and gains: its rule, what it reads, and what stands beside it."""
    shapes = replace(MISTRAL.shapes, num_layers=6, dictionary_layers=layers)
    asked = elsewhere.claims(elsewhere.study("six", "six layers", shapes))
    return {
        claim.id: (
            claim.rule, tuple(name for each in claim.readings for name in each.estimates), claim.beside
        )
        for claim in asked
        if claim.id.startswith(("gap.", "gain.hi."))
    }  # fmt: skip


def test_thirds_are_asked_where_a_dictionary_is_and_said_to_be_untestable_where_none_is() -> None:
    def gaps(*layers: int) -> tuple[str, ...]:
        return tuple(f"gap/layer={layer}/high/primary" for layer in layers)

    # Of six layers the thirds are 0-1, 2-3 and 4-5; layer 6 of 26 lies as deep as layer 1, and layer 20 as layer 4.
    gain = (Rule.SIGN, ("gain/layer=4/lang=hi/primary/primary",), "")
    assert asked_of_three_of_six(0, 1, 4) == {
        "gap.early.direction": (Rule.POOLED_SIGN, gaps(0, 1), ""),
        "gap.middle.direction": (Rule.NONE, (), "No layer of 2 to 3 has a dictionary; those that have one are 0, 1, 4."),
        "gap.late.direction": (Rule.SIGN, gaps(4), ""),
        "gap.argmax.early": (Rule.LARGEST_WITHIN, gaps(0, 1, 4), ""),
        "gap.argmax": (Rule.LARGEST_AT, gaps(0, 1, 4), ""),
        "gain.hi.direction": gain,
    }  # fmt: skip
    found = asked_of_three_of_six(2, 3, 5)
    assert found["gap.argmax"] == (
        Rule.NONE,
        (),
        "Layer 1 has no dictionary; those that have one are 2, 3, 5.",
    )
    assert found["gap.argmax.early"][0] is Rule.NONE
    # The nearest of those that have one; of two as near the earlier.
    assert found["gain.hi.direction"][1] == ("gain/layer=3/lang=hi/primary/primary",)


def test_of_mistral_one_question_has_no_answer() -> None:
    untestable = [claim.id for claim in claims_of(MISTRAL) if claim.rule is Rule.NONE]
    assert untestable == ["gap.argmax"]
    assert (MISTRAL.primary.gain_layer, MISTRAL.primary.alignment.layers) == (23, tuple(range(24)))
    assert [MISTRAL.alignment(name).layers for name in MISTRAL.ablations if name.startswith("layers=")] == [
        (23,), (7,),
    ]  # fmt: skip


MISTRAL = load_study("mistral_7b")


def test_every_choice_begins_with_what_the_primary_specification_takes(study: Study) -> None:
    gain = next(axis for axis in study.axes if axis.name == "gain-layer")
    assert [level.name for level in gain.levels] == [str(study.primary.gain_layer), "mean"]
    assert study.primary.gain_layer == study.primary.alignment.layers[-1]


def test_a_rehearsal_makes_the_same_shapes_here(study: Study) -> None:
    sources = load_profile(study, "rehearsal").sources
    assert {pin.home for pin in sources.pins()} == {Home.MADE}
    # At Mistral's shapes each takes two gigabytes: none is made that nobody reads.
    _, figures = recipe_of(sources.dictionaries)
    assert (figures.layers, figures["latents"]) == (study.shapes.layers, study.shapes.d_sae)
    assert f"heads={study.shapes.weights.heads}&" in sources.model.address  # type: ignore[union-attr]


def test_what_is_known_of_the_model_reaches_every_stage_that_reads_its_rows(study: Study) -> None:
    drawn = plan(study, load_profile(study, "paper"), "cpu")
    facts = import_module(f"claims.{study.name}.pins").MODEL.facts
    networks = [item.parameters["networks"] for item in drawn.items() if "networks" in item.parameters]
    assert {each.model.facts for each in networks} == {facts}
    (phrases,) = drawn.stage("phrases").items
    assert phrases.parameters.get("facts", facts) == facts
