"""What lm-eval is asked: stock Okapi templates pointed at local items, one task file per benchmark and language."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.supply.sources import locate
from harness.words.failures import MissingSourceError
from harness.words.pins import Home, Pin
from harness.words.study import Benchmark
from harness.words.tasks import BenchmarksTask

ID_FIELDS = ("id", "ind")
"""Fields that name an item, first come first served; they are the same in every language."""

LAST_NUMBER = re.compile(r"[0-9]{1,18}$")
"""The number that an id ends with; more digits than these are no number that anybody counts with."""

LAYOUTS = (
    "data/{language}/{split}.jsonl",
    "{language}/{split}.jsonl",
    "{language}/{split}-*.parquet",
    "data/{language}/{split}-*.parquet",
    "{language}/{split}.parquet",
)
"""How data sets of the hub lay out a language's split: by hand, or as its client writes them."""

MADE_LAYOUT = "any/{split}.jsonl"
"""Made items are the same in every language."""

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One stock template: how its tasks are called and which split plays which part."""

    task_prefix: str
    evaluated_key: str
    """Setting that names the evaluated split."""
    shots_key: str | None
    """Setting that names the split of the examples; None draws them from the evaluated split."""
    unused_keys: tuple[str, ...] = ()
    """Settings of the template that name splits nobody reads, and that the data may spell otherwise."""


FAMILIES: Mapping[str, Family] = {
    "arc_multilingual/_arc_yaml": Family(
        task_prefix="arc",
        evaluated_key="test_split",
        shots_key="training_split",
        unused_keys=("validation_split",),
    ),
    "hellaswag_multilingual/_hellaswag_yaml": Family(
        task_prefix="hellaswag",
        evaluated_key="validation_split",
        shots_key=None,
    ),
    "mmlu_multilingual/_default_yaml": Family(
        task_prefix="m_mmlu",
        evaluated_key="test_split",
        shots_key="fewshot_split",
    ),
}
"""Stock templates by their path below lm-eval's Okapi tasks."""

SHOTS_SPLIT = "train"
"""Split of the data sets that examples come from, where the family has one."""


@dataclass(frozen=True, kw_only=True)
class StagedTask:
    """One benchmark in one language, ready for lm-eval, and what its answer must look like."""

    name: str
    benchmark: Benchmark
    shots: int
    document_ids: tuple[str, ...]
    """Items that will be asked, in order: all as their file has them, or the first few by id."""


def stage_tasks(task: BenchmarksTask, folder: Path) -> tuple[StagedTask, ...]:
    """Write items and task files of every benchmark below a folder.

    Raises:
        MissingSourceError: If a data set, or the language in it, cannot be had.
        ValueError: If a template is unknown, a file is empty, ids repeat, or there are too few examples.
    """
    return tuple(
        _stage(benchmark, pin, task, folder)
        for benchmark, pin in zip(task.benchmarks, task.data, strict=True)
    )


def read_documents(pin: Pin, language: str, split: str) -> list[Document]:
    """Items of one split in one language, in file order, each a whole and sound document.

    Raises:
        MissingSourceError: If the data set has no such language or split.
        ValueError: If the file is empty, or a line is no document.
    """
    files = _split_files(pin, language, split)
    documents = [_repaired(row, language) for file in files for row in _rows(file)]
    if not documents:
        raise ValueError(f"{pin.name}: {language}/{split} holds no document; fetch the data set again")
    return documents


def _split_files(pin: Pin, language: str, split: str) -> list[Path]:
    """Files of one split, by the first layout that the data set follows."""
    root = locate(pin)
    layouts = (MADE_LAYOUT,) if pin.home is Home.MADE else LAYOUTS
    for layout in layouts:
        if files := sorted(root.glob(layout.format(language=language, split=split))):
            _require_own(files, sorted(root.glob(layout.format(language="*", split=split))), root)
            return files
    found = sorted(
        file.relative_to(root).as_posix() for kind in ("jsonl", "parquet") for file in root.rglob(f"*.{kind}")
    )
    raise MissingSourceError(
        f"{pin.name} has no {language}/{split} in any of the layouts {', '.join(layouts)}; it holds {found[:40]}"
    )


def _require_own(files: Sequence[Path], of_all: Sequence[Path], root: Path) -> None:
    """Guards against one language's questions under the name of another: scripts may be alike, and nothing else tells.

    Args:
        files: Those of the language.
        of_all: Those of every language, laid out alike.
        root: Folder of the data set.
    """
    first, size = files[0], files[0].stat().st_size
    for other in of_all:
        if other not in files and other.stat().st_size == size and other.read_bytes() == first.read_bytes():
            one, two = (path.relative_to(root).as_posix() for path in (first, other))
            raise ValueError(
                f"{one} and {two} hold the same bytes, so one of them is in another language than its name says; fetch the data "
                "set again, or correct the study's pin"
            )


def _rows(file: Path) -> list[Document]:
    if file.suffix == ".parquet":
        import pyarrow.parquet as pq

        rows: list[Document] = pq.read_table(file).to_pylist()
        return rows
    lines = file.read_bytes().split(b"\n")
    return [
        _document(line, f"{file.name}:{place}") for place, line in enumerate(lines, start=1) if line.strip()
    ]


def _document(line: bytes, place: str) -> Document:
    try:
        found = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is no JSON document ({error}); fetch the data set again") from error
    if not isinstance(found, dict):
        raise ValueError(f"{place} holds a {type(found).__name__}; expected one document per line")  # noqa: TRY004
    return found


def document_id(document: Mapping[str, Any]) -> str:
    """What names an item in every language.

    Raises:
        ValueError: If it has no name; items could then not be paired.
    """
    for field in ID_FIELDS:
        if document.get(field) is not None:
            return str(document[field])
    raise ValueError(f"a document has none of the fields {ID_FIELDS}; it has {sorted(document)}")


def place_of_document(document: Mapping[str, Any]) -> tuple[int, str]:
    """Where an item stands among those of its file, whatever the order of the file: the same in every language.

    By the number that ends its id, then by the id: where every subject is numbered from 0, as in MMLU, the first few are
    not all of one subject.

    Raises:
        ValueError: If it has no name.
    """
    name = document_id(document)
    number = LAST_NUMBER.search(name)
    return (int(number.group()) if number else -1, name)


def _repaired(document: Document, language: str) -> Document:
    """The document with plain endings: one Chinese HellaSwag row holds `{zh, en}` objects instead.

    Raises:
        ValueError: If such an object has nothing in the language.

    Source: row hellaswag/validation/8881 of m_hellaswag, config zh.
    """
    endings = document.get("endings")
    if not isinstance(endings, list):
        return document
    for ending in endings:
        if isinstance(ending, dict) and language not in ending:
            raise ValueError(
                f"document {document_id(document)} has an ending in {sorted(ending)}, but none in {language}; "
                "fetch the data set again"
            )
    plain = [ending[language] if isinstance(ending, dict) else ending for ending in endings]
    return document | {"endings": plain}


def _stage(benchmark: Benchmark, pin: Pin, task: BenchmarksTask, folder: Path) -> StagedTask:
    family = _family(benchmark)
    documents = {benchmark.evaluated_split: read_documents(pin, task.language, benchmark.evaluated_split)}
    if task.items is not None:
        documents[benchmark.evaluated_split].sort(key=place_of_document)
    if family.shots_key is not None:
        documents[SHOTS_SPLIT] = read_documents(pin, task.language, SHOTS_SPLIT)
    shots = benchmark.shots if task.max_shots is None else min(benchmark.shots, task.max_shots)
    _require_examples(benchmark, family, documents, shots)
    name = f"{family.task_prefix}_{task.language}"
    files = {
        split: _write_split(rows, folder / name / f"{split}.parquet") for split, rows in documents.items()
    }
    settings = _settings(name, benchmark, files, shots, cache=folder / "cache")
    (folder / f"{name}.yaml").write_text(json.dumps(settings), encoding="utf-8")
    asked = documents[benchmark.evaluated_split][: task.items]
    return StagedTask(
        name=name, benchmark=benchmark, shots=shots, document_ids=_distinct_ids(benchmark, asked)
    )


def _family(benchmark: Benchmark) -> Family:
    if benchmark.template not in FAMILIES:
        raise ValueError(
            f"unknown template {benchmark.template!r} of benchmark {benchmark.name}; expected one of {sorted(FAMILIES)}"
        )
    return FAMILIES[benchmark.template]


def _settings(
    name: str, benchmark: Benchmark, files: Mapping[str, str], shots: int, cache: Path
) -> dict[str, object]:
    """A task file; JSON is YAML, and the template keeps its prompt and preprocessing."""
    import lm_eval

    family = _family(benchmark)
    template = Path(lm_eval.__file__).parent / "tasks" / "okapi" / benchmark.template
    splits = {family.evaluated_key: benchmark.evaluated_split}
    if family.shots_key is not None:
        splits[family.shots_key] = SHOTS_SPLIT
    return {
        "include": str(template),
        "task": name,
        "dataset_path": "parquet",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": dict(files), "cache_dir": str(cache)},
        "num_fewshot": shots,
        **dict.fromkeys(family.unused_keys),
        **splits,
    }


def _write_split(documents: Sequence[Document], path: Path) -> str:
    """Parquet, whose columns are those of all documents: the first row may lack some, or hold nulls."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = dict.fromkeys(field for document in documents for field in document)
    pq.write_table(
        pa.table({field: [document.get(field) for document in documents] for field in columns}), path
    )
    return str(path)


def _require_examples(
    benchmark: Benchmark, family: Family, documents: Mapping[str, Sequence[Document]], shots: int
) -> None:
    """Examples from the evaluated split need one document more, since the asked one is left out."""
    split = benchmark.evaluated_split if family.shots_key is None else SHOTS_SPLIT
    needed = shots + 1 if family.shots_key is None else shots
    if shots and len(documents[split]) < needed:
        raise ValueError(
            f"{benchmark.name} asks for {shots} examples, but split {split} has {len(documents[split])} documents; "
            "lower max_shots of the profile"
        )


def _distinct_ids(benchmark: Benchmark, documents: Sequence[Document]) -> tuple[str, ...]:
    ids = tuple(document_id(document) for document in documents)
    repeated = [name for name, count in Counter(ids).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{benchmark.name} names several documents {repeated[:5]}; arms could not be paired by id"
        )
    return ids
