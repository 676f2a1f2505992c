"""The report of a run: what it was and is evidence for, what the judge says of it, and which stages did not run.

The evidence comes from the networks that its replay stage loaded, and the files behind them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.designs.design import design_of
from harness.judge.ledger import LedgerFile, Run
from harness.run.artifacts import ArtifactStatus, Recipes
from harness.run.kept_report import keep_report, report_recipe, take_report
from harness.run.progress import Say
from harness.run.verdicts import Asked, Inputs, judgement_of
from harness.sources.pins import content_digests, fixture_digests
from harness.sources.studies import committed_pins
from harness.statistics.replay_gate import enough_rows
from harness.store.files import disk_errors
from harness.store.provenance import environment
from harness.store.run_folder import RunFolder
from harness.store.tables import read_table
from harness.words.canonical import Json, digest_of, plain
from harness.words.errors import HarnessError, NotJudgedError, Reason
from harness.words.mode import Evidence, Loaded, Mode, mode_of
from harness.words.plan import Plan
from harness.words.records import LayerReplay, LoadedFile, LoadedModel
from harness.words.runfacts import LanguageFact, NotRun, Paper, RunFacts, RunRecord, SourceRecord
from harness.words.study import Home, Pin, Profile, Shapes, Study
from harness.words.verdict import State

if TYPE_CHECKING:
    from harness.report.document import Report


@dataclass(frozen=True, kw_only=True)
class ReplayRecord:
    """What the replay stage recorded."""

    model: LoadedModel
    files: tuple[LoadedFile, ...]
    layers: tuple[LayerReplay, ...]


def read_replay(replay: Path) -> ReplayRecord:
    """What stands in the replay stage's artifact."""
    (model,) = read_table(replay, LoadedModel)
    return ReplayRecord(
        model=model,
        files=tuple(read_table(replay, LoadedFile)),
        layers=tuple(read_table(replay, LayerReplay)),
    )


def evidence_of(
    plan: Plan,
    replayed: ReplayRecord | None,
    fixtures: tuple[Pin, ...],
    folders: Mapping[tuple[str, str], Path] = MappingProxyType({}),
) -> Evidence:
    """What a run can show for itself; nothing where what it loaded was not told.

    Args:
        plan: The run's plan.
        replayed: What its replay stage recorded.
        fixtures: Pins of committed folders, whose birth certificates name the digests that are no evidence.
        folders: Artifacts that stand, by stage and item, from which the design tells of further models.
    """
    design, pins = design_of(plan.study), plan.profile.sources.pins()
    loaded = design.loaded(plan, folders)
    if design.replay in {stage.name for stage in plan.stages}:
        loaded = (_replayed_model(plan.study.shapes, replayed), *loaded)
    return Evidence(
        loaded=loaded,
        source_digests=frozenset().union(
            *(each.digests for each in loaded), *(content_digests(pin) for pin in pins)
        ),
        fixture_digests=frozenset().union(*(fixture_digests(pin) for pin in fixtures)),
        weights_made_here=any(pin.home is Home.MADE for pin in pins),
        layers_replayed=sum(layer.passes for layer in replayed.layers) if replayed else 0,
        has_stored=bool(plan.study.shapes.layers),
        departures=plan.profile.sizes.departures,
    )


def _replayed_model(shapes: Shapes, replayed: ReplayRecord | None) -> Loaded:
    if replayed is None:
        return Loaded(name="", expected=shapes, found=None)
    digests = frozenset(file.sha256 for file in replayed.files)
    return Loaded(name="", expected=shapes, found=_shapes(replayed), digests=digests)


def evidence_words(shapes: Shapes, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The evidence and what follows from it, as names and values for a report."""
    known = len(evidence.source_digests & evidence.fixture_digests)
    replayed = next((each.found for each in evidence.loaded if not each.name), None)
    yield "shapes as loaded", _spelled(replayed) if replayed else "not known"
    yield "shapes of the study", _spelled(shapes)
    for each in evidence.loaded:
        if each.name:
            found = _spelled(each.found) if each.found else "not known"
            yield f"shapes of {each.name}", "the study's" if each.found == each.expected else found
    yield "files that stand in a fixture's birth certificate", str(known)
    yield "weights made by the harness", "yes" if evidence.weights_made_here else "no"
    yield "layers found again by replay", f"{evidence.layers_replayed} of {len(shapes.layers)}"
    if evidence.departures:
        yield "choices that are not the study's", ", ".join(evidence.departures)


def replay_words(replayed: ReplayRecord | None) -> Iterator[tuple[str, str]]:
    """What the replay stage loaded the model as, and how its control came out, as names and values for a report.

    The control is every row without its BOS, which is wrong on purpose: a layer that is found again all the same could not
    have told that a BOS was missing.
    """
    if replayed is None:
        return
    yield "attention as loaded", replayed.model.attention
    yield "dtype as loaded", replayed.model.dtype
    dictionaries = [file for file in replayed.files if file.source != replayed.files[0].source]
    if len(dictionaries) == 1:
        # One that its authors called as they liked.
        (file,) = dictionaries
        yield "dictionary as loaded", f"{file.path} of {file.source}, sha256 {file.sha256[:12]}"
    shares = [100 * layer.rows_passing_without_bos / layer.rows for layer in replayed.layers]
    scales = [layer.median_scale_without_bos for layer in replayed.layers]
    yield (
        "rows found again without BOS",
        f"{min(shares):.0f} to {max(shares):.0f} % of a layer's, at a median scale of {min(scales):.3f} to {max(scales):.3f}",
    )
    blind = [layer for layer in replayed.layers if enough_rows(layer.rows_passing_without_bos, layer.rows)]
    named = ", ".join(str(layer.layer) for layer in blind)
    yield (
        "layers found again without BOS",
        f"{named}: there the replay gate could not tell a missing BOS" if blind else f"none of {len(shares)}",
    )


def _shapes(replayed: ReplayRecord) -> Shapes | None:
    """Shapes of model and dictionaries, of the layers that were replayed; None where these disagree."""
    sizes = {(layer.d_model, layer.d_sae) for layer in replayed.layers}
    layers = tuple(layer.layer for layer in replayed.layers)
    if len(sizes) != 1:
        return None
    ((d_model, d_sae),) = sizes
    if d_model != replayed.model.d_model:
        return None
    return Shapes(
        num_layers=replayed.model.num_layers,
        d_model=d_model,
        d_sae=d_sae,
        vocab_size=replayed.model.vocab_size,
        dictionary_layers=None if layers == tuple(range(replayed.model.num_layers)) else layers,
    )


def _spelled(shapes: Shapes) -> str:
    model = f"{shapes.num_layers} layers, {shapes.d_model} wide, vocabulary {shapes.vocab_size:,}"
    if not shapes.layers:
        return f"{model}, no published dictionary"
    noun = "layer" if len(shapes.layers) == 1 else "layers"
    where = "" if shapes.dictionary_layers is None else f" at {noun} {shapes.layers_say}"
    return f"{model}, dictionaries of {shapes.d_sae:,} latents{where}"


# The report


def report_run(
    recipes: Recipes,
    run: RunFolder,
    status: ArtifactStatus,
    say: Say,
    *,
    reports: Path,
    device: str,
    asked: Asked,
    error: HarnessError | None = None,
) -> "Report":
    """Judge a run and write its report, or take the one that stands where nothing that decides it has changed.

    Args:
        recipes: What the run's artifacts are made from.
        run: Where the report goes.
        status: Which artifacts stand.
        say: Prints one line.
        reports: Folder of all runs, which keeps the ledger.
        device: Where its models ran.
        asked: What is to be judged.
        error: Why the run could measure nothing; the report then says which stages did not run.
    """
    from harness.report.writer import load_report, write_report

    plan, replay, design = recipes.plan, replay_of(status), design_of(recipes.plan.study)
    facts = facts_of(recipes, device, status, replay, not_run_of(plan, run, error) if error else ())
    found = {} if error else {place: artifact.folder for place, artifact in status.found.items()}
    estimates, checks = (found.get((stage or "", "all")) for stage in (design.estimates, design.self_checks))
    inputs = Inputs(
        study=plan.study,
        profile=plan.profile,
        run_id=facts.run.id,
        mode=facts.mode,
        estimates=estimates,
        specified=[folder for (stage, _), folder in found.items() if stage == design.specified_estimates],
        replays=replay.layers if replay and not error else (),
        answers={name: folder for (stage, name), folder in found.items() if stage == design.answers},
        not_run=facts.not_run,
        asked=asked,
    )
    recipe = report_recipe(facts, inputs, reports)
    if recipe and take_report(status.store, recipe, run):
        say("nothing to judge: the report of these artifacts by this code stands, verified to the byte")
        return load_report(run.root)
    judgement = judgement_of(inputs, reports)
    # A world without known numbers has no table of them: the report finds no folder, and says so.
    nothing = run.engine / "none"
    with disk_errors(run.root):
        report = write_report(facts, estimates or nothing, checks or nothing, run.root, judgement)
    if recipe:
        keep_report(status.store, recipe, run)
    if judgement and facts.mode == Mode.FULL and not error:
        states = [each.state for each in judgement.paper.verdicts if isinstance(each.state, State)]
        outcome = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        entry = Run(run_id=facts.run.id, study=facts.run.study, lock=judgement.lock.sha256)
        LedgerFile(folder=reports).end(entry, outcome, report.summary.exit_code)
    return report


def facts_of(
    recipes: Recipes,
    device: str,
    status: ArtifactStatus,
    replay: ReplayRecord | None,
    not_run: tuple[NotRun, ...] = (),
) -> RunFacts:
    """What the report says about the run itself."""
    study, profile = recipes.plan.study, recipes.plan.profile
    known = (profile.known_numbers,) if profile.known_numbers else ()
    pins = dict.fromkeys((*profile.sources.pins(), *known))
    folders = {place: artifact.folder for place, artifact in status.found.items()}
    evidence = evidence_of(recipes.plan, replay, committed_pins(study), folders)
    return RunFacts(
        paper=Paper(id=study.paper_id, title=study.title),
        mode=mode_of(evidence),
        run=RunRecord(
            id=recipes.run_id(),
            study=study.name,
            profile=profile.name,
            environment=dict(
                (
                    *environment(device, profile.sizes.dtype, profile.sizes.threads),
                    *evidence_words(study.shapes, evidence),
                    *replay_words(replay),
                )
            ),
            settings=dict(settings_of(study, profile)),
            artifacts=tuple(
                record for stage in recipes.plan.stages for record in status.records(stage) or ()
            ),
            sources=tuple(
                SourceRecord(
                    name=pin.name, address=pin.address, revision=recipes.revision(pin), licence=pin.licence
                )
                for pin in pins
            ),
        ),
        specification_digest=digest_of(study.primary),
        languages=language_facts(study),
        not_run=not_run,
    )


def settings_of(study: Study, profile: Profile) -> Iterator[tuple[str, str]]:
    """Every size of a profile and every choice of the primary specification, by a dotted name; a grid that is not the registered one."""
    if study.asked_grid not in {None, study.grid}:
        yield "grid", f"{study.asked_grid}, exploratory; registered: {study.grid}"
    yield from _named("sizes", plain(profile.sizes))
    yield from _named("specification", plain(study.primary))


def _named(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for part, inner in value.items():
            yield from _named(f"{name}.{part}", inner)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value)) or "none"
    else:
        yield name, "none" if value is None else str(value)


def replay_of(status: ArtifactStatus) -> ReplayRecord | None:
    """What the replay stage recorded; None where it did not run."""
    replay = status.found.get((design_of(status.recipes.plan.study).replay or "", "all"))
    return read_replay(replay.folder) if replay else None


def language_facts(study: Study) -> tuple[LanguageFact, ...]:
    """Every language of a study as its reports name it."""
    return tuple(
        LanguageFact(code=language.code, name=language.name, group=language.group)
        for language in study.languages
    )


def not_run_of(plan: Plan, run: RunFolder, error: HarnessError) -> tuple[NotRun, ...]:
    """Every stage that does not stand, with its own word or that of the failure that ended the run."""
    said = {failure.stage: failure for failure in run.read_failures() if failure.reason}
    not_run = []
    for stage in (stage.name for stage in plan.stages if not run.index(stage.name).exists()):
        if isinstance(error, NotJudgedError):
            reason, message = error.reason, str(error)
        elif (failure := said.get(stage)) and failure.reason:
            reason, message = Reason(failure.reason), failure.message
        else:
            reason, message = Reason.UPSTREAM_NOT_RUN, "the run ended before it came to this"
        not_run.append(NotRun(stage=stage, reason=reason, message=message))
    return tuple(not_run)
