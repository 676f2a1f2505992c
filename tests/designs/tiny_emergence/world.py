"""The world of the tiny study: a Llama of three layers, trained for some seconds on two languages, at three checkpoints."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.designs.tiny_emergence.claims.tiny.study import FACTS, SHAPES, STEPS, STUDY
from tests.tiny_models import KINDS, write_kind
from tests.world_texts import english_sentences, in_language

LANGUAGES = tuple(language.code for language in STUDY.languages)
SENTENCES_OF_A_DOCUMENT, DOCUMENTS = 4, 300
ROWS, ROW_TOKENS = 32, 24
"""Rows of a training batch, half of them of each language, and their length."""


def make(folder: Path) -> None:
    """Write the corpus and every checkpoint."""
    sentences = english_sentences(DOCUMENTS * SENTENCES_OF_A_DOCUMENT, seed=1)
    documents = [
        " ".join(sentences[start : start + SENTENCES_OF_A_DOCUMENT])
        for start in range(0, len(sentences), SENTENCES_OF_A_DOCUMENT)
    ]
    texts = {code: [in_language(text, code) for text in documents] for code in LANGUAGES}
    (folder / "corpus").mkdir()
    for code, written in texts.items():
        lines = "".join(json.dumps({"text": text}) + "\n" for text in written)
        (folder / "corpus" / f"{code}.jsonl").write_text(lines, encoding="utf-8")
    _train(folder, texts)


def _train(folder: Path, texts: dict[str, list[str]]) -> None:
    untrained = folder / "untrained"
    kind = replace(KINDS["llama"], facts=FACTS, controls=("<s>", "</s>"))
    write_kind(
        untrained, kind, [text for own in texts.values() for text in own], num_layers=SHAPES.num_layers
    )
    tokenizer = AutoTokenizer.from_pretrained(untrained)
    rows = {code: [tokenizer(text)["input_ids"][:ROW_TOKENS] for text in own] for code, own in texts.items()}
    model = AutoModelForCausalLM.from_pretrained(untrained).train().requires_grad_()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rng = random.Random(1)
    for step in range(1, max(STEPS.values()) + 1):
        ids = torch.tensor([row for own in rows.values() for row in rng.sample(own, ROWS // len(LANGUAGES))])
        logits = model(input_ids=ids).logits[:, :-1]
        optimizer.zero_grad()
        functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimizer.step()
        for phase, last in STEPS.items():
            if step == last:
                shutil.copytree(untrained, folder / phase)
                model.save_pretrained(folder / phase)
