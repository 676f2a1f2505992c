"""Accuracies of the untouched model as the authors published them: what the baseline gate holds ours against.

Source: results files of the account richmondsin, as far as their pages could be read. `harness authors` prints a line for each
further cell that it finds; a line stands here once somebody has committed it, with an amendment of the lock.
"""

from claims.sin2025 import pins
from harness.words.judgement import PublishedBaseline

HELLASWAG = pins.BENCHMARKS["m_hellaswag"].address

BASELINES = (
    PublishedBaseline(
        benchmark="hellaswag",
        language="id",
        metric="acc",
        accuracy=0.4150191061638146,
        items=6019,
        questions=HELLASWAG,
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
        questions=HELLASWAG,
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
        questions=HELLASWAG,
        address="richmondsin/hellaswag_ml_results",
        commit="eddbedc",
        run="2024-12-06T20-50-05.029141",
    ),
)
"""On the id-aligned subset. Of the Malayalam run nothing but plain accuracy could be read; it stands at chance."""
