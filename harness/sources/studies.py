"""The one door to `claims/`: studies and profiles by name, checked when they are read."""

import importlib
import importlib.util
import json
import math
import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from harness.words.claim import Claim, Source
from harness.words.emergence import FINAL, EmergenceSizes, EmergenceSources, EmergenceStudy
from harness.words.errors import HarnessError, UsageError, choice_error
from harness.words.judgement import Conflict, Protocol, PublishedSet
from harness.words.specification import PRIMARY
from harness.words.study import (
    Group,
    Harvest,
    Home,
    ModelPin,
    Parallel,
    Pin,
    Profile,
    SAEForm,
    SAEInput,
    SAEKind,
    Sizes,
    Sources,
    Study,
    Translator,
    with_levels,
)

Entry = TypeVar("Entry")

CLAIMS = Path(__file__).resolve().parents[2] / "claims"
"""Every folder below it that holds a `study.py` is a study."""

NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What studies, profiles, languages and benchmarks may be called: their names become files, modules and ids of estimates."""

TABLES: Mapping[type, tuple[str, str]] = {
    Claim: ("claims", "CLAIMS"),
    Source: ("sources", "SOURCES"),
    Conflict: ("sources", "CONFLICTS"),
    PublishedSet: ("published", "PUBLISHED"),
}
"""Module and name of each table of a study, by the type of its rows."""

DTYPES = ("float32", "bfloat16", "float16")

LEAST_CONTEXT = 16
"""Tokens that have room for a sentence and what stands in front of it."""

INPUTS = {
    SAEKind.LLAMA_SCOPE: (SAEInput.STREAM, SAEInput.SCALED),
    SAEKind.SAE_LENS: (SAEInput.STREAM, SAEInput.LENGTH),
}
"""What SAEs of a kind can be asked to read; the others the stream as it is."""


def study_names() -> tuple[str, ...]:
    """Names of the studies that are there, sorted."""
    return tuple(sorted(path.parent.name for path in CLAIMS.glob("*/study.py")))


def load_study(name: str) -> Study:
    """The study of that name.

    Raises:
        UsageError: If there is none, it contradicts itself, or lacks its protocol.
    """
    if name not in study_names():
        raise choice_error("study", name, study_names(), "(a study is a folder of claims/ with a study.py)")
    if not NAMES.fullmatch(name):
        raise UsageError(f"claims/{name}/ is no name of a study: {_allowed_names()}; rename the folder")
    study = _attribute(name, "study", "STUDY")
    if not isinstance(study, Study):
        raise UsageError(
            f"claims/{name}/study.py must hold STUDY, a harness.words.study.Study; found {study!r}"
        )
    if study.name != name:
        raise UsageError(
            f"claims/{name}/study.py calls its study {study.name!r}; a study is called like its folder: correct the name, or "
            "rename the folder"
        )
    _refuse(f"claims/{name}/study.py", study_faults(study))
    load_protocol_of(name)
    return study


BESIDE = ("ablations", "ablated_languages")
"""Sizes of what stands beside the registered numbers and moves none of them: a run may ask for more."""


def load_profile(study: Study, name: str, sizes: Path | None = None) -> Profile:
    """One profile of a study, with the sources that the study needs of it, at its own sizes or at those of a file.

    Raises:
        UsageError: If the study has none of that name, it does not fit the study, or the file holds no sizes for it.
    """
    profiles = _profiles(study.name)
    if name not in profiles:
        raise choice_error("profile", name, tuple(profiles), f"(profiles of {study.name})")
    found = profiles[name]
    _refuse(f"profile {name} of claims/{study.name}/profiles.py", profile_faults(study, found))
    profile = replace(found, sources=needed_sources(study, found.sources))
    return profile if sizes is None else resized(study, profile, sizes)


def require_resizable(study: Study, profile: Profile) -> None:
    """Refuse to look for other sizes where none may be changed.

    Raises:
        UsageError: If so.
    """
    if not profile.sizes.resizable:
        raise UsageError(
            f"{study.name} has no sizes that a run may take less of, since a dictionary that is trained on less is another one; "
            f"'harness plan --study {study.name} --profile {profile.name}' says what it takes, and another profile in "
            f"claims/{study.name}/profiles.py can ask for less"
        )


def resized(study: Study, profile: Profile, path: Path) -> Profile:
    """A profile at the sizes of a file, as `harness plan --within` writes it.

    Raises:
        UsageError: If the file cannot be read, is of another profile, or holds anything but fewer of something.
    """
    require_resizable(study, profile)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        named, asked = (content["study"], content["profile"]), dict(content["sizes"])
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no {path}; write it with 'harness plan --within 2h --out {path}'"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} holds no sizes ({error!r}); write it with 'harness plan --within'"
        ) from error
    if named != (study.name, profile.name):
        raise UsageError(
            f"{path} holds sizes of {' '.join(map(str, named))}; this is {study.name} {profile.name}"
        )
    _refuse(str(path), chain(_resizing_faults(asked, profile.sizes), _ablation_faults(study, asked)))
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in asked.items()
    }
    smaller = replace(profile, sizes=replace(profile.sizes, **found), registered_sizes=profile.sizes)
    _refuse(str(path), profile_faults(study, smaller))
    return smaller


def _resizing_faults(asked: Mapping[str, object], most: Sizes) -> Iterator[str]:
    """What is no size, or more than is registered; more is an amendment of the lock."""
    for name, value in asked.items():
        if name in BESIDE:
            continue
        if name not in most.resizable:
            yield f"{name!r} is no size that a run may change; those are {', '.join((*most.resizable, *BESIDE))}"
            continue
        registered = getattr(most, name)
        if isinstance(registered, tuple):
            is_less = isinstance(value, list) and value == list(registered)[: len(value)]
            allowed = f"the first few of {list(registered)}"
        else:
            limit = registered or math.inf
            is_less = value == registered or (type(value) is int and 0 < value <= limit)
            allowed = f"a whole number from 1 to {registered or 'all, which is null'}"
        if not is_less:
            yield f"{name} is {value!r}; expected {allowed}: more than is registered is an amendment of the lock"
    if not asked.get("adapter_seeds", most.adapter_seeds):
        yield "adapter_seeds is empty; a run trains at least one adapter"


def _ablation_faults(study: Study, asked: Mapping[str, object]) -> Iterator[str]:
    """What no adapter can be trained otherwise in; whatever can be may be asked for, since it moves no registered number."""
    known = (study.ablations, tuple(language.code for language in study.tuned))
    for name, allowed in zip(BESIDE, known, strict=True):
        value = asked.get(name, [])
        if not isinstance(value, list) or any(each not in allowed or value.count(each) > 1 for each in value):
            yield f"{name} is {value!r}; expected some of {', '.join(allowed)}, each once"


def needed_sources(study: Study, sources: Sources) -> Sources:
    """Of a world that serves several studies, what one of them reads: its languages' translators, its benchmarks' data."""
    languages = {language.code for language in study.targets}
    folders = {benchmark.data_folder for benchmark in study.benchmarks}
    return replace(
        sources,
        translators={code: each for code, each in sources.translators.items() if code in languages},
        benchmarks={folder: each for folder, each in sources.benchmarks.items() if folder in folders},
    )


def load_profiles(study: Study) -> Mapping[str, Profile]:
    """Every profile of a study by name; none where it has no `profiles.py`.

    Raises:
        UsageError: If that file holds something else.
    """
    return _profiles(study.name) if _has(study.name, "profiles") else {}


def committed_pins(study: Study) -> tuple[Pin, ...]:
    """Pins of every committed folder that some profile of a study is fed from: its miniature worlds."""
    if study.name not in study_names():
        return ()
    pins = (pin for profile in _profiles(study.name).values() for pin in profile.sources.pins())
    return tuple(dict.fromkeys(pin for pin in pins if pin.home is Home.FOLDER))


def load_table(study: str, kind: type[Entry]) -> tuple[Entry, ...]:
    """One table of a study, by what its rows are, not yet checked; nothing where the study has no such module.

    Raises:
        UsageError: If the table cannot be read, or holds something else.
    """
    module, name = TABLES[kind]
    found = _attribute(study, module, name) if _has(study, module) else ()
    if not isinstance(found, tuple) or not all(isinstance(entry, kind) for entry in found):
        raise UsageError(
            f"claims/{study}/{module}.py must hold {name}, a tuple of {kind.__module__}.{kind.__name__}; "
            f"found {type(found).__name__}"
        )
    return found


def load_protocol_of(study: str) -> Protocol:
    """What a study fixes beside claims and specification.

    Raises:
        UsageError: If its `study.py` holds no protocol.
    """
    protocol = _attribute(study, "study", "PROTOCOL")
    if not isinstance(protocol, Protocol):
        raise UsageError(
            f"claims/{study}/study.py must hold PROTOCOL, a harness.words.judgement.Protocol; found {protocol!r}"
        )
    return protocol


def known_languages() -> Mapping[str, Any]:
    """What is known of every language that a study can be asked in, by code: `claims/languages.py` says what that is."""
    known: Mapping[str, Any] = importlib.import_module("claims.languages").KNOWN
    return known


def outcomes_path(study: str, file: str) -> Path:
    """Where a table of outcomes stands that a study's baseline names."""
    return CLAIMS / study / file


def lock_path(study: str) -> Path:
    """Where a study's pre-registration stands."""
    return CLAIMS / study / "lock.json"


def study_faults(study: Study) -> Iterator[str]:
    """What contradicts itself in a study, one sentence each."""
    codes = [language.code for language in study.languages]
    for what, names in (("language", codes), ("benchmark", [each.name for each in study.benchmarks])):
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"{what} {name!r} is listed {names.count(name)} times; each stands once"
            if not NAMES.fullmatch(name):
                yield f"{name!r} is no name of a {what}: {_allowed_names()}"
    yield from _axis_faults(study)
    if isinstance(study, EmergenceStudy):
        yield from _emergence_faults(study)
        return
    references = study.codes(Group.REFERENCE)
    if len(references) != 1:
        yield f"{len(references)} languages are the reference ({', '.join(references)}); exactly one must be"
    for code in (language.code for language in study.tuned if language.group is Group.REFERENCE):
        yield f"language {code!r} is the reference and tuned; adapters pull others towards it, so untick one"
    if study.shapes.weights is None:
        yield "shapes.weights is None; say the Weights that memory and time are counted from"
    yield from _layer_faults(study)


def _axis_faults(study: Study) -> Iterator[str]:
    """Axes whose levels do not fit the study, or that begin with another level than the primary specification's."""
    taken = study.primary.analysis_levels
    for axis in study.axes:
        first = axis.levels[0]
        if taken.get(axis.name, first.name) != first.name:
            yield (
                f"axis {axis.name} begins with {first.name}, but the primary specification takes {taken[axis.name]}; "
                "put that level first"
            )
        for level in axis.others:
            of_study = [path for path, _ in level.sets if path.startswith("study.")]
            try:
                is_primary = bool(of_study) and with_levels(study, "study", (level,)) == study
            except ValueError as error:
                yield f"level {level.name} of axis {axis.name} does not fit the study: {error}; leave the axis out, or mend the level"
                continue
            if is_primary:
                yield (
                    f"axis {axis.name} begins with {first.name}, but the primary specification takes {level.name} already; "
                    "put that level first"
                )


def _emergence_faults(study: EmergenceStudy) -> Iterator[str]:
    phases, sizes = [phase.name for phase in study.phases], [size.name for size in study.sizes]
    for what, names in (("phase", phases), ("size", sizes)):
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"{what} {name!r} is listed {names.count(name)} times; each stands once"
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                yield f"{name!r} is no name of a {what}: {_allowed_names()}, and dots"
    if len(study.languages) != 2:  # noqa: PLR2004
        yield f"{len(study.languages)} languages are listed; a study of emergence has two"
    if not phases or phases[-1] != FINAL:
        yield f"the last phase is {phases[-1] if phases else 'missing'!r}; it must be {FINAL!r}, the finished model"
    order = [phases.index(name) if name in phases else -1 for name in (study.early, study.mid, FINAL)]
    if order != sorted(set(order)) or order[0] < 0:
        yield f"early {study.early!r} and mid {study.mid!r} must be phases, in this order and before {FINAL!r}"
    if outside := [depth for depth in study.depths if not 0 <= depth <= 1]:
        yield f"depths {outside} do not exist; they are shares of the last layer's depth, 0 to 1"


def _checkpoint_faults(study: EmergenceStudy, profile: Profile) -> Iterator[str]:
    sources, sizes = profile.sources, profile.sizes
    if not isinstance(sources, EmergenceSources) or not isinstance(sizes, EmergenceSizes):
        yield "it has sources or sizes of another design; write them as EmergenceSources and EmergenceSizes"
        return
    known = {size.name: size for size in study.sizes}
    phases = [phase.name for phase in study.phases]
    places = [(cell.size, cell.phase) for cell in sources.cells]
    for cell in sources.cells:
        where = f"checkpoint {cell.name}"
        if cell.size not in known:
            yield f"{where} is of size {cell.size!r}; the study has {', '.join(known)}"
        if cell.phase not in phases:
            yield f"{where} is of phase {cell.phase!r}; the study has {', '.join(phases)}"
        if places.count((cell.size, cell.phase)) > 1:
            yield f"{where} is listed {places.count((cell.size, cell.phase))} times; each stands once"
    told = sources.demonstration
    if told and told.replayed:
        steps = {cell.step for cell in sources.cells if cell.name == told.replayed.cell}
        if not steps & {*told.steps.values()}:
            yield (
                f"sources.demonstration.replayed is of checkpoint {told.replayed.cell!r}; name one of sources.cells whose step is "
                f"demonstrated: {', '.join(map(str, told.steps.values()))}"
            )
    order = [(size, phase) for size in known for phase in phases]
    if not places or [place for place in order if place in places] != places:
        yield "sources.cells are none or out of order; list the smallest size first, and each by its phases"
    yield from _measuring_faults(study, sources, sizes)


def _measuring_faults(
    study: EmergenceStudy, sources: EmergenceSources, sizes: EmergenceSizes
) -> Iterator[str]:
    told, wanted = [text.language for text in sources.texts], [language.code for language in study.languages]
    if told != wanted:
        yield f"sources.texts are of {', '.join(told) or 'nothing'}; the study wants {', '.join(wanted)}, in this order"
    recipe = sizes.recipe or study.primary.recipe
    if not 1 <= recipe.k <= recipe.latents:
        yield f"the recipe has k {recipe.k}; allowed: 1 to {recipe.latents}, the latents of a dictionary"
    if not sizes.sae_seeds or len(set(sizes.seeds)) < len(sizes.seeds):
        yield f"sizes.sae_seeds and repeated_seeds are {sizes.seeds}; name one at least, and each once"
    for name in ("spliced_windows", "integration_windows", "check_windows", "batch_tokens", "threads"):
        if (found := getattr(sizes, name)) < 1:
            yield f"sizes.{name} is {found}; allowed: 1 or more"
    if sizes.dtype not in DTYPES:
        yield f"sizes.dtype is {sizes.dtype!r}; allowed: {', '.join(DTYPES)}"


def profile_faults(study: Study, profile: Profile) -> Iterator[str]:
    """What a profile lacks for a study, one sentence each."""
    yield from _level_faults(study, profile)
    if isinstance(study, EmergenceStudy):
        yield from _checkpoint_faults(study, profile)
        return
    sources, layers = profile.sources, study.shapes.layers
    yield from _size_faults(study, profile.sizes)
    for language in study.targets:
        if language.code not in sources.translators:
            yield f"no translator for language {language.code!r}; sources.translators has {_names(sources.translators)}"
    for benchmark in study.benchmarks:
        if benchmark.data_folder not in sources.benchmarks:
            yield f"no data for benchmark {benchmark.name!r}; sources.benchmarks has {_names(sources.benchmarks)}"
    for name, found in (
        ("dictionary_files", len(sources.dictionary_files)),
        ("phrase_source_ids", len(sources.phrase_source_ids)),
    ):
        if found != len(layers):
            which = "" if study.shapes.dictionary_layers is None else " with a dictionary"
            yield f"sources.{name} has {found} entries; the study has {len(layers)} layers{which}, so it needs {len(layers)}"
    model: Pin = sources.model
    if not isinstance(model, ModelPin):
        yield "sources.model is a plain Pin; write it as a ModelPin, whose facts say how the model is read"
    yield from _form_faults(study, sources.dictionary_form)
    if sources.harvest is not None:
        yield from _harvest_faults(sources.harvest)
    yield from _belonging_faults(study, sources)


def _level_faults(study: Study, profile: Profile) -> Iterator[str]:
    """Levels that a profile sets otherwise, and the study does not have."""
    known = dict.fromkeys(f"{axis.name}={level.name}" for axis in study.axes for level in axis.others)
    for name, _ in profile.levels:
        if name not in known:
            yield f"levels has {name!r}, which the study does not have; its levels are {_names(known)}"


def _form_faults(study: Study, form: SAEForm) -> Iterator[str]:
    """A form that no suite has: its activations could not be told, or would be in a unit that nothing gives."""
    where, latents = "sources.dictionary_form", study.shapes.d_sae
    if form.k is None and form.kind is SAEKind.QWEN_SCOPE:
        yield f"{where} has no k; SAEs of {form.kind.value} are TopK: say how many latents fire at a token"
    if form.k is not None and form.kind not in {SAEKind.QWEN_SCOPE, SAEKind.SAE_LENS}:
        yield f"{where} has k {form.k}, but SAEs of {form.kind.value} have thresholds; leave it out"
    if form.k is not None and not 1 <= form.k <= latents:
        yield f"{where} has k {form.k}; allowed: 1 to {latents}, the latents of the study's SAEs"
    allowed = INPUTS.get(form.kind, (SAEInput.STREAM,))
    if form.reads not in allowed:
        yield (
            f"{where} reads {form.reads.value!r}, which SAEs of {form.kind.value} do not say how to; allowed: "
            f"{', '.join(each.value for each in allowed)}"
        )


def _harvest_faults(harvest: Harvest) -> Iterator[str]:
    if not harvest.files:
        yield "sources.harvest.files is empty; name one file of the corpus at least"
    for name, smallest in (("contexts", 1), ("context_tokens", LEAST_CONTEXT), ("rows_per_latent", 1)):
        if (found := getattr(harvest, name)) < smallest:
            yield f"sources.harvest.{name} is {found}; allowed: {smallest} or more"


def _size_faults(study: Study, sizes: Sizes) -> Iterator[str]:
    """Sizes with which a stage would fail hours later, or measure nothing."""
    least = {
        "panel_latents": 1, "latents_per_layer": 1, "similarity_texts": 0, "dictionary_texts": 1, "parallel_texts": 0,
        "max_alignment_steps": 1, "alignment_batch": 1, "items_per_cell": 1, "max_shots": 0, "batch_tokens": 1, "threads": 1,
    }  # fmt: skip
    for name, smallest in least.items():
        found = getattr(sizes, name)
        if found is not None and found < smallest:
            yield f"sizes.{name} is {found}; allowed: {smallest} or more"
    if sizes.panel_latents > sizes.latents_per_layer:
        yield (
            f"sizes.panel_latents is {sizes.panel_latents}, and sizes.latents_per_layer {sizes.latents_per_layer}; the panel is "
            "drawn from the latents of a layer, so it cannot be larger"
        )
    if sizes.latents_per_layer > study.shapes.d_sae:
        yield (
            f"sizes.latents_per_layer is {sizes.latents_per_layer}; the dictionaries of the study have {study.shapes.d_sae} latents"
        )
    if not 0 < sizes.held_out_fraction < 1:
        yield f"sizes.held_out_fraction is {sizes.held_out_fraction}; allowed: above 0 and below 1"
    if study.tuned and not sizes.adapter_seeds:
        yield f"sizes.adapter_seeds is empty, and {_names({each.code: each for each in study.tuned})} are tuned; name one seed at least"
    for name in ("adapter_seeds", "control_seeds"):
        seeds = getattr(sizes, name)
        if len(set(seeds)) < len(seeds):
            yield f"sizes.{name} is {seeds}; each seed stands once"
    if sizes.dtype not in DTYPES:
        yield f"sizes.dtype is {sizes.dtype!r}; allowed: {', '.join(DTYPES)}"


def _belonging_faults(study: Study, sources: Sources) -> Iterator[str]:
    """What is named for another language, data set or layer than it is taken for; a run would read it without a word."""
    for code, translator in sources.translators.items():
        yield from _translator_faults(code, translator)
    for folder, pin in sources.benchmarks.items():
        # A made thing's address is its recipe, which names nothing.
        if pin.home is not Home.MADE and _last(pin.address, "/") != folder:
            yield f"sources.benchmarks[{folder!r}] is {pin.address}, another data set by its name; take the one called {folder}"
    for name, files in (
        ("dictionary_files", sources.dictionary_files),
        ("phrase_source_ids", sources.phrase_source_ids),
    ):
        is_before = sources.dictionary_form.is_before and name == "dictionary_files"
        yield from _order_faults(name, files, study.shapes.layers, is_before=is_before)
    if sources.parallel is not None:
        yield from _parallel_faults(study, sources.parallel)
    for model in sources.published_models:
        if model.language not in (codes := [language.code for language in study.targets]):
            yield f"published model {model.name!r} is for language {model.language!r}; the study's are {', '.join(codes)}"


def _translator_faults(code: str, translator: Translator) -> Iterator[str]:
    is_named_so, address = _last(translator.pin.address, "-_/") == code, translator.pin.address
    if not is_named_so and not translator.named_otherwise:
        yield (
            f"the translator of language {code!r} is {address}, which does not end with that code; take the one that does, or "
            "say in named_otherwise why this one is right"
        )
    if is_named_so and translator.named_otherwise:
        yield f"the translator of language {code!r} is {address}, which ends with that code; leave out named_otherwise"


def _order_faults(
    name: str, entries: tuple[str, ...], layers: tuple[int, ...], *, is_before: bool
) -> Iterator[str]:
    """Entries that do not name their layer; what names it is the number that follows the layers in most of them."""
    if len(entries) != len(layers):
        return
    numbers = [[int(number) for number in re.findall(r"[0-9]+", entry)] for entry in entries]
    columns = range(min(map(len, numbers), default=0))
    # The stream before a layer is the one after the layer below it.
    named = [
        layer + (is_before or "resid_pre" in entry) for layer, entry in zip(layers, entries, strict=True)
    ]
    stray = [
        [place for place, row in enumerate(numbers) if row[column] != named[place]] for column in columns
    ]
    for place in min(stray, key=len, default=range(len(entries))):
        yield (
            f"sources.{name}[{place}] is {entries[place]!r}, which does not name layer {layers[place]}; list layer {layers[0]} "
            "first, each once"
        )


def _parallel_faults(study: Study, parallel: Parallel) -> Iterator[str]:
    codes: dict[str, list[str]] = {}
    for language in study.languages:
        if language.code not in parallel.configs:
            yield f"no parallel text for language {language.code!r}; sources.parallel has {_names(parallel.configs)}"
        else:
            codes.setdefault(parallel.configs[language.code], []).append(language.code)
    for config, sharing in codes.items():
        if len(sharing) > 1:
            yield f"the parallel text {config!r} stands for {' and '.join(map(repr, sharing))}; each language has its own"


def _last(address: str, marks: str) -> str:
    """What an address ends with, behind the last of some marks."""
    return re.split(f"[{re.escape(marks)}]", address.rstrip("/"))[-1]


def _layer_faults(study: Study) -> Iterator[str]:
    shapes, last = study.shapes, study.shapes.num_layers - 1
    primary = study.specification
    some = shapes.dictionary_layers
    if some is not None and (list(some) != sorted(set(some)) or not some or some[0] < 0 or some[-1] > last):
        yield f"shapes.dictionary_layers is {some}; name layers of 0 to {last}, ascending, each once"
        return
    if some == tuple(range(shapes.num_layers)):
        yield "shapes.dictionary_layers names every layer; leave it out"
    if not primary.alignment.layers:
        yield "no alignment layer; name at least one"
    if outside := [layer for layer in primary.alignment.layers if not 0 <= layer <= last]:
        yield f"alignment layers {outside} do not exist; layers are 0 to {last}"
    if not 0 <= primary.gain_layer <= last:
        yield f"gain layer {primary.gain_layer} does not exist; layers are 0 to {last}"
    elif primary.gain_layer not in shapes.layers:
        yield f"gain layer {primary.gain_layer} has no dictionary; those that have one are {shapes.layers_say}"
    for name in (PRIMARY, *study.ablations) if some else ():
        if not shapes.read_among(study.alignment(name).layers):
            yield f"no alignment layer of {name} has a dictionary; those that have one are {shapes.layers_say}"


def _profiles(study: str) -> Mapping[str, Profile]:
    if not _has(study, "profiles"):
        raise UsageError(
            f"claims/{study}/ has no profiles.py, so nothing says where its inputs come from; add one"
        )
    profiles = _attribute(study, "profiles", "PROFILES")
    if not isinstance(profiles, Mapping) or not all(isinstance(each, Profile) for each in profiles.values()):
        raise UsageError(
            f"claims/{study}/profiles.py must hold PROFILES, a mapping of names to harness.words.study.Profile"
        )
    for name, profile in profiles.items():
        if profile.name != name or not NAMES.fullmatch(name):
            raise UsageError(
                f"claims/{study}/profiles.py lists a profile as {name!r} that calls itself {profile.name!r}; both must be the same "
                f"name: {_allowed_names()}"
            )
    return profiles


def _has(study: str, module: str) -> bool:
    """Whether a study has a module of that name; one that stands in no folder has none."""
    # It may have been written since another one was looked for.
    importlib.invalidate_caches()
    try:
        return importlib.util.find_spec(f"claims.{study}.{module}") is not None
    except ModuleNotFoundError:
        return False
    except Exception as error:
        raise _unreadable(f"claims/{study}/__init__.py", error) from error


def _attribute(study: str, module: str, name: str) -> object:
    """What a module of a study calls so, or None; a module that cannot even be read is malformed, not a crash."""
    if not _has(study, module):
        return None
    try:
        return getattr(importlib.import_module(f"claims.{study}.{module}"), name, None)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        raise _unreadable(f"claims/{study}/{module}.py", error) from error


def _unreadable(asked: str, error: BaseException) -> UsageError:
    """What is wrong with a module of a study, and the line of whichever of its modules it is on."""
    told = str(error)
    places = [(each.filename, each.lineno) for each in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
        told = error.msg
    below = [(Path(file), line) for file, line in places if Path(file).is_relative_to(CLAIMS)]
    where = ", ".join(f"{file.relative_to(CLAIMS.parent)} line {line}" for file, line in below[-1:])
    return UsageError(
        f"{asked} cannot be read: {type(error).__name__}: {told}{f'; see {where}' if where else ''}"
    )


def _allowed_names() -> str:
    return "allowed are letters of ASCII, digits, dashes and underscores, with a letter or a digit first"


def _names(known: Mapping[str, object]) -> str:
    return ", ".join(known) or "none"


def _refuse(where: str, faults: Iterator[str]) -> None:
    if found := list(faults):
        raise UsageError(f"{where} cannot be used:\n  " + "\n  ".join(found))
