"""Several ways to the same numbers: each loads what it needs and returns the work, which is timed on its own."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.mid_world import MidWorld, benchmark_items

Work = Callable[[int], int]
"""Does a number of phrases, or steps; gives how many tokens or steps that were."""


def bare_forward(world: MidWorld) -> Work:
    """The decoder alone over the same batches, and nothing read."""
    import torch

    model = _model(world)

    def work(amount: int) -> int:
        tokens = 0
        with torch.no_grad():
            for batch in _batches(model, world, amount):
                model.decoder(input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False)
                tokens += sum(batch.lengths)
        return tokens

    return work


def harness_extraction(world: MidWorld) -> Work:
    """The activations stage where every text speaks at every layer, tables read and written."""
    from harness.stages.extraction import activations

    return _reading(world, activations, world.phrases, panel_texts=ALL_TEXTS, similarity_texts=8)


def whole_depth_extraction(world: MidWorld) -> Work:
    """Texts that speak for one latent each, all read through the whole depth."""
    from harness.stages.extraction import activations

    return _reading(
        world.in_small_batches, activations, world.sparse_phrases, panel_texts=ALL_TEXTS, similarity_texts=8
    )


def early_exit_extraction(world: MidWorld) -> Work:
    """The same texts, each read as far as it speaks, but for a sample."""
    from harness.stages.extraction import activations

    return _reading(
        world.in_small_batches, activations, world.sparse_phrases, panel_texts=8, similarity_texts=8
    )


def tuned_extraction(world: MidWorld) -> Work:
    """Those of them that are held out, as far as they speak and adapters are asked about."""
    from harness.models.adapters import save_adapter, trained_adapter
    from harness.stages.extraction import activations_tuned

    model, choice, folder = _model(world), _alignment_choice(world), world.root / "adapter"
    with trained_adapter(model.model, choice, seed=0) as tuned:
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.data.fill_(1e-3)
        save_adapter(tuned, folder, "", base="a/model", revision="1f2e")
    return _reading(
        world.in_small_batches,
        partial(activations_tuned, adapter=folder),
        world.sparse_phrases,
        deepest=max(choice.layers),
        panel_texts=0,
    )


ALL_TEXTS = 1_000_000


def _reading(world: MidWorld, stage: Any, phrases: Callable[[int], Path], **told: int) -> Work:
    from harness.store.tables import read_column
    from harness.words.records import TextLength

    def work(amount: int) -> int:
        with tempfile.TemporaryDirectory() as folder:
            stage(
                phrases=phrases(amount),
                out=Path(folder),
                language="en",
                networks=world.networks,
                seed=1,
                **told,
            )
            return int(read_column(Path(folder), TextLength, "tokens").sum())

    return work


def full_encoding(world: MidWorld) -> Work:
    """`output_hidden_states` and the whole `sae.encode` of every layer, means of the panel kept."""
    import torch

    from tests.bench.mid_world import PANEL_LATENTS

    model, saes = _model(world), _saes(world)

    def work(amount: int) -> int:
        tokens = 0
        with torch.no_grad():
            for batch in _batches(model, world, amount):
                answer = model.model(
                    input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True
                )
                for sae, hidden in zip(saes, answer.hidden_states[1:], strict=True):
                    acts = sae.encode(hidden)[..., :PANEL_LATENTS] * batch.counted.unsqueeze(-1)
                    acts.sum(1)
                tokens += sum(batch.lengths)
        return tokens

    return work


def bridge_with_saes(world: MidWorld) -> Work:
    """sae-lens's own road: `SAETransformerBridge.run_with_cache_with_saes`, latent activations cached."""
    import torch
    from sae_lens.analysis.sae_transformer_bridge import SAETransformerBridge

    model, saes = _model(world), _saes(world)
    for layer, sae in enumerate(saes):
        sae.cfg.metadata.hook_name = f"blocks.{layer}.hook_out"
    bridge = SAETransformerBridge.boot_transformers(world.networks.model.address, device="cpu")

    def work(amount: int) -> int:
        tokens = 0
        with torch.no_grad():
            for batch in _batches(model, world, amount):
                _, cache = bridge.run_with_cache_with_saes(
                    batch.input_ids,
                    attention_mask=batch.attention_mask,
                    saes=saes,
                    use_error_term=True,
                    names_filter=lambda name: name.endswith("hook_sae_acts_post"),
                )
                assert len(cache) == world.num_layers
                tokens += sum(batch.lengths)
        return tokens

    return work


def harness_alignment(world: MidWorld) -> Work:
    """Steps of the adapters stage."""
    from harness.models.adapters import trained_adapter
    from harness.stages.alignment import narrowed
    from harness.stages.alignment_loss import Aligner

    model, choice = _model(world), _alignment_choice(world)
    whole = _encoders(world, choice)

    def work(amount: int) -> int:
        import torch

        encoders, (pairs,) = narrowed(whole, _pairs(model, world))
        aligner = Aligner(language_model=model, encoders=encoders, choice=choice)
        with trained_adapter(model.model, choice, seed=0) as tuned:
            parameters = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
            optimizer = torch.optim.AdamW(parameters, lr=choice.learning_rate)
            for _ in range(amount):
                loss = aligner.loss(pairs, tuned.disable_adapter)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
        return amount

    return work


def peft_alignment(world: MidWorld) -> Work:
    """The same steps as usually written: peft, the whole causal model, `output_hidden_states`."""
    import torch
    from peft import LoraConfig, get_peft_model

    from harness.stages.alignment_loss import Aligner, alignment_loss

    model, choice, saes = _model(world), _alignment_choice(world), _saes(world)[:1]
    config = LoraConfig(
        r=choice.rank,
        lora_alpha=choice.lora_alpha,
        target_modules=list(choice.target_modules),
        layers_to_transform=list(choice.layers),
        layers_pattern="layers",
    )

    def pooled(tuned: Any, ids: Any) -> list[torch.Tensor]:
        from harness.stages.extraction import as_batch

        batch = as_batch(model, range(len(ids)), ids)
        answer = tuned(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True
        )
        weights = (batch.counted / batch.counted.sum(1, keepdim=True)).unsqueeze(-1)
        return [(saes[0].encode(answer.hidden_states[layer + 1]) * weights).sum(1) for layer in choice.layers]

    def work(amount: int) -> int:
        pairs = _pairs(model, world)
        shares = Aligner(language_model=model, encoders=_encoders(world, choice), choice=choice).shares(
            pairs, pairs
        )
        tuned = get_peft_model(model.model, config)
        optimizer = torch.optim.AdamW(
            [p for p in tuned.parameters() if p.requires_grad], lr=choice.learning_rate
        )
        for _ in range(amount):
            with torch.no_grad(), tuned.disable_adapter():
                original = pooled(tuned, pairs.english)
            sides = [pooled(tuned, side) for side in (pairs.english, pairs.target)]
            loss = alignment_loss(*sides, original, shares, choice)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        tuned.unload()
        return amount

    return work


def stock_benchmarks(world: MidWorld) -> Work:
    """Items of four options behind ten examples, scored by lm-eval's own wrapper."""
    from lm_eval.models.huggingface import HFLM

    model = _model(world)
    return _asking(
        HFLM(pretrained=model.model, tokenizer=model.tokenizer, batch_size=BENCHMARK_ROWS, add_bos_token=True)
    )


def harness_benchmarks(world: MidWorld) -> Work:
    """The same items, scored as the benchmarks stage does."""
    from harness.stages.evaluation import scorer

    model = _model(world)
    return _asking(scorer(model, model.model, BENCHMARK_ROWS))


TOPK_WIDTH, TOPK_LATENTS, TOPK_K, TOPK_BATCH = 64, 512, 8, 512
"""Shapes of the larger miniature model, and how its SAEs are trained."""


def bare_topk_training(_world: MidWorld) -> Work:
    """Steps of a TopK SAE as a torch loop has them: Adam with a warm-up, decoder rows at length 1, the loss kept."""
    import torch

    streams = _unit_streams()

    def work(amount: int) -> int:
        drawn = (torch.rand(TOPK_LATENTS, TOPK_WIDTH) * 2 - 1) * TOPK_WIDTH**-0.5
        encoder, decoder = (torch.nn.Parameter(weight) for weight in (drawn.clone(), drawn.clone()))
        bias, b_dec = (torch.nn.Parameter(torch.zeros(size)) for size in (TOPK_LATENTS, TOPK_WIDTH))
        optimizer = torch.optim.Adam([encoder, bias, decoder, b_dec], lr=1e-3, eps=6.25e-10)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 100))
        losses = []
        for step in range(amount):
            with torch.no_grad():
                decoder /= decoder.norm(dim=1, keepdim=True)
            x = streams[step % len(streams)]
            values, latents = ((x - b_dec) @ encoder.T + bias).topk(TOPK_K, dim=1)
            acts = torch.zeros(TOPK_BATCH, TOPK_LATENTS).scatter(1, latents, values.relu())
            missed = acts @ decoder + b_dec - x
            loss = missed.square().sum() / (x - x.mean(dim=0)).square().sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        return len(losses)

    return work


def harness_topk_training(_world: MidWorld) -> Work:
    """The same steps by the saes stage's own training, from where its bias begins to the weights as they are written."""
    from harness.models.topk_training import TopKTraining
    from harness.words.dictionaries import Loss, SAEPlace, TopKRecipe

    recipe = TopKRecipe(
        latents=TOPK_LATENTS, k=TOPK_K, loss=Loss.UNEXPLAINED, tokens=0, batch_tokens=TOPK_BATCH, buffer_tokens=TOPK_BATCH,
        learning_rate=1e-3, warmup_steps=100, adam_eps=6.25e-10, unit_encoder=False, rows_set_after=False, dtype="float32",
    )  # fmt: skip
    streams = _unit_streams()

    def work(amount: int) -> int:
        training = TopKTraining.begun(recipe, SAEPlace(layer=0, seed=1), TOPK_WIDTH, "cpu")
        for step in range(amount):
            training.train(streams[step % len(streams)])
        assert training.weights
        return len(training.losses)

    return work


def _unit_streams() -> Any:
    import torch

    drawn = torch.randn(8, TOPK_BATCH, TOPK_WIDTH, generator=torch.Generator().manual_seed(1))
    return drawn / drawn.norm(dim=2, keepdim=True)


WAYS: Mapping[str, Callable[[MidWorld], Work]] = {
    way.__name__: way
    for way in (
        bare_forward,
        harness_extraction,
        whole_depth_extraction,
        early_exit_extraction,
        tuned_extraction,
        full_encoding,
        bridge_with_saes,
        harness_alignment,
        peft_alignment,
        bare_topk_training,
        harness_topk_training,
        stock_benchmarks,
        harness_benchmarks,
    )
}

BENCHMARK_ROWS = 8
"""Rows per forward pass of either way: attention over more of them leaves a processor's caches, and then memory is measured."""


def _asking(scoring: Any) -> Work:
    """Items through a wrapper of lm-eval; four options count as one item."""
    from lm_eval.api.instance import Instance

    def work(amount: int) -> int:
        asked = [
            Instance("loglikelihood", {}, pair, place, task_name="arc")
            for place, pair in enumerate(benchmark_items(amount))
        ]
        answers = scoring.loglikelihood(asked, disable_tqdm=True)
        return len(answers) // 4

    return work


def _model(world: MidWorld) -> Any:
    from harness.models.loading import load_language_model

    return load_language_model(world.networks.model, world.networks.numerics)


def _saes(world: MidWorld) -> list[Any]:
    """A dictionary of its own for every layer, as real ones are."""
    from harness.models.sae import load_sae

    networks = world.networks
    return [load_sae(networks.dictionaries, file, "cpu") for file in networks.dictionary_files]


def _batches(model: Any, world: MidWorld, amount: int) -> Iterator[Any]:
    """The same batches that the activations stage makes."""
    from harness.models.batches import length_buckets
    from harness.stages.extraction import as_batch
    from harness.store.tables import read_table
    from harness.words.records import Text

    ids = model.token_ids([row.text for row in read_table(world.phrases(amount), Text)])
    for bucket in length_buckets([len(row) for row in ids], world.networks.batch_tokens):
        yield as_batch(model, bucket, [ids[place] for place in bucket])


def _pairs(model: Any, world: MidWorld) -> Any:
    """One batch of eight pairs."""
    from harness.stages.alignment import own_latents
    from harness.stages.alignment_loss import Pairs
    from harness.store.tables import read_table
    from harness.words.records import Text, Translation

    english = [row.text for row in read_table(world.phrases(8), Text)]
    target = [row.text for row in read_table(world.translation(8), Translation)]
    sides = [tuple(map(tuple, model.token_ids(texts))) for texts in (english, target)]
    return Pairs(english=sides[0], target=sides[1], own=tuple(own_latents(world.phrases(8)).values()))


def _encoders(world: MidWorld, choice: Any) -> Any:
    from harness.models.sae import load_encoder

    whole = load_encoder(world.networks.dictionaries, world.networks.dictionary_files[0])
    return dict.fromkeys(choice.layers, whole)


def _alignment_choice(world: MidWorld) -> Any:
    """LoRA as the paper's study has it, on the layers below the last five."""
    from harness.words.study import AlignedLatents, AlignmentChoice

    return AlignmentChoice(
        latents=AlignedLatents.OWN,
        alpha=1.0,
        detach_english=False,
        layers=tuple(range(world.num_layers - 5)),
        rank=8,
        lora_alpha=16,
        target_modules=("q_proj", "v_proj"),
        learning_rate=1e-4,
        batch_size=8,
        epochs=1,
        pairs=8,
        weight_decay=0.01,
    )
