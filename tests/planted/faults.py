"""Known ways to get this science wrong, each a few changed words, and the checks that must see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.planted.patching import Patch
from tests.planted.world import SEEDS

READING = ("activations", "activations-tuned/ml/seed-1", "dictionary-error/ml")
"""What a wrong way to read a model leads to: all that is read without an adapter, and a part of the rest."""
PHRASES = (
    "phrases", "translation-shards", "translations", "romanisations", "activations", "activations-tuned", "estimates",
)  # fmt: skip
"""What other phrases lead to, but for the error of dictionaries, which no fault is about that draws them."""
TRAINING = ("adapters/ml/seed-1",)
UNTUNED = ("benchmarks/es", "benchmarks/it")
"""Questions that no adapter is asked."""
ASKED_IN_HINDI = ("benchmarks/hi", *(f"benchmarks-tuned/hi/seed-{seed}/hi" for seed in SEEDS))
IN_HINDI = ("translation-shards/hi/0",)
"""What depends on how beams are searched, and on how long a translation may be."""

COUNTED = "models.residuals:counted_positions"
FRONT_OUT = " & (attention_mask.cumsum(dim=1) > num_front)"
BATCH = "stages.extraction:as_batch"
HOOKED = "stream = output[0] if isinstance(output, tuple) else output"
STREAM = "models.residuals:_reading"

ONLY_ERROR = "a mean of differences and a ratio of sums are the same in any order; only their error is not"
ONLY_VERDICTS = "the judge moves no estimate, only what is said of it"
OTHERS_PLANTED = (
    "what training writes is looked at; every estimate is read through planted weights and a planted log"
)


@dataclass(frozen=True)
class Fault:
    """One way to get it wrong."""

    name: str
    patches: tuple[Patch, ...]
    redone: tuple[str, ...]
    """Stages, or single items of them, that are made again; what needs them follows."""
    seen_by: tuple[str, ...]
    """Checks that must turn red; others may."""
    moves: Sequence[str] = ()
    """Beginnings of estimate ids, of which at least one must land a percentage point or more from the truth."""
    says: str = ""
    """What the pipeline itself says, where it refuses to go on."""
    no_percentage: str = ""
    """Why no estimate of the planted study moves, where none does: one of the three stands for every fault."""
    follows: bool = True
    """False where nothing is made again but what is named: the rest is the same, or not looked at."""


def _patched(where: str, old: str, new: str) -> tuple[Patch, ...]:
    return (Patch(where, old, new),)


FAULTS = (
    Fault(
        name="wrong layer by one",
        patches=_patched(STREAM, HOOKED, "stream = _inputs[0]"),
        redone=READING,
        seen_by=("token values", "tuned token values", "gaps", "gains", "dictionary errors", "similarities"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="hidden_states[-1] after the final norm",
        patches=_patched(
            "models.residuals:visit_residuals",
            "    _check(layers, len(blocks))\n",
            "    _check(layers, len(blocks))\n    handed, last = visit, len(blocks) - 1\n"
            "    visit = lambda layer, stream: handed(layer, decoder.norm(stream) if layer == last else stream)\n",
        ),
        redone=READING,
        seen_by=("token values", "gaps", "dictionary errors", "similarities"),
        moves=("gap/layer=3/",),
    ),
    Fault(
        name="front token counted",
        patches=(
            Patch(COUNTED, FRONT_OUT, ""),
            Patch(BATCH, "lengths=tuple(language_model.lengths(ids))", "lengths=tuple(map(len, ids))"),
        ),
        redone=READING,
        seen_by=("token values", "gaps", "gains", "retentions", "similarities", "dictionary errors"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="padding counted",
        patches=(
            Patch(COUNTED, f"(attention_mask == 1){FRONT_OUT}", "attention_mask.cumsum(dim=1) != num_front"),
            Patch(
                BATCH, "tuple(language_model.lengths(ids))", "tuple(input_ids.shape[1] - 1 for row in ids)"
            ),
        ),
        redone=READING,
        seen_by=("token values", "gaps", "similarities", "dictionary errors"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="padding on the other side of its mask",
        patches=_patched(
            "models.batches:padded_left",
            "[pad_id] * (longest - len(row)) + list(row)",
            "list(row) + [pad_id] * (longest - len(row))",
        ),
        redone=READING,
        seen_by=("token values", "gaps", "dictionary errors"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="padding on the other side, mask and all, in evaluation",
        patches=_patched(
            "models.likelihood:_padded",
            "[*row, *(filler,) * (width - len(row))]",
            "[*(filler,) * (width - len(row)), *row]",
        ),
        redone=UNTUNED,
        seen_by=("answers", "accuracies"),
        moves=("accuracy",),
    ),
    Fault(
        name="padding seen by attention",
        patches=_patched(
            "models.residuals:visit_residuals",
            "attention_mask=attention_mask, use_cache",
            "attention_mask=attention_mask * 0 + 1, use_cache",
        ),
        redone=READING,
        seen_by=("token values", "gaps", "dictionary errors"),
        moves=("gap/layer=0/high", "gap/layer=1/high", "gap/layer=2/high", "gap/layer=3/high"),
    ),
    Fault(
        name="first batch element only",
        patches=_patched(STREAM, HOOKED, "stream = output[:1].expand_as(output)"),
        redone=READING,
        seen_by=("token values", "gaps", "gains", "similarities", "dictionary errors"),
        moves=("gap/layer=0/high", "gap/layer=1/high", "gap/layer=2/high", "gap/layer=3/high"),
    ),
    Fault(
        name="threshold ignored",
        patches=_patched(
            "models.sae:latent_activations",
            "(pre_acts > encoder.threshold) & (pre_acts > 0)",
            "pre_acts > 0",
        ),
        redone=READING,
        seen_by=("token values", "gaps", "gains"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="loose threshold for strict",
        patches=_patched(
            "models.sae:latent_activations",
            "pre_acts > encoder.threshold",
            "pre_acts >= encoder.threshold",
        ),
        redone=READING,
        seen_by=("token values", "gaps"),
        moves=("gap",),
    ),
    Fault(
        name="threshold taken off what passes it",
        patches=_patched(
            "models.sae:latent_activations",
            "torch.where(fires, pre_acts,",
            "torch.where(fires, pre_acts - encoder.threshold,",
        ),
        redone=READING,
        seen_by=("token values", "gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="b_dec subtracted",
        patches=_patched(
            "models.sae:load_encoder",
            'b_enc=arrays["b_enc"]',
            'b_enc=arrays["b_enc"] - arrays_of(pin, file, ("W_enc", "b_dec"))["b_dec"] @ arrays["W_enc"]',
        ),
        redone=READING,
        seen_by=("token values", "gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="b_dec subtracted by the library",
        patches=_patched(
            "models.sae:load_sae", '"apply_b_dec_to_input": False', '"apply_b_dec_to_input": True'
        ),
        redone=("dictionary-error",),
        seen_by=("dictionary errors",),
        moves=("dictionary-error",),
    ),
    Fault(
        name="SAE of another layer",
        patches=_patched(
            "stages.extraction:_chosen_columns",
            "layer_encoder(networks, layer)",
            "layer_encoder(networks, networks.layers[networks.layers.index(layer) - 1])",
        ),
        redone=READING,
        seen_by=("token values", "gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="columns of other latents",
        patches=_patched(
            "stages.extraction:_layer_reading", "(*panel, *sorted(others))", "(*sorted(others), *panel)"
        ),
        redone=READING,
        seen_by=("panel values", "rival explanations"),
        moves=("gap-remaining",),
    ),
    Fault(
        name="bf16 encode",
        patches=_patched(
            "models.sae:latent_activations",
            "stream @ encoder.W_enc + encoder.b_enc",
            "(stream.bfloat16() @ encoder.W_enc.bfloat16() + encoder.b_enc.bfloat16()).float()",
        ),
        redone=READING,
        seen_by=("token values", "gaps"),
        moves=("gap",),
    ),
    Fault(
        name="latents joined by batch number",
        patches=_patched(
            "sources.neuronpedia:row_of",
            'latent_of(fields["index"])',
            'int(place.rsplit("batch-")[1].split(".")[0])',
        ),
        redone=("phrases",),
        seen_by=("selections without a panel", "selections"),
        says="but the panel needs 4",
    ),
    Fault(
        name="latents counted from the start of their batch",
        patches=_patched("sources.neuronpedia:row_of", '(fields["index"])', '(fields["index"]) % 6'),
        redone=("phrases",),
        seen_by=("selections without a panel", "selections"),
        says="but the panel needs 4",
    ),
    Fault(
        name="feature maximum from the rows of other latents",
        patches=_patched(
            "stages.phrases:eligible_phrases",
            "rows.maxima[latent]",
            "rows.maxima.get(latent + 1, rows.maxima[latent])",
        ),
        redone=PHRASES,
        follows=False,
        seen_by=("selections", "gaps"),
        moves=("gap",),
    ),
    Fault(
        name="feature maximum from the English rows alone",
        patches=_patched(
            "stages.phrases:eligible_phrases",
            "rows.maxima[latent]",
            "max(phrase.stored_peak for phrase in phrases)",
        ),
        redone=PHRASES,
        follows=False,
        seen_by=("selections", "gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="feature maximum from rows that peak on BOS",
        patches=_patched(
            "stages.phrases:usable_rows",
            "usable.peaked_on_bos += 1",
            "usable.maxima[row.latent] = max(*row.values, usable.maxima.get(row.latent, 0.0))",
        ),
        redone=("phrases",),
        seen_by=("selections without a panel", "selections"),
        says="but the panel needs 4",
    ),
    Fault(
        name="phrases below eight tenths of the maximum",
        patches=_patched(
            "stages.phrases:eligible_phrases", "phrase.stored_peak >= bar", "phrase.stored_peak >= 0"
        ),
        redone=PHRASES,
        follows=False,
        seen_by=("selections", "gaps"),
        moves=("gap",),
    ),
    Fault(
        name="duplicates kept",
        patches=_patched("stages.phrases:eligible_phrases", "_distinct(strong)", "tuple(strong)"),
        redone=("phrases",),
        seen_by=("selections", "gaps"),
        says="selections have no value",
    ),
    Fault(
        name="whole window for the sentence",
        patches=_patched(
            "stages.phrases:phrase_around_peak",
            "if cut is PhraseCut.WINDOW:",
            "if cut is not PhraseCut.WINDOW:",
        ),
        redone=PHRASES,
        follows=False,
        seen_by=("selections", "gaps"),
        moves=("gap", "gain"),
    ),
    Fault(
        name="translations shifted by one",
        patches=_patched(
            "stages.translation:translated_texts",
            "zip(texts, decoded, said, whole, strict=True)",
            "zip(texts, decoded[1:] + decoded[:1], said, whole, strict=True)",
        ),
        redone=("translation-shards/ml/0",),
        seen_by=("translations", "token values", "gaps", "similarities"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="translations in the order of their length",
        patches=_patched(
            "stages.translation:translated_texts",
            "zip(texts, decoded, said, whole, strict=True)",
            "zip(texts, sorted(decoded, key=len, reverse=True), said, whole, strict=True)",
        ),
        redone=("translation-shards/ml/0",),
        seen_by=("translations", "gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="untranslated copies",
        patches=_patched(
            "stages.translation:translated_texts",
            "tokenizer.batch_decode(said, skip_special_tokens=True)",
            "list(sources)",
        ),
        redone=("translation-shards/ml/0",),
        seen_by=("translations", "gaps", "unflagged translations", "tokens and selections kept"),
        moves=("gap/layer=1/high", "translations-unflagged"),
    ),
    Fault(
        name="wrong target tag",
        patches=_patched(
            "stages.translation:translation_shards",
            "texts, target_token",
            'texts, target_token and ">>por<<"',
        ),
        redone=("translation-shards/it/0",),
        seen_by=("translations", "gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="no target tag",
        patches=_patched(
            "stages.translation:translated_texts", 'f"{target_token} " if target_token else ""', '""'
        ),
        redone=("translation-shards/it/0",),
        seen_by=("translations", "gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="English read for its translation",
        patches=_patched("stages.texts:language_texts", "if translation is not None:", "if False:"),
        redone=READING,
        seen_by=("lengths", "token values", "gaps", "similarities"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="languages swapped",
        patches=_patched(
            "designs.disparity.base:BaseRun.by_language",
            'f"activations/{language.code}"',
            '"activations/" + {"es": "ml", "ml": "es"}.get(language.code, language.code)',
        ),
        redone=("estimates",),
        seen_by=("gaps", "gains", "units of gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high", "gain"),
    ),
    Fault(
        name="group membership swapped",
        patches=_patched(
            "designs.disparity.base:BaseRun.codes",
            "if language.group is group",
            'if (language.group is group) != (language.code in ("es", "hi") and group is not Group.REFERENCE)',
        ),
        redone=("estimates",),
        seen_by=("gaps", "units of gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="mean of ratios for ratio of means",
        patches=_patched(
            "statistics.metrics:gap_percent",
            "aggregation is Aggregation.RATIO_OF_MEANS",
            # Wherever there is one: some random directions are silent in every high-resource language.
            "aggregation is Aggregation.MEAN_OF_RATIOS or not high.all()",
        ),
        redone=("estimates",),
        seen_by=("gaps", "correlations"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="gap over the low side",
        patches=_patched(
            "statistics.metrics:gap_percent", "(1 - low.sum() / high.sum())", "(high.sum() / low.sum() - 1)"
        ),
        redone=("estimates",),
        seen_by=("gaps", "correlations"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="gap to English under the name of the high side",
        patches=_patched(
            "designs.disparity.base:BaseRun.references",
            '"high": self.group_values(self.codes(Group.HIGH))',
            '"high": self.group_values(self.codes(Group.REFERENCE))',
        ),
        redone=("estimates",),
        seen_by=("gaps", "units of gaps", "correlations"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="maximum for mean over tokens",
        patches=_patched("statistics.metrics:pooled", "if how is Pooling.MAX:", "if how is Pooling.MEAN:"),
        redone=("estimates",),
        seen_by=("gaps", "gains", "units of gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="mean over active tokens alone",
        patches=_patched("statistics.metrics:pooled", "if how is Pooling.MEAN:", "if how is Pooling.LAST:"),
        redone=("estimates",),
        seen_by=("gaps", "gains", "units of gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="activations joined to phrases by place",
        patches=_patched(
            "designs.disparity.latents:pooled_values",
            "aligned[places] = pooled(*tokens, pooling)[order]",
            "aligned[places] = pooled(*tokens, pooling)",
        ),
        redone=("estimates",),
        seen_by=("gaps", "gains", "units of gaps"),
        moves=("gap/layer=1/high", "gap/layer=3/high"),
    ),
    Fault(
        name="adapter not attached while reading",
        patches=_patched(
            "stages.extraction:activations_tuned",
            "attached(language_model.model, adapter)",
            'open("/dev/null")',
        ),
        redone=("activations-tuned/ml/seed-1",),
        seen_by=("tuned token values", "gains", "retentions"),
        moves=("gain", "retention"),
    ),
    Fault(
        name="adapter not attached while asking",
        patches=_patched(
            "stages.evaluation:benchmarks_tuned",
            "attached(language_model.model, adapter)",
            '__import__("contextlib").nullcontext(language_model.model)',
        ),
        redone=("benchmarks-tuned/ml",),
        seen_by=("tuned answers", "deltas", "paired outcomes"),
        moves=("delta",),
    ),
    Fault(
        name="adapter left on the base model",
        patches=_patched("models.adapters:_restored", "setattr(module, name, child)", "pass"),
        redone=(),
        seen_by=("base model restored",),
        no_percentage="every stage has a process of its own; nobody reads a model after its adapter is taken off",
    ),
    Fault(
        name="adapter of another seed",
        patches=_patched(
            "models.adapters:attached",
            "PeftModel.from_pretrained(model, folder)",
            'PeftModel.from_pretrained(model, folder.with_name("seed-1"))',
        ),
        redone=("activations-tuned/ml/seed-2",),
        seen_by=("tuned token values", "gains", "retentions"),
        moves=("gain", "retention"),
    ),
    Fault(
        name="adapter of another language",
        patches=_patched(
            "models.adapters:attached",
            "PeftModel.from_pretrained(model, folder)",
            'PeftModel.from_pretrained(model, folder.parent.with_name("hi") / folder.name)',
        ),
        redone=("activations-tuned/ml", "benchmarks-tuned/ml"),
        seen_by=("tuned token values", "tuned answers", "gains"),
        moves=("gain/layer=2/lang=ml", "retention"),
    ),
    Fault(
        name="u and v swapped",
        patches=_patched(
            "stages.alignment_loss:Aligner.both_sides",
            "[layer[: len(pairs)] for layer in pooled], [layer[len(pairs) :] for layer in pooled]",
            "[layer[len(pairs) :] for layer in pooled], [layer[: len(pairs)] for layer in pooled]",
        ),
        redone=TRAINING,
        seen_by=("first loss", "first moment"),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="drift measured against the tuned model itself",
        patches=_patched(
            "stages.alignment_loss:Aligner.original",
            "with untouched(), torch.no_grad():",
            "with torch.no_grad():",
        ),
        redone=(),
        seen_by=("drift of a planted adapter",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="front token counted in training",
        patches=_patched(COUNTED, FRONT_OUT, ""),
        redone=(*TRAINING, "activations-tuned/ml"),
        seen_by=("first loss", "first moment"),
        moves=("gain",),
    ),
    Fault(
        name="training on what is held out",
        patches=_patched("stages.alignment:parted", "for held in (False, True)", "for held in (True, False)"),
        redone=TRAINING,
        seen_by=("first loss", "first moment"),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="controls trained on true partners",
        patches=_patched("stages.alignment:adapters", "if wrong_partners:", "if False:"),
        redone=("adapters/ml/control-1",),
        seen_by=("first loss of controls",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="adapters read for their controls",
        patches=_patched(
            "designs.disparity.tuning:read_tuned_run", "is_control=controls", "is_control=False"
        ),
        redone=("estimates",),
        seen_by=("controls",),
        moves=("gain-control",),
    ),
    Fault(
        name="learning rate twice what was asked",
        patches=_patched(
            "stages.training:Training.run",
            "lr=self.task.choice.learning_rate",
            "lr=2 * self.task.choice.learning_rate",
        ),
        redone=(),
        seen_by=("two steps by hand",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="weight decay ignored",
        patches=_patched(
            "stages.training:Training.run", "weight_decay=self.task.choice.weight_decay", "weight_decay=0.0"
        ),
        redone=(),
        seen_by=("two steps by hand",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="gradients never zeroed",
        patches=_patched("stages.training:Training.gradients", "parameter.grad = None", "pass"),
        redone=(),
        seen_by=("two steps by hand",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="LoRA dropout that nobody asked for",
        patches=_patched("models.adapters:trained_adapter", "lora_dropout=0.0", "lora_dropout=0.5"),
        redone=(),
        seen_by=("two steps by hand",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="LoRA on the wrong layers",
        patches=_patched(
            "models.adapters:trained_adapter",
            "layers_to_transform=list(choice.layers)",
            "layers_to_transform=[layer + 1 for layer in choice.layers]",
        ),
        redone=(*TRAINING, "activations-tuned/ml/seed-1"),
        seen_by=("places of adapters", "gains"),
        says="the adapter changes nothing at",
    ),
    Fault(
        name="LoRA on other projections",
        patches=_patched(
            "models.adapters:trained_adapter",
            "target_modules=list(choice.target_modules)",
            'target_modules=["k_proj", "v_proj"]',
        ),
        redone=TRAINING,
        seen_by=("places of adapters",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="training phrases in the evaluation",
        patches=(
            *(
                Patch(f"designs.disparity.tuning:{function}", "held_out_only=True", "held_out_only=False")
                for function in ("TunedRun.rows", "_share_of_gap_closed")
            ),
            Patch("designs.disparity.base:BaseRun.tuned", "self.selections.held_out & (", "("),
            Patch("stages.extraction:activations_tuned", " if held}", "}"),
        ),
        redone=("activations-tuned", "estimates"),
        seen_by=("gains", "retentions"),
        moves=("gain",),
    ),
    Fault(
        name="retention measured on the adapter's own language",
        patches=_patched(
            "designs.disparity.tuning:retentions",
            "read_tuned_run(base, code, english)",
            "read_tuned_run(base, code, code)",
        ),
        redone=("estimates",),
        seen_by=("retentions",),
        moves=("retention",),
    ),
    Fault(
        name="gain over the value after",
        patches=_patched(
            "statistics.metrics:change_percent",
            "(after.sum() / before.sum() - 1)",
            "(1 - before.sum() / after.sum())",
        ),
        redone=("estimates",),
        seen_by=("gains", "retentions"),
        moves=("gain",),
    ),
    Fault(
        name="base and tuned on different items",
        patches=_patched("stages.evaluation:benchmarks_tuned", "items=items", "items=8"),
        redone=("benchmarks-tuned/ml",),
        seen_by=("tuned answers", "deltas"),
        says="other documents than the untouched model",
    ),
    Fault(
        name="base and tuned on different examples",
        patches=_patched("stages.evaluation:benchmarks_tuned", "max_shots=max_shots", "max_shots=1"),
        redone=("benchmarks-tuned/ml",),
        seen_by=("tuned answers", "deltas"),
        says="prompted otherwise than the untouched model",
    ),
    Fault(
        name="items of another language",
        patches=_patched(
            "stages.evaluation_tasks:_stage",
            "pin, questions.language, benchmark.evaluated_split",
            'pin, "en", benchmark.evaluated_split',
        ),
        redone=("benchmarks",),
        seen_by=("answers", "accuracies"),
        says="other documents than the untouched model",
    ),
    Fault(
        name="documents paired with others",
        patches=_patched(
            "designs.disparity.scores:_paired",
            "reference=100 * before.correct",
            "reference=100 * np.sort(before.correct)",
        ),
        redone=("estimates",),
        seen_by=("paired outcomes", "errors"),
        no_percentage=ONLY_ERROR,
    ),
    Fault(
        name="unpaired error",
        patches=_patched(
            "judge.resampled:data_spread",
            "return mean_spread(per_unit, size)",
            "return Spread(math.hypot(mean_spread(observed).se, mean_spread(reference).se), None)",
        ),
        redone=(),
        seen_by=("errors",),
        no_percentage=ONLY_ERROR,
    ),
    Fault(
        name="unpaired error of a gap",
        patches=_patched(
            "judge.resampled:data_spread",
            "ratio_spread(observed, reference)",
            "ratio_spread(observed, np.sort(reference))",
        ),
        redone=(),
        seen_by=("errors",),
        no_percentage=ONLY_ERROR,
    ),
    Fault(
        name="texts left in their own script",
        patches=_patched("stages.romanisation:romanisations", "in_latin_letters(row.text)", "row.text"),
        redone=("romanisations",),
        seen_by=("rival explanations",),
        moves=("gap-remaining/layer=1/romanised", "gap-remaining/layer=3/romanised"),
    ),
    Fault(
        name="differences of two gains drawn on logarithms",
        patches=tuple(
            Patch(f"judge.resampled:{function}", "in ON_LOGARITHMS", "in RATIOS")
            for function in ("_pivots", "studentised")
        ),
        redone=(),
        seen_by=("differences",),
        no_percentage=ONLY_ERROR,
    ),
    Fault(
        name="change under the adapter with the sign of the other side",
        patches=_patched(
            "designs.disparity.scores:_paired",
            "(part.observed - part.reference)",
            "(part.reference - part.observed)",
        ),
        redone=("estimates",),
        seen_by=("deltas",),
        moves=("delta",),
    ),
    Fault(
        name="other metric than the benchmark's",
        patches=_patched(
            "designs.disparity.scores:read_answers", "getattr(row, benchmark.metric)", "row.acc"
        ),
        redone=("estimates",),
        seen_by=("accuracies",),
        moves=("accuracy",),
    ),
    Fault(
        name="English among the languages of a correlation",
        patches=_patched(
            "designs.disparity.scores:correlations", " if language.group is not Group.REFERENCE", ""
        ),
        redone=("estimates",),
        seen_by=("correlations",),
        moves=("correlation",),
    ),
    Fault(
        name="wrong n-shot",
        patches=_patched("stages.evaluation_tasks:_settings", '"num_fewshot": shots', '"num_fewshot": 0'),
        redone=("benchmarks",),
        seen_by=("answers", "accuracies"),
        says="ran with 0 examples, but 2 were asked for",
    ),
    Fault(
        name="wrong n-shot, everywhere alike",
        patches=_patched(
            "stages.evaluation_tasks:_stage",
            "shots = benchmark.shots if questions.max_shots is None else",
            "shots = 1 if True else",
        ),
        redone=(*UNTUNED, *ASKED_IN_HINDI),
        seen_by=("answers", "tuned answers", "accuracies"),
        moves=("accuracy",),
    ),
    Fault(
        name="no BOS in evaluation",
        patches=(Patch("stages.evaluation:scorer", "add_bos_token=bool(front)", "add_bos_token=False"),),
        redone=("benchmarks",),
        seen_by=("answers", "accuracies"),
        says="in front, once",
    ),
    Fault(
        name="no BOS in evaluation, and nobody minds",
        patches=(
            Patch("stages.evaluation:scorer", "context=tuple(ids)", "context=tuple(ids[1:])"),
            Patch(
                "stages.evaluation:_require_front",
                "if ids[: len(front)] != front or not {*front}.isdisjoint(ids[len(front) :]):",
                "if False:",
            ),
        ),
        redone=ASKED_IN_HINDI,
        seen_by=("answers", "tuned answers", "accuracies"),
        moves=("accuracy",),
    ),
    Fault(
        name="log-probabilities of the token before",
        patches=_patched(
            "models.likelihood:continuation_answers",
            "row_hidden[len(row.prompt) - 1 : len(row.ids)]",
            "row_hidden[len(row.prompt) - 1 : len(row.ids)].roll(1, 0)",
        ),
        redone=UNTUNED,
        seen_by=("answers", "accuracies"),
        moves=("accuracy",),
    ),
    Fault(
        name="stale artifact served after its input changed",
        patches=_patched(
            "store.store:Store._standing", "artifact.recipe.ingredients == recipe.ingredients", "True"
        ),
        redone=(),
        seen_by=("freshness",),
        no_percentage="what is served was right once; how far from now it is depends on what was changed",
    ),
    Fault(
        name="stale artifact served after its code changed",
        patches=_patched(
            "run.artifacts:Recipes._content", "self.code(self.plan.stage(item.stage).module)", '""'
        ),
        redone=(),
        seen_by=("freshness",),
        no_percentage="what is served was right once; how far from now it is depends on what was changed",
    ),
    Fault(
        name="seeds not reaching the draw of phrases",
        patches=_patched(
            "stages.phrases:_stream",
            "SeedSequence([seed, draw, layer, *latent])",
            "SeedSequence([draw, layer, *latent])",
        ),
        redone=(),
        seen_by=("seeds of phrases",),
        no_percentage="one draw is as right as another; only what draws differ by is lost, and here everything is taken",
    ),
    Fault(
        name="seeds not reaching the adapter's first weights",
        patches=_patched(
            "models.adapters:trained_adapter", "torch.manual_seed(seed)", "torch.manual_seed(0)"
        ),
        redone=("adapters/ml",),
        seen_by=("seeds of adapters",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="seeds not reaching the order of training",
        patches=_patched(
            "stages.training:planned_batches",
            "SeedSequence([task.seed, num_pairs])",
            "SeedSequence([num_pairs])",
        ),
        redone=(),
        seen_by=("seeds of batches",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="similarity to its own translation",
        patches=_patched(
            "designs.disparity.base:similarities",
            'run.inputs["activations/" + run.codes(Group.REFERENCE)[0]]',
            'run.inputs["activations/" + run.languages[1].code]',
        ),
        redone=("estimates",),
        seen_by=("similarities",),
        moves=("similarity",),
    ),
    Fault(
        name="flags forgotten",
        patches=_patched("words.records:Translation.is_flagged", "self.is_empty or self.is_copy or ", ""),
        redone=("estimates",),
        seen_by=("unflagged translations",),
        moves=("translations-unflagged",),
    ),
    Fault(
        name="lengths never odd",
        patches=_patched(
            "stages.translation:flagged", "is_odd_length(text.text, translation, ratio)", "False"
        ),
        redone=IN_HINDI,
        seen_by=("translations", "unflagged translations"),
        moves=("translations-unflagged",),
    ),
    Fault(
        name="before and after of training swapped",
        patches=_patched(
            "designs.disparity.tuning:moment_scopes",
            '("before", 0), ("after", -1)',
            '("before", -1), ("after", 0)',
        ),
        redone=("estimates",),
        seen_by=("training figures",),
        moves=("alignment-gap/",),
    ),
    Fault(
        name="the specification's beams not handed to translators",
        patches=_patched("stages.translation:translated_texts", "beam_size=num_beams,", ""),
        redone=IN_HINDI,
        seen_by=("translations", "gaps", "tokens and selections kept"),
        moves=("gap",),
    ),
    Fault(
        name="greedy instead of beams",
        patches=_patched(
            "designs.disparity.plan:Told._translating",
            '"num_beams": self.study.specification.num_beams',
            '"num_beams": 1',
        ),
        redone=IN_HINDI,
        seen_by=("translations", "gaps", "tokens and selections kept"),
        moves=("gap",),
    ),
    Fault(
        name="no length penalty",
        patches=_patched(
            "stages.translation:translated_texts",
            "patience=PATIENCE,",
            "patience=PATIENCE, length_penalty=0.0,",
        ),
        redone=IN_HINDI,
        seen_by=("translations", "gaps", "tokens and selections kept"),
        moves=("tokens-per-phrase",),
    ),
    Fault(
        name="translations cut at 48 tokens",
        patches=_patched(
            "stages.translation:translated_texts", "min(MAX_NEW_TOKENS, positions)", "min(48, positions)"
        ),
        redone=IN_HINDI,
        seen_by=("translations", "tokens and selections kept"),
        moves=("tokens-per-phrase", "translations-unflagged"),
    ),
    Fault(
        name="translators of one script swapped",
        patches=tuple(
            Patch(
                f"designs.disparity.plan:Told.{told}",
                "translators[language.code]",
                'translators[{"es": "it", "it": "es"}.get(language.code, language.code)]',
            )
            for told in ("translator", "_translating")
        ),
        redone=("converted-translators/es", "converted-translators/it"),
        seen_by=("translations", "gaps"),
        moves=("gap/layer=1/lang=es", "gap/layer=3/lang=es"),
    ),
    Fault(
        name="batch size of the profile ignored",
        patches=_patched(
            "designs.disparity.plan:Told.adapter",
            "sizes.alignment_batch or choice.batch_size",
            "choice.batch_size",
        ),
        redone=TRAINING,
        seen_by=("first loss",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="training steps of the profile ignored",
        patches=_patched(
            "designs.disparity.plan:Told.adapter",
            '"max_steps": sizes.max_alignment_steps',
            '"max_steps": None',
        ),
        redone=TRAINING,
        seen_by=("first loss",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="sampling seed of the profile ignored by phrases",
        patches=_patched(
            "designs.disparity.plan:Told.phrases", "self.profile.sizes.sampling_seed", "SAMPLING_SEED"
        ),
        redone=("phrases", "activations-tuned", "estimates"),
        follows=False,
        seen_by=("held-out texts", "gains", "retentions"),
        moves=("gain",),
    ),
    Fault(
        name="sampling seed of the profile ignored by dictionaries",
        patches=_patched(
            "designs.disparity.plan:Told.dictionary_error",
            "self.profile.sizes.sampling_seed",
            "SAMPLING_SEED",
        ),
        redone=("dictionary-error/en",),
        seen_by=("dictionary errors",),
        moves=("dictionary-error",),
    ),
    Fault(
        name="dictionary samples that differ between languages",
        patches=_patched(
            "stages.dictionary_error:dictionary_error",
            "len(spoken.texts), texts, seed",
            "len(spoken.texts), texts, seed + sum(map(ord, language))",
        ),
        redone=("dictionary-error/es",),
        seen_by=("dictionary errors",),
        moves=("dictionary-error",),
    ),
    Fault(
        name="stream of the layer below spliced",
        patches=_patched(
            "models.splicing:text_losses",
            "count * (copy_of[layer] + 1) : count * (copy_of[layer] + 2)",
            "count * copy_of[layer] : count * (copy_of[layer] + 1)",
        ),
        redone=("dictionary-error/en",),
        seen_by=("losses recovered",),
        moves=("loss-recovered",),
    ),
    Fault(
        name="random directions of another sparsity",
        patches=_patched(
            "designs.disparity.rivals:random_dictionaries", "row.l0 / row.latents", "row.l0 / 100"
        ),
        redone=("estimates",),
        seen_by=("rival explanations",),
        moves=("gap-remaining",),
    ),
    Fault(
        name="selected texts among those that nobody selected",
        patches=_patched("designs.disparity.rivals:LatentPanel._unselected", "invert=True", "invert=False"),
        redone=("estimates",),
        seen_by=("rival explanations",),
        moves=("gap-remaining",),
    ),
    Fault(
        name="mirror that English chooses",
        patches=_patched(
            "designs.disparity.rivals:LatentPanel.gaps",
            "selected[english if chooses else code]",
            "selected[english]",
        ),
        redone=("estimates",),
        seen_by=("rival explanations",),
        moves=("gap-on-chosen-texts",),
    ),
    Fault(
        name="languages not told apart in the slope on tokens",
        patches=_patched(
            "designs.disparity.rivals:Spoken.slopes",
            "(values[has_both] - values[has_both].mean() for values in (x, y))",
            "(values[has_both] for values in (x, y))",
        ),
        redone=("estimates",),
        seen_by=("rival explanations",),
        moves=("slope-on-tokens",),
    ),
    Fault(
        name="full set instead of the aligned subset",
        patches=_patched(
            "designs.disparity.plan:Told.benchmarks", '"items": sizes.items_per_cell', '"items": None'
        ),
        redone=UNTUNED,
        seen_by=("answers", "accuracies"),
        moves=("accuracy",),
    ),
    Fault(
        name="benchmarks of one language from another's file",
        patches=_patched(
            "stages.evaluation_tasks:_stage",
            "pin, questions.language, benchmark.evaluated_split",
            'pin, questions.language.replace("es", "it"), benchmark.evaluated_split',
        ),
        redone=("benchmarks/es",),
        seen_by=("answers", "accuracies", "correlations"),
        moves=("accuracy/lang=es",),
    ),
    Fault(
        name="examples drawn under another seed than lm-eval's",
        patches=_patched("stages.evaluation:_evaluate", "seed=EXAMPLES_SEED", "seed=0"),
        redone=UNTUNED,
        seen_by=("answers", "accuracies"),
        moves=("accuracy",),
    ),
    Fault(
        name="only some seeds in gains",
        patches=_patched(
            "designs.disparity.tuning:read_tuned_run",
            "else base.adapter_seeds",
            "else base.adapter_seeds[:2]",
        ),
        redone=("estimates",),
        seen_by=("gains", "retentions", "seeds of estimates"),
        moves=("gain/layer=2/lang=ml",),
    ),
    Fault(
        name="benchmarks of one adapter counted as seeds",
        patches=_patched(
            "designs.disparity.scores:accuracy_retention",
            "[_kept_right(asked, seed) for seed in ratios]",
            "[__import__('dataclasses').replace(_kept_right({name: arms}, seed), seed=100 * seed + place) "
            "for seed in ratios for place, (name, arms) in enumerate(asked.items())]",
        ),
        redone=("estimates",),
        seen_by=("seeds of estimates",),
        no_percentage=ONLY_ERROR,
    ),
    Fault(
        name="median over benchmarks for their mean",
        patches=_patched(
            "designs.disparity.scores:correlations",
            "np.mean(scores",
            "np.median(scores",
        ),
        redone=("estimates",),
        seen_by=("correlations",),
        moves=("correlation/primary",),
    ),
    Fault(
        name="relative change guarded by the arm after",
        patches=_patched(
            "designs.disparity.scores:deltas",
            "before.accuracy_percent > 0:",
            "all(answers.accuracy_percent > 0 for answers in after.values()):",
        ),
        redone=("estimates",),
        seen_by=("deltas",),
        moves=("relative-delta",),
    ),
    Fault(
        name="gaussian first weights",
        patches=_patched(
            "models.adapters:trained_adapter",
            'layers_pattern="layers",',
            'layers_pattern="layers", init_lora_weights="gaussian",',
        ),
        redone=(),
        seen_by=("first weights of adapters",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="gradients clipped",
        patches=_patched(
            "stages.training:Training._step",
            "optimizer.step()",
            "torch.nn.utils.clip_grad_norm_(self.parameters, 1e-3); optimizer.step()",
        ),
        redone=(),
        seen_by=("two steps by hand",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="later seeds starting from the weights of the first",
        patches=_patched(
            "models.adapters:trained_adapter",
            "torch.manual_seed(seed)",
            "torch.manual_seed((seed - 1) % 2 + 1)",
        ),
        redone=("adapters/ml/seed-3",),
        seen_by=("seeds of adapters",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="later seeds reading the adapters of the first",
        patches=_patched(
            "models.adapters:attached",
            "PeftModel.from_pretrained(model, folder)",
            'PeftModel.from_pretrained(model, folder.with_name(folder.name.replace("seed-3", "seed-1")))',
        ),
        redone=("activations-tuned/ml/seed-3",),
        seen_by=("tuned token values", "gains", "retentions"),
        moves=("gain/layer=2/lang=ml", "retention"),
    ),
    Fault(
        name="adapter read in training mode",
        patches=_patched("models.adapters:attached", ".eval()", ".train()"),
        redone=("activations-tuned/ml/seed-1",),
        seen_by=("tuned token values", "gains", "retentions"),
        moves=("gain/layer=2/lang=ml", "retention"),
    ),
    Fault(
        name="shuffled control of English with English",
        patches=_patched("stages.training:measured_moment", "(u - v[partners])", "(u - u[partners])"),
        redone=TRAINING,
        seen_by=("first moment",),
        no_percentage=OTHERS_PLANTED,
    ),
    Fault(
        name="no sliding window",
        patches=_patched(
            "models.loading:load_language_model",
            "use_safetensors=True",
            "use_safetensors=True, sliding_window=1024",
        ),
        redone=("activations/ml", *UNTUNED),
        seen_by=("token values", "gaps", "answers", "accuracies"),
        moves=("accuracy",),
    ),
    Fault(
        name="tuned artifact keeping its name when its adapter changes",
        patches=_patched(
            "run.artifacts:Recipes._content",
            "for role, need in item.needs]",
            'for role, need in item.needs if role != "adapter"]',
        ),
        redone=(),
        seen_by=("freshness",),
        no_percentage="what is served was right once; how far from now it is depends on what was changed",
    ),
    Fault(
        name="minimum of seeds asked of the best member",
        patches=_patched("judge.rules:unmet_minimum", "seeds = min(", "seeds = max("),
        redone=(),
        seen_by=("verdicts",),
        no_percentage=ONLY_VERDICTS,
    ),
    Fault(
        name="only the first layer able to break a claim",
        patches=_patched("judge.judge:_said_of", "in claim.estimates if", "in claim.estimates[:1] if"),
        redone=(),
        seen_by=("verdicts",),
        no_percentage=ONLY_VERDICTS,
    ),
    Fault(
        name="subset not told in the mean correlation",
        patches=_patched(
            "designs.disparity.quantities:cells_of",
            'case "correlation", _:',
            'case "correlation", _ if scope.benchmark:',
        ),
        redone=(),
        seen_by=("verdicts",),
        no_percentage=ONLY_VERDICTS,
    ),
    Fault(
        name="units always answering for a population",
        patches=(
            Patch(
                "judge.measurements:Measurements._measured",
                'inference is InferenceTarget.FIXED_ITEMS or estimate.unit_kind == "seed"',
                'estimate.unit_kind == "seed"',
            ),
        ),
        redone=(),
        seen_by=("errors of what is declared",),
        no_percentage=ONLY_VERDICTS,
    ),
)

NINETEEN = (
    "the specification's beams not handed to translators",
    "no length penalty",
    "translators of one script swapped",
    "batch size of the profile ignored",
    "training steps of the profile ignored",
    "sampling seed of the profile ignored by phrases",
    "sampling seed of the profile ignored by dictionaries",
    "full set instead of the aligned subset",
    "benchmarks of one language from another's file",
    "examples drawn under another seed than lm-eval's",
    "only some seeds in gains",
    "benchmarks of one adapter counted as seeds",
    "median over benchmarks for their mean",
    "gaussian first weights",
    "gradients clipped",
    "shuffled control of English with English",
    "no sliding window",
    "minimum of seeds asked of the best member",
    "only the first layer able to break a claim",
)
"""Faults that fit into one pipeline together, none of which makes it stop: it goes through to the end, and is wrong."""
