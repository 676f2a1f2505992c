"""Studies and profiles: found by name, and what contradicts itself in them is said before a run."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import claims as claims_package
from harness.sources import studies
from harness.sources.studies import load_profile, load_study, profile_faults, study_faults, study_names
from harness.words.errors import UsageError
from harness.words.judgement import Protocol
from harness.words.specification import Axis, AxisKind, Level, Openness
from harness.words.study import (
    Benchmark,
    Group,
    Harvest,
    Language,
    PublishedModel,
    SAEForm,
    SAEInput,
    SAEKind,
)
from tests.small_plan import small_profile, small_study

BENCHMARK = Benchmark(
    name="arc",
    template="arc.yaml",
    data_folder="m_arc",
    evaluated_split="test",
    metric="acc_norm",
    shots=0,
    chance=0.25,
)


def language(code: str, group: Group = Group.LOW, *, tuned: bool = False) -> Language:
    return Language(code=code, name=code, group=group, script="LATIN", tuned=tuned)


def test_a_sound_study_has_no_fault(tmp_path: Path) -> None:
    assert list(study_faults(small_study())) == []
    assert list(profile_faults(small_study(), small_profile(tmp_path))) == []


EN = language("en", Group.REFERENCE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param(
            {"languages": (EN, language("hi"), language("hi"))}, "'hi' is listed 2 times", id="twice"
        ),
        pytest.param({"languages": (language("hi"),)}, "0 languages are the reference", id="no reference"),
        pytest.param(
            {"languages": (EN, language("fr", Group.REFERENCE))},
            "2 languages are the reference",
            id="two references",
        ),
        pytest.param(
            {"languages": (language("en", Group.REFERENCE, tuned=True),)},
            "'en' is the reference and tuned",
            id="the reference is tuned",
        ),
    ],
)
def test_a_fault_of_the_languages_is_said(changes: dict[str, object], says: str) -> None:
    assert any(says in fault for fault in study_faults(small_study(**changes)))


@pytest.mark.parametrize(
    ("layers", "gain_layer", "says"),
    [
        pytest.param((0, 2), 1, "alignment layers [2] do not exist; layers are 0 to 1", id="above the last"),
        pytest.param((-1,), 1, "alignment layers [-1] do not exist", id="counted from the end"),
        pytest.param((), 1, "no alignment layer", id="none"),
        pytest.param((0,), 2, "gain layer 2 does not exist; layers are 0 to 1", id="gain layer"),
    ],
)
def test_a_fault_of_the_layers_is_said(layers: tuple[int, ...], gain_layer: int, says: str) -> None:
    primary = small_study().primary
    primary = replace(primary, alignment=replace(primary.alignment, layers=layers), gain_layer=gain_layer)
    assert any(says in fault for fault in study_faults(small_study(primary=primary)))


@pytest.mark.parametrize(
    ("read", "says"),
    [
        pytest.param((), "shapes.dictionary_layers is (); name layers of 0 to 1", id="none"),
        pytest.param((1, 0), "shapes.dictionary_layers is (1, 0); name layers of 0 to 1, ascending", id="out of order"),
        pytest.param((1, 1), "shapes.dictionary_layers is (1, 1)", id="twice"),
        pytest.param((1, 2), "shapes.dictionary_layers is (1, 2)", id="beyond the last"),
        pytest.param((-1, 1), "shapes.dictionary_layers is (-1, 1)", id="counted from the end"),
        pytest.param((0, 1), "shapes.dictionary_layers names every layer; leave it out", id="all"),
        pytest.param((0,), "gain layer 1 has no dictionary; those that have one are 0", id="gains read where none is"),
        pytest.param((1,), "no alignment layer of primary has a dictionary; those that have one are 1", id="nothing to align"),
    ],
)  # fmt: skip
def test_a_fault_of_the_layers_that_have_a_dictionary_is_said(read: tuple[int, ...], says: str) -> None:
    primary = small_study().primary
    primary = replace(primary, alignment=replace(primary.alignment, layers=(0,)), gain_layer=1)
    shapes = replace(small_study().shapes, dictionary_layers=read)
    assert any(says in fault for fault in study_faults(small_study(primary=primary, shapes=shapes)))


@pytest.mark.parametrize(
    ("files", "faults"),
    [
        pytest.param(("m_layer_8/w.st", "m_layer_16/w.st", "m_layer_24/w.st"), [], id="named for the layers above"),
        pytest.param(("m_layer_7/w.st", "m_layer_15/w.st", "m_layer_23/w.st"), [7, 15, 23], id="off by one"),
        pytest.param(("m_layer_16/w.st", "m_layer_8/w.st", "m_layer_24/w.st"), [7, 15], id="out of order"),
    ],
)  # fmt: skip
def test_files_name_the_layer_that_they_read_before(files: tuple[str, ...], faults: list[int]) -> None:
    study = load_study("mistral_7b")
    profile = load_profile(study, "paper")
    sources = replace(profile.sources, dictionary_files=files)
    said = list(profile_faults(study, replace(profile, sources=sources)))
    assert [int(fault.partition("does not name layer ")[2].split(";")[0]) for fault in said] == faults


def test_as_many_files_as_layers_have_a_dictionary() -> None:
    study = load_study("mistral_7b")
    profile = load_profile(study, "paper")
    sources = replace(profile.sources, dictionary_files=profile.sources.dictionary_files[:2])
    assert list(profile_faults(study, replace(profile, sources=sources))) == [
        "sources.dictionary_files has 2 entries; the study has 3 layers with a dictionary, so it needs 3"
    ]


def axis(name: str, *levels: Level) -> Axis:
    return Axis(
        name=name,
        says=name,
        levels=levels,
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="estimates",
    )


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        pytest.param(
            (axis("gain-layer", Level(name="20", says="20"), Level(name="1", says="1")),),
            "axis gain-layer begins with 20, but the primary specification takes 1; put that level first",
            id="another layer than the one that speaks for gains",
        ),
        pytest.param(
            (
                axis(
                    "beams",
                    Level(name="4", says="4"),
                    Level(name="1", says="1", sets=(("study.primary.num_beams", 1),)),
                ),
            ),
            "axis beams begins with 4, but the primary specification takes 1 already; put that level first",
            id="a level that changes nothing",
        ),
        pytest.param(
            (
                axis(
                    "shots",
                    Level(name="few", says="few"),
                    Level(name="none", says="none", sets=(("study.benchmarks.shots", (0,) * 7),)),
                ),
            ),
            "level none of axis shots does not fit the study: 7 values of shots are given for 0; leave the axis out, or mend the level",
            id="a level of other benchmarks",
        ),
    ],
)
def test_an_axis_that_does_not_fit_its_study_is_said(axes: tuple[Axis, ...], says: str) -> None:
    """Everything that differs from the primary specification would be named after another one, or cannot be had."""
    assert list(study_faults(small_study(axes=axes))) == [says]


def test_every_study_names_its_specifications_after_its_own_primary_one() -> None:
    for name in study_names():
        assert list(study_faults(load_study(name))) == []


def test_faults_of_a_profile_are_said_all_at_once(tmp_path: Path) -> None:
    profile = small_profile(tmp_path)
    lacking = {code: pin for code, pin in profile.sources.translators.items() if code != "ml"}
    sources = replace(
        profile.sources, translators=lacking, dictionary_files=("0",), model=profile.sources.dictionaries
    )
    faults = list(profile_faults(small_study(benchmarks=(BENCHMARK,)), replace(profile, sources=sources)))
    assert faults == [
        "no translator for language 'ml'; sources.translators has hi, mr",
        "no data for benchmark 'arc'; sources.benchmarks has none",
        "sources.dictionary_files has 1 entries; the study has 2 layers, so it needs 2",
        "sources.model is a plain Pin; write it as a ModelPin, whose facts say how the model is read",
    ]


def swapped(entries: tuple[str, ...], one: int, other: int) -> tuple[str, ...]:
    """The entries with two of them in each other's place."""
    found = list(entries)
    found[one], found[other] = found[other], found[one]
    return tuple(found)


def no_translator(code: str, address: str) -> str:
    return (
        f"the translator of language {code!r} is {address}, which does not end with that code; take the one that does, or say in "
        "named_otherwise why this one is right"
    )


def no_layer(field: str, layer: int, entry: str) -> str:
    return f"sources.{field}[{layer}] is {entry!r}, which does not name layer {layer}; list layer 0 first, each once"


PAPER = load_profile(load_study("sin2025"), "paper").sources
FLORES = PAPER.parallel
assert FLORES is not None
HINDI, MARATHI = (PAPER.translators[code] for code in ("hi", "mr"))
GROUP = replace(HINDI, pin=replace(HINDI.pin, address="Helsinki-NLP/opus-mt-en-inc"))
ARC, MMLU = (PAPER.benchmarks[folder] for folder in ("m_arc", "m_mmlu"))
STRANGER = PublishedModel(name="4k-0", language="ta", pin=HINDI.pin)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        pytest.param({"translators": {**PAPER.translators, "hi": MARATHI, "mr": HINDI}}, [
            no_translator("mr", "Helsinki-NLP/opus-mt-en-hi"), no_translator("hi", "Helsinki-NLP/opus-mt-en-mr"),
        ], id="two translators in each other's place"),
        pytest.param({"translators": {**PAPER.translators, "hi": replace(GROUP, named_otherwise="Indic, all in one")}}, [],
                     id="a translator of several languages, and why"),
        pytest.param({"translators": {**PAPER.translators, "hi": replace(HINDI, named_otherwise="it is better")}}, [
            "the translator of language 'hi' is Helsinki-NLP/opus-mt-en-hi, which ends with that code; leave out named_otherwise",
        ], id="a reason for nothing"),
        pytest.param({"benchmarks": {**PAPER.benchmarks, "m_arc": MMLU, "m_mmlu": ARC}}, [
            "sources.benchmarks['m_arc'] is richmondsin/m_mmlu, another data set by its name; take the one called m_arc",
            "sources.benchmarks['m_mmlu'] is richmondsin/m_arc, another data set by its name; take the one called m_mmlu",
        ], id="two data sets in each other's place"),
        pytest.param({"dictionary_files": swapped(PAPER.dictionary_files, 3, 16)}, [
            no_layer("dictionary_files", 3, "layer_16/width_16k/average_l0_78/params.npz"),
            no_layer("dictionary_files", 16, "layer_3/width_16k/average_l0_59/params.npz"),
        ], id="SAEs of two layers in each other's place"),
        pytest.param({"phrase_source_ids": (*PAPER.phrase_source_ids[:25], PAPER.phrase_source_ids[24])}, [
            no_layer("phrase_source_ids", 25, "24-gemmascope-res-16k"),
        ], id="a layer's export twice"),
        pytest.param({"dictionary_files": tuple(f"Llama3_1-8B-Base-L{layer}R-8x/final.npz" for layer in range(26))}, [],
                     id="a layer's number behind others"),
        pytest.param({"dictionary_files": (*(f"blocks.{n}.hook_resid_pre/w.st" for n in range(1, 26)), "blocks.25.hook_resid_post/w.st")}, [],
                     id="the stream before the next layer"),
        pytest.param({"dictionary_files": ("params.npz",) * 2 + PAPER.dictionary_files[2:]}, [
            no_layer("dictionary_files", layer, file) for layer, file in enumerate(("params.npz",) * 2 + PAPER.dictionary_files[2:])
        ], id="files without a number"),
        pytest.param({"harvest": Harvest(files=(), contexts=0, context_tokens=15, rows_per_latent=0)}, [
            "sources.harvest.files is empty; name one file of the corpus at least",
            "sources.harvest.contexts is 0; allowed: 1 or more",
            "sources.harvest.context_tokens is 15; allowed: 16 or more",
            "sources.harvest.rows_per_latent is 0; allowed: 1 or more",
        ], id="nothing to harvest"),
        pytest.param({"parallel": replace(FLORES, configs={**FLORES.configs, "hi": "mar_Deva"})}, [
            "the parallel text 'mar_Deva' stands for 'mr' and 'hi'; each language has its own",
        ], id="one parallel text for two languages"),
        pytest.param({"parallel": replace(FLORES, configs={"en": "eng_Latn"} | dict(list(FLORES.configs.items())[2:]))}, [
            "no parallel text for language 'zh'; sources.parallel has en, ru, es, it, id, ca, mr, ml, hi",
        ], id="no parallel text"),
        pytest.param({"published_models": (STRANGER,)}, [
            "published model '4k-0' is for language 'ta'; the study's are zh, ru, es, it, id, ca, mr, ml, hi",
        ], id="a tuned model for another language"),
    ],
)  # fmt: skip
def test_what_is_named_for_something_else_is_refused(changes: dict[str, Any], faults: list[str]) -> None:
    study = load_study("sin2025")
    profile = load_profile(study, "paper")
    assert list(profile_faults(study, replace(profile, sources=replace(PAPER, **changes)))) == faults


def test_a_run_with_two_translators_in_each_others_place_never_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = replace(PAPER, translators={**PAPER.translators, "hi": MARATHI, "mr": HINDI})
    study = load_study("sin2025")
    profile = replace(load_profile(study, "paper"), sources=sources)
    monkeypatch.setattr("claims.sin2025.profiles.PROFILES", {"paper": profile})
    with pytest.raises(
        UsageError,
        match=r"profile paper of claims/sin2025/profiles.py cannot be used:\n  the translator of language 'mr'",
    ):
        load_profile(study, "paper")


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    """A folder of claims with one study, importable as `claims.small`."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "study.py").touch()
    monkeypatch.setattr(studies, "CLAIMS", tmp_path)
    package, study, profiles = (ModuleType(f"claims.small{end}") for end in ("", ".study", ".profiles"))
    package.__path__ = [str(tmp_path / "small")]
    study.STUDY = small_study()
    study.PROTOCOL = Protocol(choices=(), adapter_seeds=(0,), exclusions=())
    profiles.PROFILES = {"fixture": small_profile(tmp_path)}
    for module in (study, profiles):
        module.__spec__ = object()
    for module in (package, study, profiles):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return study, profiles


def test_a_study_and_its_profile_are_found_by_name(claims: tuple[ModuleType, ModuleType]) -> None:
    study = load_study("small")
    assert load_profile(study, "fixture").name == "fixture"


def test_an_unknown_study_is_told_with_those_that_are_there(claims: tuple[ModuleType, ModuleType]) -> None:
    with pytest.raises(UsageError, match="unknown study 'smal'; allowed: small; did you mean 'small'"):
        load_study("smal")


def test_an_unknown_profile_is_told_with_those_that_are_there(claims: tuple[ModuleType, ModuleType]) -> None:
    with pytest.raises(
        UsageError, match="unknown profile 'fixtures'; allowed: fixture; did you mean 'fixture'"
    ):
        load_profile(load_study("small"), "fixtures")


def test_a_study_that_contradicts_itself_is_refused(claims: tuple[ModuleType, ModuleType]) -> None:
    claims[0].STUDY = small_study(languages=(language("hi"),))
    with pytest.raises(UsageError, match=r"claims/small/study\.py cannot be used:\n  0 languages"):
        load_study("small")


def test_a_module_without_a_study_is_refused(claims: tuple[ModuleType, ModuleType]) -> None:
    claims[0].STUDY = None
    with pytest.raises(UsageError, match=r"must hold STUDY"):
        load_study("small")


def test_a_study_without_a_protocol_is_refused_when_it_is_read(claims: tuple[ModuleType, ModuleType]) -> None:
    del claims[0].PROTOCOL
    with pytest.raises(UsageError, match=r"claims/small/study\.py must hold PROTOCOL"):
        load_study("small")


def test_a_study_is_called_like_its_folder(claims: tuple[ModuleType, ModuleType]) -> None:
    claims[0].STUDY = small_study(name="large")
    with pytest.raises(UsageError, match=r"calls its study 'large'; a study is called like its folder"):
        load_study("small")


def test_a_profile_is_called_as_it_is_listed(claims: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    claims[1].PROFILES = {"paper": small_profile(tmp_path)}
    with pytest.raises(UsageError, match="lists a profile as 'paper' that calls itself 'fixture'"):
        load_profile(load_study("small"), "paper")


def test_of_a_world_for_several_studies_one_takes_what_it_reads(
    claims: tuple[ModuleType, ModuleType], tmp_path: Path
) -> None:
    """Nobody fetches nine translators for a study of two languages, nor is asked for them."""
    profile = small_profile(tmp_path)
    (pin, *_) = profile.sources.pins()
    wide = replace(profile.sources, benchmarks={"m_arc": replace(pin, address="m_arc")})
    claims[0].STUDY = small_study(languages=(EN, language("mr", tuned=True)))
    claims[1].PROFILES = {"fixture": replace(profile, sources=wide)}
    found = load_profile(load_study("small"), "fixture").sources
    assert (list(found.translators), dict(found.benchmarks)) == (["mr"], {})


@pytest.mark.parametrize(
    ("form", "says"),
    [
        pytest.param(SAEForm(kind=SAEKind.QWEN_SCOPE), "has no k; SAEs of qwen-scope are TopK", id="a TopK without k"),
        pytest.param(SAEForm(kind=SAEKind.GEMMA_SCOPE, k=3), "has k 3, but SAEs of gemma-scope have thresholds", id="thresholds and k"),
        pytest.param(SAEForm(kind=SAEKind.QWEN_SCOPE, k=9), "has k 9; allowed: 1 to 8", id="more than there are"),
        pytest.param(SAEForm(kind=SAEKind.SAE_LENS, k=0), "has k 0; allowed: 1 to 8", id="none that fires"),
        pytest.param(SAEForm(kind=SAEKind.GEMMA_SCOPE_2, reads=SAEInput.SCALED), "reads 'scaled', which .* allowed: stream", id="a scale that no file says"),
        pytest.param(SAEForm(kind=SAEKind.LLAMA_SCOPE, reads=SAEInput.LENGTH), "reads 'length', which .* allowed: stream, scaled", id="another input than the suite's"),
    ],
)  # fmt: skip
def test_a_form_that_no_suite_has_is_refused(
    claims: tuple[ModuleType, ModuleType], tmp_path: Path, form: SAEForm, says: str
) -> None:
    profile = small_profile(tmp_path)
    claims[1].PROFILES = {"fixture": replace(profile, sources=replace(profile.sources, dictionary_form=form))}
    with pytest.raises(UsageError, match=rf"sources\.dictionary_form {says}"):
        load_profile(load_study("small"), "fixture")


@pytest.mark.parametrize(
    "form", [SAEForm(kind=SAEKind.QWEN_SCOPE, k=8), SAEForm(kind=SAEKind.LLAMA_SCOPE, reads=SAEInput.SCALED)]
)
def test_a_form_that_a_suite_has_is_taken(
    claims: tuple[ModuleType, ModuleType], tmp_path: Path, form: SAEForm
) -> None:
    profile = small_profile(tmp_path)
    claims[1].PROFILES = {"fixture": replace(profile, sources=replace(profile.sources, dictionary_form=form))}
    assert load_profile(load_study("small"), "fixture").sources.dictionary_form == form


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"panel_latents": 7, "latents_per_layer": 5},
                     "sizes.panel_latents is 7, and sizes.latents_per_layer 5; the panel", id="a panel that is too large"),
        pytest.param({"latents_per_layer": 9},
                     "sizes.latents_per_layer is 9; the dictionaries of the study have 8 latents", id="more latents than there are"),
        pytest.param({"panel_latents": 0}, "sizes.panel_latents is 0; allowed: 1 or more", id="no panel"),
        pytest.param({"held_out_fraction": 1.0}, "sizes.held_out_fraction is 1.0; allowed", id="nothing to train on"),
        pytest.param({"adapter_seeds": ()}, "sizes.adapter_seeds is empty, and hi, ml, mr are tuned", id="no seed"),
        pytest.param({"control_seeds": (1, 1)}, "sizes.control_seeds is (1, 1); each seed stands once", id="a seed twice"),
        pytest.param({"dtype": "float23"}, "sizes.dtype is 'float23'; allowed: float32, bfloat16, float16", id="no such type"),
        pytest.param({"max_shots": -1}, "sizes.max_shots is -1; allowed: 0 or more", id="fewer than no examples"),
        pytest.param({"threads": 0}, "sizes.threads is 0; allowed: 1 or more", id="no thread"),
    ],
)  # fmt: skip
def test_a_size_that_would_fail_a_stage_is_named(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    profile = small_profile(tmp_path)
    changed = replace(profile, sizes=replace(profile.sizes, **changes))
    (fault,) = profile_faults(small_study(), changed)
    assert fault.startswith(says)


STUDY_FILE = """from dataclasses import replace
from claims.sin2025 import study as paper
STUDY = replace(paper.STUDY, name="broken")
PROTOCOL = paper.PROTOCOL
"""


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({"study": "STUDY = (\n"}, "study.py cannot be read: SyntaxError: '(' was never closed; see {} line 1",
                     id="no Python"),
        pytest.param({"study": "\nSTUDY = 1 / 0\n"}, "study.py cannot be read: ZeroDivisionError: division by zero; see {} line 2",
                     id="a crash"),
        pytest.param({"study": "from claims.broken import languages\n", "languages": "\n\nX = {}['en']\n"},
                     "study.py cannot be read: KeyError: 'en'; see claims/broken/languages.py line 3", id="a module of its own"),
        pytest.param({"study": "import no_such_library\n"},
                     "study.py cannot be read: ModuleNotFoundError: No module named 'no_such_library'; see {} line 1",
                     id="a library that is not there"),
        pytest.param({"study": "STUDY = '\0'"}, "study.py cannot be read: SyntaxError: source code string cannot contain null bytes",
                     id="a null byte"),
        pytest.param({"study": "STUDY = 'é'".encode("latin-1")}, "study.py cannot be read: SyntaxError: (unicode error)",
                     id="no UTF-8"),
        pytest.param({"study": "", "__init__": "raise OSError('no')\n"},
                     "__init__.py cannot be read: OSError: no; see claims/broken/__init__.py line 1", id="the folder's own"),
        pytest.param({"study": STUDY_FILE, "profiles": "PROFILES = {'fixture': PROFILE}\n"},
                     "profiles.py cannot be read: NameError: name 'PROFILE' is not defined", id="profiles"),
        pytest.param({"study": STUDY_FILE, "profiles": "PROFILES = {'fixture': None}\n"},
                     "profiles.py must hold PROFILES, a mapping of names to harness.words.study.Profile", id="no profile"),
        pytest.param({"study": STUDY_FILE}, "has no profiles.py", id="no profiles"),
        pytest.param({"study": "exit(3)\n"}, "study.py cannot be read: SystemExit: 3; see {} line 1", id="one that ends Python"),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_read_is_one_error_with_its_line(
    files: dict[str, str | bytes], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "claims" / "broken"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setattr(studies, "CLAIMS", folder.parent)
    monkeypatch.setattr(claims_package, "__path__", [str(folder.parent), *claims_package.__path__])
    for module in [name for name in sys.modules if name.startswith("claims.broken")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(UsageError) as error:
        load_profile(load_study("broken"), "fixture")
    assert says.format("claims/broken/study.py") in str(error.value)
    for module in [name for name in sys.modules if name.startswith("claims.broken")]:
        del sys.modules[module]


def test_a_folder_that_is_no_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v1.0").mkdir()
    (tmp_path / "v1.0" / "study.py").touch()
    monkeypatch.setattr(studies, "CLAIMS", tmp_path)
    with pytest.raises(UsageError, match=r"claims/v1\.0/ is no name of a study: allowed are letters"):
        load_study("v1.0")


def test_every_study_of_this_checkout_is_sound() -> None:
    for name in studies.study_names():
        assert load_study(name).name == name
