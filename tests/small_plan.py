"""A plan of four tiny stages, for the engine's tests; as a script, the whole command line on that plan.

A world is a JSON file: the texts that its items write, and how they misbehave. Every item appends its
name to the world's tally when it starts and when it ends, so that tests can count the work.
"""

import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from harness.run.forkserver import hand_over
from harness.store.run_folder import JUNIT_FILE, PAGE_FILE, REPORT_FILE, SUMMARY_FILE, read_record
from harness.words.judgement import Judgement
from harness.words.plan import Item, Plan, Stage
from harness.words.runfacts import RunFacts
from harness.words.study import (
    GEMMA_2,
    Aggregation,
    AlignedLatents,
    AlignmentChoice,
    Group,
    Home,
    Language,
    ModelPin,
    PhraseChoice,
    PhraseCut,
    Pin,
    Pooling,
    Profile,
    Shapes,
    Sizes,
    Sources,
    Specification,
    Study,
    Translator,
    Weights,
)

CODES = ("hi", "ml", "mr")


@dataclass(frozen=True)
class SmallWorld:
    """The folder of one world."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / "world.json"

    @property
    def tally(self) -> Path:
        return self.root / "tally.txt"

    def write(self, **content: object) -> None:
        (self.root / "source").mkdir(exist_ok=True)
        (self.root / "source" / "bytes.txt").write_text(str(content.pop("source", "original")))
        self.file.write_text(json.dumps(content))

    def read(self) -> dict[str, object]:
        return json.loads(self.file.read_text())

    def counted(self, what: str) -> list[str]:
        lines = self.tally.read_text().splitlines() if self.tally.exists() else []
        return [line.split()[1] for line in lines if line.startswith(what)]

    def count(self, what: str, item: str) -> None:
        with self.tally.open("a") as stream:
            stream.write(f"{what} {item}\n")

    def hold(self, *places: str) -> None:
        """Have these items wait, once they are begun, for as long as they are named here; no other does."""
        (self.root / "held.txt").write_text("\n".join(places))

    def is_held(self, place: str) -> bool:
        held = self.root / "held.txt"
        return held.exists() and place in held.read_text().splitlines()

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, __file__, str(self.root))


def small_study(**changes: object) -> Study:
    languages = (
        Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
        *(Language(code=code, name=code, group=Group.LOW, script="DEVANAGARI", tuned=True) for code in CODES),
    )
    phrases = PhraseChoice(
        min_fraction_of_maximum=0.8, cut=PhraseCut.SENTENCE, min_examples=1, max_examples=4
    )
    alignment = AlignmentChoice(
        latents=AlignedLatents.OWN,
        alpha=1.0,
        detach_english=False,
        layers=(0, 1),
        rank=2,
        lora_alpha=4,
        target_modules=("q_proj",),
        learning_rate=1e-4,
        batch_size=2,
        epochs=1,
        pairs=4,
        weight_decay=0.01,
    )
    primary = Specification(
        name="primary",
        phrases=phrases,
        pooling=Pooling.MEAN,
        aggregation=Aggregation.RATIO_OF_MEANS,
        alignment=alignment,
        gain_layer=1,
        num_beams=1,
    )
    fields = {
        "name": "small",
        "paper_id": "0000.00000",
        "title": "A small paper",
        "design": "harness.designs.disparity.design",
        "shapes": Shapes(
            num_layers=2,
            d_model=4,
            d_sae=8,
            vocab_size=16,
            weights=Weights(heads=2, kv_heads=1, head_width=16, mlp=64, norms=4),
        ),
        "languages": languages,
        "benchmarks": (),
        "primary": primary,
    }
    return Study(**(fields | changes))


def small_pin(folder: Path) -> Pin:
    return Pin(name="small source", home=Home.FOLDER, address=str(folder), licence="CC0-1.0")


def small_profile(folder: Path, **changes: object) -> Profile:
    pin = small_pin(folder)
    sources = Sources(
        model=ModelPin.of(pin, GEMMA_2),
        dictionaries=pin,
        dictionary_files=("0", "1"),
        phrases=pin,
        phrase_source_ids=("0", "1"),
        translators={code: Translator(pin=pin, named_otherwise="one text is all there is") for code in CODES},
        benchmarks={},
    )
    sizes = Sizes(
        latents_per_layer=1,
        panel_latents=1,
        held_out_fraction=0.5,
        similarity_texts=1,
        dictionary_texts=1,
        adapter_seeds=(0,),
        max_alignment_steps=None,
        alignment_batch=None,
        items_per_cell=None,
        max_shots=None,
        batch_tokens=8,
        dtype="float32",
        threads=1,
    )
    return Profile(**({"name": "fixture", "summary": "small", "sources": sources, "sizes": sizes} | changes))


def function_of(stage: str) -> str:
    """Where the code of a stage stands; nothing is called so there, since `install` puts another maker of items in place."""
    return f"harness.words.study:{stage}"


def small_plan(world: SmallWorld) -> Plan:
    """phrases -> translations of three languages -> estimates; benchmarks need nothing."""
    texts = world.read().get("texts", {})
    pin = small_pin(world.root / "source")

    def item(stage: str, name: str, *needs: tuple[str, Item]) -> Item:
        place = f"{stage}/{name}"
        told = {"text": texts.get(place, place), "source": pin}
        return Item(function=function_of(stage), name=name, parameters=told, needs=needs)

    phrases = item("phrases", "all")
    translations = tuple(item("translations", code, ("phrases", phrases)) for code in CODES)
    benchmarks = tuple(item("benchmarks", code) for code in CODES)
    measured = [(f"{need.stage}/{need.name}", need) for need in (*translations, *benchmarks)]
    stages = (("phrases", (phrases,)), ("translations", translations), ("benchmarks", benchmarks))
    return Plan(
        study=small_study(),
        profile=small_profile(world.root / "source"),
        stages=tuple(
            Stage(
                function=function_of(name),
                says=name,
                items=items,
                uses_model=bool(world.read().get("uses_model")) and name in {"translations", "benchmarks"},
            )
            for name, items in (*stages, ("estimates", (item("estimates", "all", *measured),)))
        ),
    )


def performing_in(world: SmallWorld) -> Callable[[Item, Mapping[str, Path], Path], None]:
    """What makes an item: writes, slowly or badly where the world says so."""

    def perform(item: Item, inputs: Mapping[str, Path], out: Path) -> None:
        text = item.parameters["text"]
        place = text if text.startswith(item.stage) else f"{item.stage}/changed"
        behaviour = world.read().get("behaviour", {})
        if device := os.environ.get("CUDA_VISIBLE_DEVICES"):
            world.count(f"device-{device}", place)
        world.count("start", place)
        texts = [(folder / "text.txt").read_text() for _, folder in sorted(inputs.items())]
        (out / "text.txt").write_text("\n".join((text, *texts)))
        is_first = world.counted("start").count(place) == 1
        usually = behaviour.get(place, "")
        misbehave(behaviour.get(f"{place} at first", usually) if is_first else usually, out)
        usual = behaviour.get("seconds", 0)
        time.sleep(float(behaviour.get(f"seconds of {place} at first", usual) if is_first else usual))
        while world.is_held(place):
            time.sleep(0.1)
        world.count("end", place)

    return perform


def misbehave(how: str, out: Path) -> None:
    match how:
        case "raise":
            raise RuntimeError("the sky fell")
        case "short memory":
            import torch

            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")
        case "no network":
            from harness.words.errors import MissingSourceError, Reason

            raise MissingSourceError("small source cannot be fetched: no network", reason=Reason.NO_NETWORK)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "full disk":
            with Path("/dev/full").open("w") as stream:
                stream.write("x")
        case "nothing":
            (out / "text.txt").unlink()


def write_small_report(
    facts: RunFacts, estimates: Path, self_checks: Path, out: Path, judgement: Judgement | None = None
) -> SimpleNamespace:
    content = {
        "not_run": [[entry.stage, entry.reason] for entry in facts.not_run],
        "run_id": facts.run.id,
        "mode": facts.mode,
        "artifacts": [[entry.stage, entry.item, entry.digest] for entry in facts.run.artifacts],
        "text": "" if facts.not_run else (estimates / "text.txt").read_text(),
    }
    (out / REPORT_FILE).write_text(json.dumps(content, indent=1))
    for name in (PAGE_FILE, SUMMARY_FILE, JUNIT_FILE):
        (out / name).write_text(f"{name} of {facts.run.id}")
    return load_small_report(out)


def load_small_report(run: Path) -> SimpleNamespace:
    content = read_record(run, REPORT_FILE)
    return SimpleNamespace(summary=SimpleNamespace(exit_code=5 if content["not_run"] else 0))


def install(world: SmallWorld, setattr_: object = setattr) -> None:
    """Put the small world behind the product's own doors."""
    import harness.designs.design
    import harness.plugin
    import harness.report.writer
    import harness.run.reproduce
    import harness.run.stageprocess
    import harness.sources.studies

    def plan(study: Study, profile: Profile, device: str) -> Plan:
        return small_plan(world)

    setattr_(harness.designs.design, "plan", plan)
    setattr_(harness.run.reproduce, "plan", plan)
    setattr_(harness.run.stageprocess, "perform", performing_in(world))
    # No network runs here, and loading the library of them takes longer than all the rest.
    setattr_(harness.run.stageprocess, "computes_with_torch", lambda stage: False)
    setattr_(harness.run.stageprocess, "require_accelerator", lambda device: None)
    for module in (harness.sources.studies, harness.run.reproduce):
        setattr_(module, "load_study", lambda name: small_study())
        setattr_(module, "load_profile", lambda study, name, sizes=None: small_profile(world.root / "source"))
    setattr_(harness.report.writer, "write_report", write_small_report)
    setattr_(harness.report.writer, "load_report", load_small_report)
    setattr_(harness.report.writer, "closing_lines", lambda report, run: (f"report in {run}",))
    # Its report holds no verdict that could be told.
    setattr_(harness.plugin, "tell_in_pytest", lambda report: None)
    request = functools.partial(harness.run.reproduce.Request, command=world.command)
    setattr_(harness.run.reproduce, "Request", request)


if __name__ == "__main__":
    hand_over()
    install(SmallWorld(Path(sys.argv[1])))
    from harness.cli import main

    del sys.argv[1]  # what is left are the command's own words
    main()
