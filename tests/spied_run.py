"""A real run of the small study, stage by stage as the engine does, in one process and under the eyes of a spy."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.gemma2.modeling_gemma2 import Gemma2DecoderLayer, Gemma2Model

from harness.designs.design import plan
from harness.models.likelihood import Reading
from harness.models.work import WITH_GRADIENTS
from harness.run import stageprocess
from harness.run.progress import recorded
from harness.run.stageprocess import run_stage
from harness.sources.pins import revision_of
from harness.stages import evaluation, translation
from harness.store.provenance import THREAD_VARIABLES
from harness.store.run_folder import RunFolder
from harness.store.store import Store
from harness.words.plan import Item, Plan
from tests.small_study import small_profile, small_study
from tests.worlds import World


class Spy:
    """Tokens that enter the model, and layers that they pass, counted while it runs."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.stage = self.item = ""
        self.readings = defaultdict[tuple[str, str], list[Reading]](list)
        """By stage and item: how benchmark requests are read."""
        self.texts, self.tokens, self.token_layers = Counter[str](), Counter[str](), Counter[str]()
        self.entered = 0
        patch.setattr(stageprocess, "perform", self._performing(stageprocess.perform))
        patch.setattr(evaluation, "reading_of", self._asking(evaluation.reading_of))
        patch.setattr(Gemma2Model, "forward", self._entering(Gemma2Model.forward))
        patch.setattr(Gemma2DecoderLayer, "forward", self._passing(Gemma2DecoderLayer.forward))

    def _entering(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        def entering(model: Gemma2Model, *, input_ids: torch.Tensor, **named: Any) -> Any:
            is_token = input_ids != model.config.pad_token_id
            self.entered = int(is_token.sum())
            self.texts[self.stage] += len(input_ids)
            self.tokens[self.stage] += self.entered
            return forward(model, input_ids=input_ids, **named)

        return entering

    def _performing(self, perform: Callable[..., None]) -> Callable[..., None]:
        def performing(item: Item, *args: Any) -> None:
            self.item = item.name
            perform(item, *args)

        return performing

    def _asking(self, read: Callable[..., Reading]) -> Callable[..., Reading]:
        def asking(requests: Any) -> Reading:
            reading = read(requests)
            self.readings[self.stage, self.item].append(reading)
            return reading

        return asking

    def _passing(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        def passing(layer: Gemma2DecoderLayer, *args: Any, **named: Any) -> Any:
            passes = WITH_GRADIENTS if torch.is_grad_enabled() else 1
            self.token_layers[self.stage] += passes * self.entered
            return forward(layer, *args, **named)

        return passing


@dataclass(frozen=True, kw_only=True)
class SpiedRun:
    """A finished run, and what the spy saw of it."""

    plan: Plan
    folder: RunFolder
    store: Store
    spy: Spy

    def artifact(self, stage: str, item: str) -> Path:
        """Folder of what the run stored of an item."""
        records = self.folder.read_index(stage) or ()
        return self.store.peek(stage, next(each.key for each in records if each.item == item)).folder


def small_plan_with_control(world: World) -> Plan:
    """The small study with an adapter on wrong partners beside the two on right ones."""
    profile = small_profile(world)
    return plan(small_study(world), replace(profile, sizes=replace(profile.sizes, control_seeds=(1,))), "cpu")


def spied_run_of(world: World, root: Path) -> SpiedRun:
    """Run every stage of the small study below a folder."""
    drawn = small_plan_with_control(world)
    folder, store = RunFolder(root=root / "run"), Store(root / "store")
    revision_of.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        for variable in THREAD_VARIABLES:
            patch.setenv(variable, "1")
        # Random translators seldom stop by themselves.
        patch.setattr(translation, "MAX_NEW_TOKENS", 12)
        spy = Spy(patch)
        with recorded(drawn, folder, "spied"):
            for stage in drawn.stages:
                spy.stage = stage.name
                run_stage(drawn, stage.name, store, folder)
    return SpiedRun(plan=drawn, folder=folder, store=store, spy=spy)
