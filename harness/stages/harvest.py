"""The harvest stage: each latent's strongest rows in a corpus, where nobody has published them, laid out as an export.

One pass of the model, every latent of every layer that has a dictionary encoded. Held are the strongest rows so far of each latent, whose number
does not grow with the corpus, and the token ids of its contexts.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.models.loading import LanguageModel, load_language_model
from harness.models.residuals import visit_residuals
from harness.models.sae import latent_activations, layer_encoder
from harness.sources.corpus import documents
from harness.sources.neuronpedia import piece_ids
from harness.stages.extraction import Batch, as_batch
from harness.stages.stage import stage
from harness.words.plan import Networks
from harness.words.study import Harvest, Pin

LATENTS_PER_FILE = 1_024
"""As the exporter has it: whoever wants a few rows of a layer reads one file of many."""

CONTEXTS_PER_DOCUMENT = 4
"""From its beginning; a book would else fill a corpus by itself."""

MIN_TOKENS = 8
"""A context that is shorter, as the end of a document can be, has hardly a sentence."""

LONGEST_PIECE = 16
"""Characters of a document per token that it is asked for: hardly a text has longer pieces in the mean."""

DECIMALS = 3
"""As the exporter rounds activations."""


@dataclass
class StrongestRows:
    """The strongest rows so far of every latent of one layer, strongest first; of equal ones the earlier."""

    peaks: Float[Tensor, "row latent"]
    """Largest activation in the row; zero where there is none yet."""
    contexts: Int[Tensor, "row latent"]
    """Number of the context that the row is."""
    values: Float[Tensor, "row latent position"]
    """Activations over the positions of the context, which end with its last token."""
    firing: Int[Tensor, "latent"]
    """Tokens at which the latent was active."""

    @classmethod
    def empty(cls, rows: int, latents: int, positions: int, device: str) -> "StrongestRows":
        """No row of any latent."""
        return cls(
            peaks=torch.zeros(rows, latents, device=device),
            contexts=torch.zeros(rows, latents, dtype=torch.int64, device=device),
            values=torch.zeros(rows, latents, positions, device=device),
            firing=torch.zeros(latents, dtype=torch.int64, device=device),
        )

    def add(self, acts: Float[Tensor, "context position latent"], first: int) -> None:
        """Take in some contexts, numbered from `first` on; zero where a position does not count."""
        kept = len(self.peaks)
        peaks = torch.cat([self.peaks, acts.amax(dim=1)])
        order = peaks.sort(dim=0, descending=True, stable=True).indices[:kept]
        numbers = (
            torch.arange(first, first + len(acts), device=acts.device).unsqueeze(1).expand(-1, peaks.shape[1])
        )
        self.peaks = peaks.gather(0, order)
        self.contexts = torch.cat([self.contexts, numbers]).gather(0, order)
        old = order.clamp(max=kept - 1).unsqueeze(2).expand_as(self.values)
        self.values = self.values.gather(0, old)
        slots, latents = torch.nonzero(order >= kept, as_tuple=True)
        entering = acts[order[slots, latents] - kept, :, latents]
        self.values[slots, latents] = 0.0
        self.values[slots, latents, -acts.shape[1] :] = entering
        self.firing += (acts > 0).sum(dim=(0, 1))


@dataclass
class Harvested:
    """What came of a corpus."""

    layers: Mapping[int, StrongestRows]
    """By layer that has a dictionary."""
    contexts: list[tuple[int, ...]] = field(default_factory=list)
    """Token ids of each context, without what stands in front."""


@stage(on="accelerator")
def harvest(*, out: Path, corpus: Pin, how: Harvest, source_ids: tuple[str, ...], networks: Networks) -> None:
    """Each latent's strongest rows in a corpus.

    Writes activation and feature rows of every dictionary in the layout of an export.

    Raises:
        ValueError: If the corpus holds no context.
    """
    language_model = load_language_model(networks.model, networks.numerics)
    found = harvested(language_model, networks, corpus_contexts(language_model, corpus, how), how)
    if not found.contexts:
        raise ValueError(
            f"{corpus} holds no text of {MIN_TOKENS} tokens or more; nothing can be harvested from it"
        )
    names = exported_names(language_model)
    for source_id, rows in zip(source_ids, found.layers.values(), strict=True):
        write_layer(out / source_id, rows, found.contexts, names)


def exported_names(language_model: LanguageModel) -> list[str]:
    """The piece of every token id, as an export writes it; as the vocabulary does where the export calls others alike."""
    tokenizer = language_model.tokenizer
    names: list[str] = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    for name, token_id in piece_ids(tokenizer.get_vocab(), language_model.facts.pieces).items():
        names[token_id] = name
    return names


def corpus_contexts(language_model: LanguageModel, corpus: Pin, how: Harvest) -> Iterator[list[int]]:
    """Token ids of the contexts that are read, each behind what stands in front and of one document alone."""
    width = how.context_tokens - len(language_model.front_ids)
    found = (
        [*language_model.front_ids, *ids]
        for text in documents(corpus, how.files)
        for ids in _windows(language_model, text, width)
    )
    return islice(found, how.contexts)


def _windows(language_model: LanguageModel, text: str, width: int) -> Iterator[list[int]]:
    """The first tokens of a document, cut into windows."""
    wanted = width * CONTEXTS_PER_DOCUMENT
    (ids,) = language_model.token_ids([text[: wanted * LONGEST_PIECE]])
    body = ids[len(language_model.front_ids) :][:wanted]
    for start in range(0, len(body), width):
        if len(window := body[start : start + width]) >= MIN_TOKENS:
            yield window


@torch.no_grad()
def harvested(
    language_model: LanguageModel, networks: Networks, contexts: Iterable[Sequence[int]], how: Harvest
) -> Harvested:
    """The strongest rows of every latent of every layer, from one pass over some contexts."""
    front = len(language_model.front_ids)
    encoders = {layer: layer_encoder(networks, layer).to(language_model.device) for layer in networks.layers}
    width = how.context_tokens - front
    found = Harvested(
        layers={
            layer: StrongestRows.empty(how.rows_per_latent, encoder.num_latents, width, language_model.device)
            for layer, encoder in encoders.items()
        }
    )
    waiting, size = iter(contexts), max(1, networks.batch_tokens // how.context_tokens)
    while rows := list(islice(waiting, size)):
        first = len(found.contexts)
        batch = as_batch(language_model, range(first, first + len(rows)), rows)

        def visit(layer: int, residual: Tensor, batch: Batch = batch, first: int = first) -> None:
            acts = residual.new_zeros(*residual.shape[:2], encoders[layer].num_latents, dtype=torch.float32)
            acts[batch.counted] = latent_activations(residual[batch.counted], encoders[layer])
            found.layers[layer].add(acts[:, -width:], first)

        visit_residuals(language_model.decoder, batch.input_ids, batch.attention_mask, encoders.keys(), visit)
        found.contexts += [tuple(row[front:]) for row in rows]
    return found


def write_layer(
    folder: Path, rows: StrongestRows, contexts: Sequence[Sequence[int]], names: Sequence[str]
) -> None:
    """One layer's rows in the layout of an export: activations by ranges of latents, and what is known of each latent.

    Args:
        folder: Called like the layer's source.
        rows: What was kept.
        contexts: Token ids of the contexts that the rows number.
        names: The piece of every token id.
    """
    peaks, numbers, values = rows.peaks.cpu(), rows.contexts.cpu(), rows.values.cpu()
    tokens, latents = sum(map(len, contexts)), peaks.shape[1]

    def activation_rows(latent: int) -> Iterator[dict[str, object]]:
        for slot in range(int((peaks[:, latent] > 0).sum())):
            ids = contexts[int(numbers[slot, latent])]
            held = [round(value, DECIMALS) for value in values[slot, latent, -len(ids) :].tolist()]
            yield {
                "index": str(latent),
                "tokens": [names[token_id] for token_id in ids],
                "values": held,
                "maxValue": max(held),
                "maxValueTokenIndex": held.index(max(held)),
            }

    for file, first in enumerate(range(0, latents, LATENTS_PER_FILE)):
        chosen = range(first, min(first + LATENTS_PER_FILE, latents))
        found = (row for latent in chosen for row in activation_rows(latent))
        _write_lines(folder / "activations" / f"batch-{file}.jsonl.gz", found)
    firing, maxima = rows.firing.tolist(), peaks[0].tolist()
    features = (
        {"index": str(latent), "maxActApprox": round(peak, DECIMALS), "frac_nonzero": count / tokens}
        for latent, (peak, count) in enumerate(zip(maxima, firing, strict=True))
    )
    _write_lines(folder / "features" / "batch-0.jsonl.gz", features)


def _write_lines(path: Path, rows: Iterable[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as sink, gzip.GzipFile("", "wb", compresslevel=1, fileobj=sink, mtime=0) as packed:
        for row in rows:
            packed.write(f"{json.dumps(row, ensure_ascii=False)}\n".encode())
