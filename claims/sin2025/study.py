"""What arXiv 2507.18918 studies: the model's shapes, ten languages in three groups, three benchmarks.

Source: the abstract, and summaries where the abstract is silent; "low" covers medium and low resource.
"""

from claims.sin2025.specification import PRIMARY
from harness.words.study import Benchmark, Group, Language, Shapes, Study

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="zh", name="Chinese", group=Group.HIGH, script="CJK"),
    Language(code="ru", name="Russian", group=Group.HIGH, script="CYRILLIC"),
    Language(code="es", name="Spanish", group=Group.HIGH, script="LATIN"),
    Language(code="it", name="Italian", group=Group.HIGH, script="LATIN"),
    Language(code="id", name="Indonesian", group=Group.LOW, script="LATIN"),
    Language(code="ca", name="Catalan", group=Group.LOW, script="LATIN"),
    Language(code="mr", name="Marathi", group=Group.LOW, script="DEVANAGARI", tuned=True),
    Language(code="ml", name="Malayalam", group=Group.LOW, script="MALAYALAM", tuned=True),
    Language(code="hi", name="Hindi", group=Group.LOW, script="DEVANAGARI", tuned=True),
)

BENCHMARKS = (
    Benchmark(
        name="arc",
        template="arc_multilingual/_arc_yaml",
        data_folder="m_arc",
        evaluated_split="test",
        metric="acc_norm",
        shots=10,
        chance=0.25,
    ),
    Benchmark(
        name="hellaswag",
        template="hellaswag_multilingual/_hellaswag_yaml",
        data_folder="m_hellaswag",
        evaluated_split="val",
        metric="acc_norm",
        shots=10,
        chance=0.25,
    ),
    Benchmark(
        name="mmlu",
        template="mmlu_multilingual/_default_yaml",
        data_folder="m_mmlu",
        evaluated_split="test",
        metric="acc",
        shots=5,
        chance=0.25,
    ),
)

STUDY = Study(
    name="sin2025",
    paper_id="arXiv 2507.18918",
    title="Uncovering Cross-Linguistic Disparities in LLMs using Sparse Autoencoders",
    shapes=Shapes(num_layers=26, d_model=2304, d_sae=16_384, vocab_size=256_000),
    languages=LANGUAGES,
    benchmarks=BENCHMARKS,
    primary=PRIMARY,
)
