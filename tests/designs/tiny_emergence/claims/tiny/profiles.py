"""Where the tiny study's inputs come from: a folder that its test has made, whose place the environment names."""

import os
from pathlib import Path

from claims.tiny.study import FACTS, PROTOCOL, SHAPES, STEPS, STUDY

from harness.words.dictionaries import CorpusText
from harness.words.emergence import EmergenceSizes, EmergenceSources, ModelCell
from harness.words.study import Home, ModelPin, Pin, Profile

WORLD = Path(os.environ["TINY_WORLD"])


def _pin(below: str) -> Pin:
    return Pin(name=f"tiny {below}", home=Home.FOLDER, address=str(WORLD / below), licence="CC0-1.0")


CELLS = tuple(
    ModelCell(
        size="only",
        phase=phase,
        step=step,
        tokens=None,
        pin=ModelPin.of(_pin(phase), FACTS),
        shapes=SHAPES,
    )
    for phase, step in STEPS.items()
)

PROFILES = {
    "tiny": Profile(
        name="tiny",
        summary="a tiny model that a test has trained",
        sources=EmergenceSources(
            model=CELLS[-1].pin,
            cells=CELLS,
            texts=tuple(
                CorpusText(language=each.code, pin=_pin("corpus"), files=(f"{each.code}.jsonl",))
                for each in STUDY.languages
            ),
        ),
        sizes=EmergenceSizes(
            sae_seeds=PROTOCOL.adapter_seeds[:1],
            repeated_seeds=PROTOCOL.adapter_seeds[1:],
            spliced_windows=8,
            integration_windows=60,
            check_windows=30,
            batch_tokens=2_048,
            dtype="float32",
            threads=1,
        ),
    )
}
