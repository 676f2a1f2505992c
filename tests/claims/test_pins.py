"""The study's pins against what others know of the same things: sae-lens's own registry, and the study itself."""

import inspect

import pytest

from claims.sin2025 import pins
from claims.sin2025.profiles import PROFILES
from claims.sin2025.study import STUDY
from harness.sources.studies import profile_faults
from harness.words.study import Home, Pin


@pytest.fixture(scope="module")
def registry() -> object:
    """The canonical 16k release of sae-lens: an oracle for names that nobody here made up."""
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    return get_pretrained_saes_directory()["gemma-scope-2b-pt-res-canonical"]


def known(name: str) -> list[Pin]:
    found = getattr(pins, name)
    return list(found.values()) if isinstance(found, dict) else [found]


EVERY = [
    pin
    for name, _ in inspect.getmembers(pins)
    if name.isupper()
    for pin in known(name)
    if isinstance(pin, Pin)
]


def test_dictionaries_are_the_canonical_ones_of_every_layer(registry: object) -> None:
    facts = vars(registry)
    assert pins.DICTIONARIES.address == facts["repo_id"]
    assert (
        tuple(f"{facts['saes_map'][f'layer_{layer}/width_16k/canonical']}/params.npz" for layer in range(26))
        == pins.DICTIONARY_FILES
    )


def test_the_export_is_of_the_same_dictionaries(registry: object) -> None:
    ids = vars(registry)["neuronpedia_id"]
    assert [f"gemma-2-2b/{source}" for source in pins.PHRASE_SOURCE_IDS] == [
        ids[f"layer_{layer}/width_16k/canonical"] for layer in range(26)
    ]


def test_no_prefix_of_the_export_takes_in_another_source() -> None:
    assert all(prefix.endswith("/") for prefix in pins.PHRASES.files)
    assert not any(a != b and a.startswith(b) for a in pins.PHRASES.files for b in pins.PHRASES.files)


def test_every_target_language_has_a_translator_and_chinese_its_token() -> None:
    assert set(pins.TRANSLATORS) == {language.code for language in STUDY.targets}
    paper = PROFILES["paper"].sources.translators
    assert {code: each.target_token for code, each in paper.items() if each.target_token} == {
        "zh": ">>cmn_Hans<<"
    }


@pytest.mark.parametrize("pin", EVERY, ids=lambda pin: pin.name)
def test_every_pin_says_what_it_is(pin: Pin) -> None:
    assert pin.licence
    assert pin.home in {Home.HUB_MODEL, Home.HUB_DATASET, Home.BUCKET, Home.SERVICE}
    is_url = pin.home in {Home.BUCKET, Home.SERVICE}
    assert pin.address.startswith("https://") if is_url else pin.address.count("/") == 1
    assert pin.revision is None or len(pin.revision) == 40


def test_only_googles_model_and_flores_ask_for_a_licence() -> None:
    assert {pin.address for pin in EVERY if pin.gated} == {
        "google/gemma-2-2b",
        "openlanguagedata/flores_plus",
    }


@pytest.mark.parametrize(
    ("pin", "path", "comes"),
    [
        (pins.MODEL, "model-00001-of-00003.safetensors", True),
        (pins.MODEL, "tokenizer.model", True),
        (pins.MODEL, "gemma-2-2b.gguf", False),
        (pins.DICTIONARIES, "layer_20/width_16k/average_l0_71/params.npz", True),
        (pins.DICTIONARIES, "layer_20/width_16k/average_l0_38/params.npz", False),
        (pins.TRANSLATORS["ml"], "pytorch_model.bin", True),
        (pins.TRANSLATORS["ml"], "tf_model.h5", False),
        (pins.BENCHMARKS["m_arc"], "data/ml/test.jsonl", True),
    ],
)
def test_what_is_needed_comes_and_nothing_else(pin: Pin, path: str, *, comes: bool) -> None:
    assert pin.wants(path) is comes


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_fits_the_study(name: str) -> None:
    assert list(profile_faults(STUDY, PROFILES[name])) == []
    assert PROFILES[name].name == name
