"""What tests of adapters share: phrases with translations that nobody had to make."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.store.tables import write_table
from harness.words.records import Selection, Text, Translation
from tests.world_texts import english_sentences, in_language

NUM_TEXTS = 24
SENTENCES = english_sentences(NUM_TEXTS, seed=4)
OWN = {
    n: tuple((layer, 9 + 7 * layer + place) for layer in range(4) for place in range(n % 4))
    for n in range(NUM_TEXTS)
}
"""By text: the latents that it was selected for, in each layer none to three."""


def made(stage: Callable[..., None], told: Any, inputs: Mapping[str, Path], out: Path) -> None:
    """Run a stage with what it is told, as a mapping or as a record, and the folders that it reads."""
    stage(**inputs, out=out, **(told if isinstance(told, Mapping) else vars(told)))


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Every third text is held out; the last one has no translation."""
    root = tmp_path_factory.mktemp("texts")
    texts = [Text(text_id=n, text=text, held_out=n % 3 == 0) for n, text in enumerate(SENTENCES)]
    spoken = [in_language(text, "ml") for text in SENTENCES[:-1]] + [""]
    flags = {
        "is_empty": False,
        "is_copy": False,
        "is_repetitive": False,
        "is_wrong_script": False,
        "is_odd_length": False,
        "is_truncated": False,
    }
    write_table(root / "phrases", Text, texts)
    selected = [(layer, latent, n) for n, own in OWN.items() for layer, latent in own]
    rows = (
        Selection(layer=layer, latent=latent, text_id=n, stored_peak=1.0)
        for layer, latent, n in sorted(selected)
    )
    write_table(root / "phrases", Selection, rows)
    write_table(
        root / "translation",
        Translation,
        [Translation(text_id=n, language="ml", text=text, **flags) for n, text in enumerate(spoken)],
    )
    return {"phrases": root / "phrases", "translation": root / "translation"}
