"""Loss recovered on the miniature, against the definition of SAEBench's core evaluation, computed a second way."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import Gemma2ForCausalLM

from harness.designs.disparity.plan import Told
from harness.models.loading import load_language_model
from harness.models.sae import load_sae
from harness.sources.studies import load_profile, load_study
from harness.stages.dictionary_error import dictionary_error
from harness.store.tables import read_table, write_table
from harness.words.records import SplicedLoss, Text

LAYERS = (0, 6, 25)
TEXTS = (
    "3 hours ago",
    "5 kilometres per hour",
    "12 February 1987",
    "in 7 minutes",
    "Spain, Italy and Russia",
    "9",
    "1,250 kilograms",
)
"""One of them has one token, of which nothing is predicted from what is rebuilt."""

STUDY = load_study("miniature")
NETWORKS = Told(STUDY, load_profile(STUDY, "fixture"), "cpu").networks

Losses = Mapping[str, Sequence[Tensor]]
"""By what became of the stream: for each batch, the loss of each token that counts."""


@pytest.fixture(scope="module")
def ids() -> list[list[int]]:
    return load_language_model(NETWORKS.model, NETWORKS.numerics).token_ids(TEXTS)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[SplicedLoss]:
    phrases, out = tmp_path_factory.mktemp("phrases"), tmp_path_factory.mktemp("out")
    write_table(phrases, Text, (Text(text_id=n, text=text, held_out=False) for n, text in enumerate(TEXTS)))
    told = {"language": "en", "texts": len(TEXTS), "texts_per_spliced": 1, "seed": 1}
    dictionary_error(phrases, out=out, networks=NETWORKS, **told)
    return read_table(out, SplicedLoss)


def losses_of(layer: int, ids: Sequence[Sequence[int]], *, front_rebuilt: bool = False) -> Losses:
    """Every token's loss by three passes of the library's own model over batches of rows of one length, as they are packed there.

    What is predicted from a special token is no token that counts; such a token is rebuilt on request alone.
    """
    model = Gemma2ForCausalLM.from_pretrained(
        NETWORKS.model.address, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    sae = load_sae(NETWORKS.dictionaries, NETWORKS.dictionary_files[layer], "cpu")
    found: dict[str, list[Tensor]] = defaultdict(list)
    for tokens in _batches(ids):
        ordinary = tokens != model.config.bos_token_id

        def rebuilt(stream: Tensor, ordinary: Tensor = ordinary) -> Tensor:
            changed = torch.ones_like(ordinary) if front_rebuilt else ordinary
            return torch.where(changed[..., None], sae.decode(sae.encode(stream)), stream)

        for name, change in (("clean", torch.clone), ("spliced", rebuilt), ("zeroed", torch.zeros_like)):
            found[name].append(_token_losses(model, layer, tokens, change)[ordinary[:, :-1]])
    return found


def _batches(ids: Sequence[Sequence[int]]) -> Iterator[Tensor]:
    for length in sorted({len(row) for row in ids}):
        yield torch.tensor([row for row in ids if len(row) == length])


@torch.no_grad()
def _token_losses(
    model: Gemma2ForCausalLM, layer: int, tokens: Tensor, change: Callable[[Tensor], Tensor]
) -> Tensor:
    handle = model.model.layers[layer].register_forward_hook(lambda _block, _inputs, stream: change(stream))
    logits = model(input_ids=tokens).logits[:, :-1]
    handle.remove()
    log_probs = torch.log_softmax(logits.double(), dim=-1)
    return -log_probs.gather(2, tokens[:, 1:, None]).squeeze(2)


def score(losses: Losses) -> float:
    """Of what the loss rises by without the stream, the share that is won back: each loss a mean over all tokens of all batches.

    Source: SAEBench, core evaluation, "ce_loss_score"; with special tokens left out of losses and of the reconstruction.
    """
    clean, spliced, zeroed = (
        float(torch.cat(list(losses[name])).mean()) for name in ("clean", "spliced", "zeroed")
    )
    return 100 * (zeroed - spliced) / (zeroed - clean)


def recovered(rows: Sequence[SplicedLoss]) -> float:
    """As estimates take it: a ratio of two sums over texts."""
    return 100 * sum(row.zeroed - row.spliced for row in rows) / sum(row.zeroed - row.clean for row in rows)


@pytest.mark.parametrize("layer", LAYERS)
def test_loss_recovered_is_that_of_saebench(
    layer: int, rows: Sequence[SplicedLoss], ids: list[list[int]]
) -> None:
    own = [row for row in rows if row.layer == layer]
    losses = losses_of(layer, ids)
    assert (
        sum(row.tokens for row in own) == sum(map(len, losses["clean"])) == sum(len(row) - 2 for row in ids)
    )
    assert recovered(own) == pytest.approx(score(losses), rel=1e-4)


def test_tokens_weigh_alike_and_not_texts(rows: Sequence[SplicedLoss]) -> None:
    """A mean of the texts' own scores is another number: a short text would weigh as much as a long one."""
    own = [row for row in rows if row.layer == LAYERS[1]]
    of_texts = np.mean([recovered([row]) for row in own if row.tokens])
    assert abs(of_texts - recovered(own)) > 0.1


def test_what_stands_in_front_is_left_as_it_is(rows: Sequence[SplicedLoss], ids: list[list[int]]) -> None:
    """Rebuilt as well, as SAEBench does unless asked otherwise, it gives another number: no dictionary was trained on it."""
    own = [row for row in rows if row.layer == LAYERS[1]]
    assert abs(score(losses_of(LAYERS[1], ids, front_rebuilt=True)) - recovered(own)) > 0.1


def test_a_text_of_one_token_loses_nothing(rows: Sequence[SplicedLoss], ids: list[list[int]]) -> None:
    (short,) = (text for text, row in enumerate(ids) if len(row) == 2)
    assert {(row.tokens, row.clean, row.spliced, row.zeroed) for row in rows if row.text_id == short} == {
        (0, 0.0, 0.0, 0.0)
    }
