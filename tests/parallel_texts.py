"""A small text by people in several languages, laid out as FLORES+ is taken to be."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.words.study import Home, Pin


def human_texts(
    folder: Path, texts: Mapping[str, Sequence[str]], place: str = "devtest/{config}.jsonl"
) -> Pin:
    """The sentences of each configuration, with their places as ids; the first language is written backwards."""
    for number, (config, sentences) in enumerate(texts.items()):
        rows = [{"id": place, "text": text, "iso_15924": config[4:]} for place, text in enumerate(sentences)]
        path = folder / place.format(config=config)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(row) + "\n" for row in rows[:: 1 if number else -1]]
        path.write_text("".join(lines), encoding="utf-8")
    return Pin(name="by people", home=Home.FOLDER, address=str(folder.resolve()), licence="CC0-1.0")
