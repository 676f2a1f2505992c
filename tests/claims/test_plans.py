"""Every item of every study and profile by pencil: what it reads, in which language, under which seed, from where."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from harness.designs.design import plan
from harness.sources.studies import load_profile, load_profiles, load_study, study_names
from harness.words.plan import Item, Plan

TARGETS = ("zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi")
"""Every language but English, which phrases are taken from and which every adapter is read in besides its own."""

TUNED = defaultdict(lambda: ("mr", "ml", "hi"), miniature=("id", "mr", "ml", "hi"))
"""Languages with adapters; the miniature world has one more than the paper."""

BENCHMARKS = ("m_arc", "m_hellaswag", "m_mmlu")


@dataclass(frozen=True, kw_only=True)
class Pencil:
    """What a profile sets, in the fewest words."""

    seeds: tuple[int, ...]
    controls: tuple[int, ...] = ()
    ablations: tuple[str, ...] = ()
    ablated: tuple[str, ...] = ("mr", "ml", "hi")
    """Languages with controls and ablations."""
    published: tuple[str, ...] = ()
    """The authors' own models, all of them Malayalam."""
    steps: int | None
    batch: int
    translator: str
    """Address, the language's code in its place."""
    questions: str
    """Address, the benchmark's data folder in its place."""
    shards: int
    """In which a language's phrases are translated: as many as hold those of all latents of 26 layers."""
    has_scores: bool
    """Whether there is a text on which translators are scored."""
    has_checks: bool
    """Whether there are known numbers."""


MINIATURE = Pencil(
    seeds=(1, 2, 3), controls=(1,), ablations=("alpha=10", "layers=6", "layers=25"), ablated=("ml",), steps=12, batch=8, translator="fixtures/translators/opus-mt-en-{}", questions="fixtures/okapi/{}",
    shards=2, has_scores=True, has_checks=True,
)  # fmt: skip
PAPER = {
    "seeds": (1, 2, 3, 4, 5), "controls": (1,), "ablations": ("alpha=0", "alpha=0.1", "alpha=10", "layers=6", "layers=25"), "steps": None, "batch": 16, "translator": "Helsinki-NLP/opus-mt-en-{}",
    "questions": "richmondsin/{}", "shards": 8, "has_scores": True, "has_checks": False,
}  # fmt: skip
OTHER_SEEDS = {"seeds": (11, 12, 13), "controls": (), "has_checks": False}
FULL_SETS = {"questions": "alexandrainst/{}"}
REHEARSED = {
    "seeds": (1,), "ablations": (), "steps": 20, "translator": "translator?vocabulary=62000&width=512&layers=6&heads=8&mlp=2048",
    "questions": "items?items=12", "shards": 1, "has_scores": False,
}  # fmt: skip

ELSEWHERE = {"gemma_2_9b": 13, "llama_3_1_8b": 10, "qwen3_1_7b": 9, "gemma_3_1b": 8, "mistral_7b": 1}
"""Studies of other models, and their shards: more layers have more phrases."""

HARVESTED = ("qwen3_1_7b", "gemma_3_1b", "mistral_7b")
"""Those whose rows nobody has published."""

PENCIL: Mapping[tuple[str, str], Pencil] = {
    ("miniature", "fixture"): Pencil(**vars(MINIATURE) | {"has_checks": False}),
    ("miniature", "independent"): Pencil(**vars(MINIATURE) | OTHER_SEEDS),
    ("sin2025", "fixture"): MINIATURE,
    ("sin2025", "rehearsal"): Pencil(**PAPER | REHEARSED),
    ("sin2025", "paper"): Pencil(**PAPER),
    ("sin2025", "paper-full"): Pencil(**PAPER | FULL_SETS),
    **{
        (study, "paper"): Pencil(**PAPER | {"ablations": (), "shards": shards})
        for study, shards in ELSEWHERE.items()
    },
    **{(study, "rehearsal"): Pencil(**PAPER | REHEARSED) for study in ELSEWHERE},
    ("sin2025", "paper-authors"): Pencil(**PAPER | {"published": ("4k-0", "16k-4", "4k-7", "4k-3")}),
}


ROMANISED = ("zh", "ru", "mr", "ml", "hi")
"""Languages that are not written in Latin letters."""


def items_by_pencil(study: str, pencil: Pencil) -> dict[str, dict[str, str]]:
    """By item: role and name of everything that it reads."""
    texts = {"en": {"phrases": "phrases/all"}} | {
        code: {"phrases": "phrases/all", "translation": f"translations/{code}"} for code in TARGETS
    }
    ours = {f"{code}/seed-{seed}": code for code in TUNED[study] for seed in pencil.seeds}
    wrong = {f"{code}/control-{seed}": code for code in pencil.ablated for seed in pencil.controls}
    otherwise = {
        f"{code}/{name}/seed-{pencil.seeds[0]}": code for name in pencil.ablations for code in pencil.ablated
    }
    theirs = {f"ml/published-{name}": "ml" for name in pencil.published}

    rows = {"harvest": "harvest/all"} if study in HARVESTED else {}
    found: dict[str, dict[str, str]] = {"replay/all": rows, "phrases/all": rows}
    found |= {name: {} for name in rows.values()}
    for code in TARGETS:
        translator = {"translator": f"converted-translators/{code}"}
        shards = {
            f"{code}/{number}": f"translation-shards/{code}/{number}" for number in range(pencil.shards)
        }
        found[f"converted-translators/{code}"] = {}
        found |= dict.fromkeys(shards.values(), {"phrases": "phrases/all"} | translator)
        found[f"translations/{code}"] = {"phrases": "phrases/all"} | shards
        if pencil.has_scores:
            found[f"translation-scores/{code}"] = translator
            found[f"activations/{code}/parallel"] = {
                "phrases": "phrases/all",
                "parallel": f"translation-scores/{code}",
            }
    for code, needs in texts.items():
        found[f"activations/{code}"] = found[f"dictionary-error/{code}"] = needs
        found[f"benchmarks/{code}"] = {}
    found |= {f"romanisations/{code}": {"translation": f"translations/{code}"} for code in ROMANISED}
    found |= {
        f"activations/{code}/romanised": {"phrases": "phrases/all", "translation": f"romanisations/{code}"}
        for code in ROMANISED
    }
    for name, code in (ours | wrong | otherwise).items():
        found[f"adapters/{name}"] = texts[code]
    for name in theirs:
        found[f"published-models/{name}"] = {}
    for name, own in (ours | theirs).items():
        adapter = {"adapter": f"{'adapters' if name in ours else 'published-models'}/{name}"}
        for code in (own, "en"):
            found[f"activations-tuned/{name}/{code}"] = texts[code] | adapter
            found[f"benchmarks-tuned/{name}/{code}"] = adapter
    read = [(name, own) for name, own in (wrong | otherwise).items()] + [(name, "en") for name in otherwise]
    for name, code in read:
        found[f"activations-tuned/{name}/{code}"] = texts[code] | {"adapter": f"adapters/{name}"}
    unread = (
        "harvest/",
        "replay/",
        "published-models/",
        "converted-translators/",
        "translation-shards/",
        "romanisations/",
    )
    found["estimates/all"] = {name: name for name in found if not name.startswith(unread)}
    if pencil.has_checks:
        found["self-checks/all"] = {}
    return found


def world(study: str, profile: str) -> Plan:
    loaded = load_study(study)
    return plan(loaded, load_profile(loaded, profile), "cpu")


def place(item: Item) -> str:
    return f"{item.stage}/{item.name}"


def test_every_profile_of_every_study_has_its_pencil() -> None:
    there = {
        (study, profile)
        for study in study_names()
        if load_study(study).design == "harness.designs.disparity.design"
        for profile in load_profiles(load_study(study))
    }
    assert there == set(PENCIL)


@pytest.mark.parametrize("names", PENCIL, ids="-".join)
def test_every_item_reads_what_it_should(names: tuple[str, str]) -> None:
    found = {place(item): {role: place(need) for role, need in item.needs} for item in world(*names).items()}
    assert found == items_by_pencil(names[0], PENCIL[names])


@pytest.mark.parametrize("names", PENCIL, ids="-".join)
def test_every_item_is_in_its_language_under_its_seed_from_its_source(names: tuple[str, str]) -> None:
    pencil = PENCIL[names]
    for item in world(*names).items():
        # "ml" alone, or the language that an adapter is for, the adapter, and the language that is read through it.
        own, *adapter_and_read = item.name.split("/")
        read = adapter_and_read[-1] if "tuned" in item.stage else own
        told = item.parameters
        match item.stage:
            case "converted-translators":
                assert told["translator"].address == pencil.translator.format(own)
            case "translation-shards":
                assert (dict(item.needs)["translator"].name, f"{told['shard']}") == (own, adapter_and_read[0])
            case "translations":
                assert told["language"].code == own
            case "translation-scores":
                assert (told["language"], dict(item.needs)["translator"].name) == (own, own)
            case "activations" | "activations-tuned" | "dictionary-error":
                assert told["language"] == read
            case "adapters":
                kind, _, seed = adapter_and_read[-1].partition("-")
                assert (told["language"], told["seed"], told["wrong_partners"]) == (
                    own,
                    int(seed),
                    kind == "control",
                )
                assert (told["batch_size"], told["max_steps"]) == (pencil.batch, pencil.steps)
            case "published-models":
                assert (told["language"], f"published-{told['name']}") == (own, adapter_and_read[0])
                assert told["source"].address.endswith(f"layer-20-{told['name']}")
            case "benchmarks" | "benchmarks-tuned":
                assert told["language"] == read
                assert [pin.address for pin in told["data"]] == [
                    pencil.questions.format(each) for each in BENCHMARKS
                ]
                assert [each.data_folder for each in told["benchmarks"]] == list(BENCHMARKS)
