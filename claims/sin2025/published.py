"""Results that the authors published on the hub: what the baseline gate holds ours against, and where the rest lies.

Source: data set pages of the accounts richmondsin and JalilH, and results files of the first as far as their pages could
be read; the last digits are the last commit seen. Whether a given run is behind a number of the paper is open: several
variants were scored on the same items.
"""

from claims.sin2025 import pins
from harness.words.judgement import PublishedBaseline, PublishedSet

_SUBSETS = {name.removeprefix("m_"): pin.address for name, pin in pins.BENCHMARKS.items()}
_FULL = {name.removeprefix("m_"): pin.address for name, pin in pins.FULL_BENCHMARKS.items()}
"""Data sets by benchmark: the account richmondsin has as many results as its subsets have questions, JalilH as the full sets."""

BASELINES = (
    PublishedBaseline(
        benchmark="hellaswag",
        language="id",
        metric="acc",
        accuracy=0.4150191061638146,
        items=6019,
        questions=_SUBSETS["hellaswag"],
        address="richmondsin/hellaswag_id_results",
        commit="967875a",
        run="2024-12-03T18-18-36.739078",
    ),
    PublishedBaseline(
        benchmark="hellaswag",
        language="id",
        metric="acc_norm",
        accuracy=0.5592291078252202,
        items=6019,
        questions=_SUBSETS["hellaswag"],
        address="richmondsin/hellaswag_id_results",
        commit="967875a",
        run="2024-12-03T18-18-36.739078",
    ),
    PublishedBaseline(
        benchmark="hellaswag",
        language="ml",
        metric="acc",
        accuracy=0.2517029406878219,
        items=6019,
        questions=_SUBSETS["hellaswag"],
        address="richmondsin/hellaswag_ml_results",
        commit="eddbedc",
        run="2024-12-06T20-50-05.029141",
    ),
)
"""Accuracies of the untouched model on the id-aligned subset: what the baseline gate holds ours against.

Of the Malayalam run nothing but plain accuracy could be read; it stands at chance. `harness authors` prints a line for each
further cell that it finds; a line stands here once somebody has committed it, with an amendment of the lock.
"""

_UNTOUCHED = {
    ("hellaswag", "id"): "4df154b", ("hellaswag", "ml"): "eddbedc", ("hellaswag", "es"): "559712a",
    ("hellaswag", "ca"): "733d0a9", ("hellaswag", "hi"): "69763de", ("hellaswag", "mr"): "5c63bec",
    ("mmlu", "ru"): "b792189", ("mmlu", "id"): "f10fb2a", ("mmlu", "ca"): "c769a04", ("mmlu", "ml"): "447b0ce",
    ("mmlu", "hi"): "9e7f3fe", ("mmlu", "es"): "39ee367",
}  # fmt: skip
"""Untouched model on the id-aligned subsets, with the last commit seen."""

_TUNED = {
    "finetuned_arc_ml_output_layer_20_results": ("arc", "ml", "4k-2", None),
    "finetuned_arc_ml_output_layer_20_results_2": ("arc", "ml", "4k-2, 16k-2", "4fe73cb"),
    "finetuned_arc_ml_output_layer_20_results_3": ("arc", "ml", "4k-3", "f932681"),
    "finetuned_arc_ml_output_layer_20_4k_results_0": ("arc", "ml", "4k-0", None),
    "finetuned_arc_en_output_layer_20_4k_results_0": ("arc", "en", "4k-0", None),
    "finetuned_mmlu_ml_output_layer_20_results": ("mmlu", "ml", "4k-0", None),
    "finetuned_mmlu_en_output_layer_20_results": ("mmlu", "en", "4k-0", None),
    "finetuned_hellaswag_en_output_layer_20_results": ("hellaswag", "en", "4k-0", None),
    "finetuned_hellaswag_ml_output_layer_20_results": ("hellaswag", "ml", "4k-0", None),
}
"""Tuned models on the subsets, with the last commit seen; the last name follows the pattern, and nobody has seen it.

Of the set with two runs, earlier commits were seen too: 8a47721 with the run of 4k-2, 9b0dd99 with that of 16k-2.
"""

_COAUTHOR_TUNED = {
    "abs_finetuned_arc_ml_results": ("arc", "abs"),
    "sq_finetuned_arc_ml_results": ("arc", "sq"),
    "ml_finetuned_arc_ml_results": ("arc", "ml"),
    "last_finetuned_arc_ml_results": ("arc", "last"),
    "fine_tuned_gemma_ml_results": ("", "gemma"),
    "fine_tuned_gemma_2_ml_results": ("", "gemma_2"),
    "fine_tuned_gemma_3_ml_results": ("", "gemma_3"),
    "fine_tuned_gemma_4_ml_results": ("", "gemma_4"),
    "finetuned_hellaswag_ml_results": ("hellaswag", "not said"),
}
"""Benchmark, where the name tells it, and what the name tells of the tuning."""

PUBLISHED = (
    *(
        PublishedSet(
            address=f"richmondsin/{benchmark}_{code}_results",
            benchmark=benchmark,
            language=code,
            questions=_SUBSETS[benchmark],
            seen_revision=revision,
        )
        for (benchmark, code), revision in _UNTOUCHED.items()
    ),
    *(
        PublishedSet(
            address=f"richmondsin/{name}",
            benchmark=benchmark,
            language=code,
            questions=_SUBSETS[benchmark],
            tuned=tuned,
            seen_revision=revision,
        )
        for name, (benchmark, code, tuned, revision) in _TUNED.items()
    ),
    *(
        PublishedSet(
            address=f"JalilH/original_gemma_arc_{code}_results",
            benchmark="arc",
            language=code,
            questions=_FULL["arc"],
        )
        for code in ("zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi")
    ),
    *(
        PublishedSet(
            address=f"JalilH/{name}",
            benchmark=benchmark,
            language="ml",
            questions=_FULL.get(benchmark, ""),
            tuned=tuned,
        )
        for name, (benchmark, tuned) in _COAUTHOR_TUNED.items()
    ),
)
"""The co-author's account answered the full sets, the first author's the aligned subsets: their items differ."""
