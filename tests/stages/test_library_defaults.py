"""What the stages hand to the libraries: what was asked for, and elsewhere the values that their documentation calls defaults."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ctranslate2
import pytest
import torch
from torch import Tensor

from claims.sin2025.study import PRIMARY, PROTOCOL
from harness.models.adapters import trained_adapter
from harness.models.loading import LanguageModel, load_language_model
from harness.models.translator import Translator
from harness.stages import alignment, evaluation, translation, translation_scores
from harness.stages.alignment_loss import Aligner, Pairs, Untouched
from harness.stages.evaluation_tasks import stage_tasks
from harness.stages.training import planned_batches
from harness.store.tables import write_table
from harness.words.plan import Numerics, ParallelTexts, Parameters
from harness.words.records import Text
from tests.parallel_texts import human_texts
from tests.stages.conftest import made
from tests.stages.test_alignment import CHOICE, task_of
from tests.stages.test_evaluation import ARC, HELLASWAG, MMLU
from tests.stages.test_evaluation import task_of as questions_of
from tests.worlds import World

SEARCHED_WITH = {
    "beam_size": 3,
    "patience": translation.PATIENCE,
    "max_batch_size": 2,
    "max_input_length": 0,
    "min_decoding_length": 0,
    "max_decoding_length": 9,
    "return_end_token": True,
}
BEAM_SEARCH: Mapping[str, object] = {
    "length_penalty": 1.0,
    "coverage_penalty": 0.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "disable_unk": False,
    "suppress_sequences": None,
    "end_token": None,
    "prefix_bias_beta": 0.0,
    "target_prefix": None,
    "num_hypotheses": 1,
    "sampling_topk": 1,
    "replace_unknowns": False,
    "use_vmap": False,
    "batch_type": "examples",
}
"""Settings of CTranslate2 that move a translation, with the defaults of its documentation; nothing here asks for others.

Each is the default of transformers' `generate` too, where that has one. Two defaults are not: how long a search goes on, and
that a translation has a word at least.

Source: https://opennmt.net/CTranslate2/python/ctranslate2.Translator.html, translate_batch.
"""


@pytest.fixture(name="searched")
def _searched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the engine is asked in every search."""
    found: list[dict[str, Any]] = []
    load = translation.load_translator

    def translate_batch(engine: Any, sources: Any, **told: Any) -> Any:
        found.append(told)
        return engine.translate_batch(sources, **told)

    def watched(folder: Path, numerics: Numerics) -> Translator:
        translator = load(folder, numerics)
        return replace(
            translator, engine=SimpleNamespace(translate_batch=partial(translate_batch, translator.engine))
        )

    for stage in (translation, translation_scores):
        monkeypatch.setattr(stage, "load_translator", watched)
    monkeypatch.setattr(translation, "MAX_NEW_TOKENS", 10)
    return found


def translating(world: World, folder: Path) -> Parameters:
    translation.converted_translators(out=folder / "translator", translator=world.translators["es"].pin)
    return {"target_token": None, "num_beams": 3, "batch_texts": 2, "numerics": world.numerics}


def translated_phrases(world: World, folder: Path) -> None:
    write_table(folder / "phrases", Text, [Text(text_id=0, text="The sea.", held_out=False)])
    translation.translation_shards(
        folder / "phrases",
        folder / "translator",
        out=folder / "out",
        shard=0,
        shard_texts=4,
        **translating(world, folder),
    )


def translated_sentences(world: World, folder: Path) -> None:
    pin = human_texts(folder / "parallel", {"eng_Latn": ["The sea."], "spa_Latn": ["El mar."]})
    texts = ParallelTexts(
        pin=pin, split="devtest", source_config="eng_Latn", target_config="spa_Latn", sentences=1
    )
    translation_scores.translation_scores(
        folder / "translator", out=folder / "out", language="es", parallel=texts, **translating(world, folder)
    )


@pytest.mark.parametrize("stage", [translated_phrases, translated_sentences])
def test_a_translator_searches_with_the_beams_of_the_specification_and_every_default(
    world: World, searched: list[dict[str, Any]], tmp_path: Path, stage: Any
) -> None:
    stage(world, tmp_path)
    assert searched == [SEARCHED_WITH]
    signature = ctranslate2.Translator.translate_batch.__doc__.splitlines()[0]
    said = dict(re.findall(r"(\w+): (?:(?!\w+: ).)+? = ([^,)]+)", signature))
    assert {name: ast.literal_eval(said[name]) for name in BEAM_SEARCH} == BEAM_SEARCH
    assert not BEAM_SEARCH.keys() & SEARCHED_WITH.keys()


def documented(documentation: str) -> Iterator[tuple[str, object]]:
    """Every argument for which a documentation names a default, with that default."""
    for entry in re.split(r"\n {8}(?=\w+ \()", documentation.partition("Args:")[2]):
        if default := re.search(r"\(default: ([^\s]+|\(.*?\))\)", " ".join(entry.split())):
            yield entry.split()[0], ast.literal_eval(default[1])


class Watched(torch.optim.AdamW):
    """AdamW that keeps what it was made with, the rate of every step, and the gradients of the first."""

    made: Mapping[str, object]
    rates: list[float]
    gradients: list[Tensor]

    def __init__(self, parameters: Any, **settings: Any) -> None:
        super().__init__(parameters, **settings)
        Watched.made, Watched.rates, Watched.gradients = dict(self.defaults), [], []

    def step(self, *arguments: Any) -> Any:
        weights = [weight for group in self.param_groups for weight in group["params"]]
        Watched.rates += [group["lr"] for group in self.param_groups]
        Watched.gradients = Watched.gradients or [weight.grad.clone() for weight in weights]
        return super().step(*arguments)


@pytest.mark.parametrize("weight_decay", [0.01, 0.5])
def test_the_optimiser_has_rate_and_decay_of_the_specification_and_every_default(
    world: World,
    inputs: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    weight_decay: float,
) -> None:
    defaults = dict(documented(str(torch.optim.AdamW.__doc__)))
    assert (defaults["betas"], defaults["eps"], defaults["amsgrad"]) == ((0.9, 0.999), 1e-8, False)
    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    task = task_of(world, max_steps=3, learning_rate=3e-4, weight_decay=weight_decay)
    made(alignment.adapters, task, inputs, tmp_path)
    asked = {"lr": 3e-4, "weight_decay": weight_decay}
    # torch's own AdamW is an Adam whose decay is decoupled.
    assert Watched.made == defaults | asked | {"differentiable": False, "decoupled_weight_decay": True}
    assert Watched.rates == [3e-4] * 3
    assert PRIMARY.alignment.weight_decay == defaults["weight_decay"]


def test_a_step_follows_the_whole_gradient_of_its_loss_however_steep(
    world: World, inputs: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, slopes = Aligner.loss, list[Tensor]()

    def steep(self: Aligner, pairs: Pairs, untouched: Untouched, width: int = 0) -> Tensor:
        loss = 1e6 * original(self, pairs, untouched, width)
        weights = [weight for weight in self.language_model.model.parameters() if weight.requires_grad]
        slopes.extend(torch.autograd.grad(loss, weights, retain_graph=True))
        return loss

    monkeypatch.setattr(Aligner, "loss", steep)
    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    made(alignment.adapters, task_of(world, max_steps=1), inputs, tmp_path)
    assert torch.stack([slope.norm() for slope in slopes]).norm() > 100
    assert len(Watched.gradients) == len(slopes)
    assert all(map(torch.equal, Watched.gradients, slopes))


@pytest.fixture(name="language_model")
def _language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


LORA: Mapping[str, object] = {
    "r": 4,
    "lora_alpha": 8,
    "target_modules": {"q_proj", "v_proj"},
    "layers_to_transform": [0, 1, 2],
    "layers_pattern": "layers",
    "lora_dropout": 0.0,
    "bias": "none",
    "init_lora_weights": True,
    "use_rslora": False,
    "use_dora": False,
    "lora_bias": False,
    "modules_to_save": None,
}
"""What the specification of the small study says of an adapter, and the documented defaults of what would change it."""
OF_THE_MODEL = {"base_model_name_or_path", "task_type", "runtime_config"}
"""What peft fills in by itself."""


def test_an_adapter_is_what_the_specification_says_and_else_every_default(
    language_model: LanguageModel,
) -> None:
    from peft import LoraConfig

    with trained_adapter(language_model.model, CHOICE, seed=1) as tuned:
        (config,) = tuned.peft_config.values()
    assert {name: getattr(config, name) for name in LORA} == LORA
    rest = {field.name for field in fields(LoraConfig)} - LORA.keys() - OF_THE_MODEL
    assert {name: getattr(config, name) for name in rest} == {
        name: getattr(LoraConfig(), name) for name in rest
    }


def test_first_weights_are_drawn_as_a_linear_layers_and_change_nothing(language_model: LanguageModel) -> None:
    """Kaiming's uniform law with a slope of sqrt(5), as of torch's linear layers: within 1 / sqrt(inputs); B is zero.

    Source: E. Hu et al., LoRA, arXiv 2106.09685, reference implementation; peft, `init_lora_weights=True`.
    """
    choice = replace(CHOICE, rank=64)
    with trained_adapter(language_model.model, choice, seed=1) as tuned:
        weights = dict(tuned.named_parameters())
    first = [weight.detach() for name, weight in weights.items() if "lora_A" in name]
    second = [weight.detach() for name, weight in weights.items() if "lora_B" in name]
    assert len(first) == len(second) == 6
    assert not any(bool(weight.any()) for weight in second)
    for weight in first:
        bound = weight.shape[1] ** -0.5
        assert 0.98 * bound < weight.abs().max() <= bound
        assert weight.var() == pytest.approx(bound**2 / 3, rel=0.1)


def test_every_seed_of_the_paper_draws_weights_and_batches_of_its_own(
    world: World, language_model: LanguageModel
) -> None:
    weights, batches = set[tuple[float, ...]](), set[str]()
    for seed in PROTOCOL.adapter_seeds:
        with trained_adapter(language_model.model, CHOICE, seed=seed) as tuned:
            drawn = [each for name, each in tuned.named_parameters() if "lora_A" in name]
        weights.add(tuple(torch.cat([each.detach().flatten() for each in drawn]).tolist()))
        batches.add(str(planned_batches(12, task_of(world, seed=seed))))
    assert len(weights) == len(batches) == 5


class Stopped(Exception):  # noqa: N818  no error, but as far as a test wants to go
    """What lm-eval was about to be asked."""

    def __init__(self, tasks: Mapping[str, Any]) -> None:
        self.tasks = tasks


def test_examples_are_drawn_as_lm_evals_own_command_draws_them(
    world: World, language_model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same staged tasks through lm-eval's front door, which seeds everything by its own defaults."""
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.tasks import TaskManager

    def stop(*positional: Any, **named: Any) -> None:
        raise Stopped(named.get("task_dict") or positional[1])

    monkeypatch.setattr("lm_eval.evaluator.evaluate", stop)
    task = questions_of(world, "es", benchmarks=(ARC, HELLASWAG, MMLU), max_shots=3)
    with pytest.raises(Stopped) as ours:
        evaluation.item_outcomes(language_model, language_model.model, task, 1)
    staged = stage_tasks(task, tmp_path)
    model = evaluation.scorer(language_model, language_model.model, 1)
    with pytest.raises(Stopped) as theirs:
        simple_evaluate(
            model=model,
            tasks=[each.name for each in staged],
            task_manager=TaskManager(include_path=tmp_path, include_defaults=False),
        )
    drawn, expected = (examples(each.value.tasks) for each in (ours, theirs))
    assert set(drawn) == {each.name for each in staged}
    assert drawn == expected


def examples(tasks: Mapping[str, Any]) -> dict[str, list[str]]:
    """By task: the prompts of its first questions."""
    return {
        name: [str(each.fewshot_context(document, num_fewshot=3)) for document in each.eval_docs][:4]
        for name, each in tasks["tasks"].items()
    }
