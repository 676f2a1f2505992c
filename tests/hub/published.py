"""Results files in the true format of lm-eval 0.4: two untouched runs as they were published, and a made-up tuned one."""

import hashlib
import json
from typing import Any

from tests.hub.server import Repository

INDONESIAN, MALAYALAM = 0.4150191061638146, 0.2517029406878219
ERRORS = {INDONESIAN: 0.006351536446779069, MALAYALAM: 0.005594420057712956}


def results_file(
    task: str, metrics: dict[str, Any], *, shots: int | None = 10, items: int | None = 6019
) -> bytes:
    """A summary as `lm_eval --output_path` writes it, cut to what is read."""
    content: dict[str, Any] = {
        "results": {task: {"alias": task, **metrics}},
        "group_subtasks": {task: []},
        "configs": {task: {"task": task, "num_fewshot": shots}},
        "versions": {task: 1.0},
        "n-shot": {task: shots} if shots is not None else {},
        "higher_is_better": {task: {"acc": True}},
        "n-samples": {task: {"original": items, "effective": items}} if items is not None else {},
        "config": {
            "model": "hf",
            "model_args": "pretrained=google/gemma-2-2b",
            "batch_size": "8",
            "limit": None,
        },
        "model_name": "google/gemma-2-2b",
    }
    return json.dumps(content).encode()


def samples_file(right: int, right_by_norm: int, items: int = 6019) -> bytes:
    """Samples as `lm_eval --log_samples` writes them, cut to what is read; the last document comes first."""
    samples = (
        {
            "doc_id": place,
            "doc": {"ind": place},
            "target": "0",
            "filter": "none",
            "metrics": ["acc", "acc_norm"],
            "doc_hash": hashlib.sha256(str(place).encode()).hexdigest(),
            "acc": float(place < right),
            "acc_norm": float(place < right_by_norm),
        }
        for place in reversed(range(items))
    )
    return "".join(json.dumps(sample) + "\n" for sample in samples).encode()


def results_repository(stamp: str, content: bytes, task: str = "", samples: bytes = b"{}\n") -> Repository:
    return Repository(
        files={
            "README.md": b"---\nconfigs: []\n---\n",
            f"google/gemma-2-2b/results_{stamp}.json": content,
            f"google/gemma-2-2b/samples_{task or 'task'}_{stamp}.jsonl": samples,
        }
    )


def two_files(sound: bytes, malformed: bytes) -> Repository:
    """A set of two runs, the earlier of which is no summary."""
    repository = results_repository("2025-02-03T00-00-00.000000", sound)
    repository.files["google/gemma-2-2b/results_2025-02-02T00-00-00.000000.json"] = malformed
    return repository


def published_repositories() -> dict[tuple[str, str], Repository]:
    """What the tests' hub publishes of the authors' results."""
    indonesian = {"acc,none": INDONESIAN, "acc_stderr,none": ERRORS[INDONESIAN], "acc_norm,none": 0.5592291078252202, "acc_norm_stderr,none": 0.006399930323054428}  # fmt: skip
    malayalam = {"acc,none": MALAYALAM, "acc_stderr,none": ERRORS[MALAYALAM]}
    arc, tuned_arc = 280 / 1115, 341 / 1115
    return {
        ("datasets", "richmondsin/hellaswag_id_results"): results_repository(
            "2024-12-03T18-18-36.739078",
            results_file("hellaswag_id", indonesian),
            "hellaswag_id",
            samples_file(2498, 3366),
        ),
        ("datasets", "richmondsin/hellaswag_ml_results"): results_repository(
            "2024-12-06T20-50-05.029141",
            results_file("hellaswag_ml", malayalam, shots=None, items=None),
            "hellaswag_ml",
            samples_file(1514, 0),
        ),
        ("datasets", "JalilH/original_gemma_arc_ml_results"): results_repository(
            "2024-12-01T00-00-00.000000", results_file("arc_ml", {"acc,none": arc}, items=1115)
        ),
        ("datasets", "richmondsin/finetuned_arc_ml_output_layer_20_4k_results_0"): results_repository(
            "2025-02-16T00-00-00.000000", results_file("arc_ml", {"acc,none": tuned_arc}, items=1115)
        ),
        ("datasets", "JalilH/abs_finetuned_arc_ml_results"): results_repository(
            "2025-02-01T00-00-00.000000", results_file("arc_ml", {"acc,none": 0.25}, items=1142)
        ),
        ("datasets", "JalilH/fine_tuned_gemma_2_ml_results"): two_files(
            results_file("hellaswag_ml", {"acc,none": 0.26}, items=8933), b'{"results": {"arc_ml": []}}'
        ),
        ("datasets", "richmondsin/mmlu_id_results"): results_repository(
            "2024-12-06T12-11-00.0", b'{"no": "results"}'
        ),
    }
