"""MAP-Neo in miniature under its true names: checkpoints in folders, a tokenizer from elsewhere, and what is not there."""

from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece

from claims.neo import pins
from harness.models.loading import load_language_model, model_files
from harness.words.errors import HarnessError
from harness.words.plan import Numerics
from harness.words.study import Home, ModelPin, Pin
from tests.hub.commands import harness
from tests.hub.neo import CONTROLS, PIECES, documents, neo_hub
from tests.hub.server import Hub, serving

NUMERICS = Numerics(device="cpu", dtype="bfloat16", threads=1)


@pytest.fixture(scope="module")
def hub() -> Hub:
    return neo_hub("first", "final")


@pytest.fixture(scope="module")
def root(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pins ask the hub for, in folders."""
    root = tmp_path_factory.mktemp("fetched")
    for pin in {
        **{place: pins.checkpoint("250m", place) for place in ("first", "final")},
        "tokenizer": pins.TOKENIZER,
    }.values():
        repository = hub.repositories["models", pin.address]
        for name in repository.files:
            if pin.wants(name):
                path = root / pin.address / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(repository.read(name))
    return root


def fetched(root: Path, phase: str) -> ModelPin:
    """A checkpoint as it lies there, with its tokenizer."""

    def at(pin: Pin) -> dict[str, object]:
        return {"home": Home.FOLDER, "address": str(root / pin.address)}

    pin = pins.checkpoint("250m", phase)
    return replace(pin, **at(pin), tokenizer=replace(pins.TOKENIZER, **at(pins.TOKENIZER)))  # type: ignore[arg-type]


def test_no_more_is_asked_for_than_is_read(root: Path) -> None:
    names = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    folders = ("hf_ckpt/16.78B", "hf_ckpt/1002.65B")
    held = ("config.json", "generation_config.json", "model.safetensors")
    assert names == {
        *(f"m-a-p/neo_scalinglaw_250M/{folder}/{name}" for folder in folders for name in held),
        "m-a-p/neo_7b/tokenizer.model", "m-a-p/neo_7b/tokenizer_config.json",
    }  # fmt: skip


def test_each_checkpoint_is_loaded_from_its_own_folder(root: Path) -> None:
    first, final = (load_language_model(fetched(root, phase), NUMERICS) for phase in ("first", "final"))
    assert len(first.decoder.layers) == len(final.decoder.layers) == pins.SHAPES["250m"].num_layers  # type: ignore[arg-type]
    weights = [each.model.get_input_embeddings().weight for each in (first, final)]
    assert not weights[0].equal(weights[1])


def test_texts_are_read_as_sentencepiece_reads_them_behind_what_stands_in_front(root: Path) -> None:
    model = load_language_model(fetched(root, "final"), NUMERICS)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(root / "m-a-p/neo_7b/tokenizer.model"))
    texts = [
        *documents("en")[:20],
        *documents("ja")[:20],
        "a   b",
        " <s> and </s> <|EOD|>",
        "12345",
        "\U0001d11e\n",
        "",
    ]
    assert model.token_ids(texts) == [[1, *theirs.encode(text)] for text in texts]
    assert (model.front_ids, model.pad_id, len(model.tokenizer)) == ((1,), 0, PIECES + len(CONTROLS))


def test_what_was_loaded_is_told_with_the_tokenizer(root: Path) -> None:
    assert {(row.source, row.path) for row in model_files(fetched(root, "final"))} == {
        ("neo 250m after 1002.65B tokens", "config.json"),
        ("neo 250m after 1002.65B tokens", "model.safetensors"),
        ("tokenizer of MAP-Neo", "tokenizer.model"),
    }


@pytest.mark.parametrize(
    ("spoilt", "content", "says"),
    [
        pytest.param("m-a-p/neo_7b/tokenizer.model", None, "tokenizer of MAP-Neo.*has no tokenizer.json or tokenizer.model", id="no tokenizer"),
        pytest.param("m-a-p/neo_7b/tokenizer.model", b"no pieces", "tokenizer of MAP-Neo.*cannot be loaded", id="spoilt tokenizer"),
        pytest.param("m-a-p/neo_scalinglaw_250M/hf_ckpt/1002.65B/config.json", None, "neo 250m after 1002.65B tokens.*has no config.json", id="no configuration"),
        pytest.param("m-a-p/neo_scalinglaw_250M/hf_ckpt/1002.65B/model.safetensors", b"\x00" * 100, "neo 250m after 1002.65B tokens.*cannot be read", id="truncated"),
    ],
)  # fmt: skip
def test_what_is_spoilt_is_one_error_by_its_own_name(
    root: Path, tmp_path: Path, spoilt: str, content: bytes | None, says: str
) -> None:
    for path in (path for path in root.rglob("*") if path.is_file()):
        name = str(path.relative_to(root))
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if name != spoilt:
            copy.symlink_to(path)
        elif content is not None:
            copy.write_bytes(content)
    with pytest.raises(HarnessError, match=says):
        load_language_model(fetched(tmp_path, "final"), NUMERICS)


def test_a_step_that_is_not_there_is_told_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    with serving(hub):
        done = harness(hub, tmp_path, "doctor", "--study", "neo", "--profile", "paper", "--device", "cpu")
    (line,) = [
        line
        for line in done.stdout.splitlines()
        if "neo 460m after 201.33B tokens" in line and "MISSING" in line
    ]
    assert "holds none of the files ['hf_ckpt/201.33B/*.json', 'hf_ckpt/201.33B/*.safetensors']" in line
    assert "correct its files in pins.py of the study" in line
    assert "ok      neo 460m after 16.78B tokens" in done.stdout
    assert not hub.paths("/resolve/")
