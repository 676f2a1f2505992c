"""What lm-eval is asked: stock Okapi templates pointed at local items, one task file per benchmark and language."""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.sources.pins import locate
from harness.stages.item_faults import (
    Document,
    Fault,
    arc_fault,
    has_twin,
    hellaswag_fault,
    mmlu_fault,
    shown,
)
from harness.words.canonical import place_of_surrogate
from harness.words.errors import MissingSourceError, UsageError
from harness.words.records import UnaskedBenchmark
from harness.words.study import Benchmark, Home, Pin

log = logging.getLogger(__name__)

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


@dataclass(frozen=True, kw_only=True)
class Family:
    """One stock template: how its tasks are called, which split plays which part, and what it cannot ask."""

    task_prefix: str
    fault: Fault
    usual_items: int
    """About how many items of a language the aligned subsets hold; nothing measured rests on it."""
    evaluated_key: str
    """Setting that names the evaluated split."""
    shots_key: str | None
    """Setting that names the split of the examples; None draws them from the evaluated split."""
    unused_keys: tuple[str, ...] = ()
    """Settings of the template that name splits nobody reads, and that the data may spell otherwise."""
    optional: tuple[str, ...] = ()
    """Fields that the template looks at, and that no document of a file may have."""
    asks_letters: bool = False
    """True where options stand in the question, and a letter is the answer."""
    shares_examples: bool = False
    """True where the same examples stand before every question."""


FAMILIES: Mapping[str, Family] = {
    "arc_multilingual/_arc_yaml": Family(
        task_prefix="arc",
        fault=arc_fault,
        usual_items=1_100,
        evaluated_key="test_split",
        shots_key="training_split",
        unused_keys=("validation_split",),
        optional=("option_e",),
    ),
    "hellaswag_multilingual/_hellaswag_yaml": Family(
        task_prefix="hellaswag",
        fault=hellaswag_fault,
        usual_items=6_000,
        evaluated_key="validation_split",
        shots_key=None,
    ),
    "mmlu_multilingual/_default_yaml": Family(
        task_prefix="m_mmlu",
        fault=mmlu_fault,
        usual_items=11_000,
        evaluated_key="test_split",
        shots_key="fewshot_split",
        asks_letters=True,
        shares_examples=True,
    ),
}
"""Stock templates by their path below lm-eval's Okapi tasks."""

SHOTS_SPLIT = "train"
"""Split of the data sets that examples come from, where the family has one."""


@dataclass(frozen=True, kw_only=True)
class QuestionSet:
    """Which questions are asked in one language."""

    language: str
    benchmarks: tuple[Benchmark, ...]
    data: tuple[Pin, ...]
    """Data set of each benchmark, in the same order."""
    items: int | None
    """So many of each benchmark, or all."""
    max_shots: int | None
    """Examples before each question, at most."""


@dataclass(frozen=True, kw_only=True)
class StagedTask:
    """One benchmark in one language, ready for lm-eval, and what its answer must look like."""

    name: str
    benchmark: Benchmark
    shots: int
    document_ids: tuple[str, ...]
    """Items that will be asked, in order: all as their file has them, or the first few by id."""


def missing_languages(
    pin: Pin, benchmark: Benchmark, codes: Sequence[str], files: Iterable[str] | None = None
) -> tuple[str, ...]:
    """Languages in which a data set has no questions of a benchmark, or no examples for them, though it has them in others.

    Args:
        pin: The data set.
        benchmark: What asks them.
        codes: Languages that are to be asked.
        files: Paths of what it holds; None where it lies on this machine.

    Raises:
        MissingSourceError: If it is not laid out as any data set is known to be, so that no language has any.
        UsageError: If the template of the benchmark is unknown.
    """
    root = locate(pin) if files is None else Path()
    held = _files_of(root) if files is None else sorted(files)
    family = family_of(benchmark)
    splits = [benchmark.evaluated_split, *([SHOTS_SPLIT] if family.shots_key is not None else [])]
    if not any(_laid_out(pin, held, "*", benchmark.evaluated_split)):
        raise _unknown_layout(pin, "*", benchmark.evaluated_split, held)
    return tuple(
        code for code in codes if not all(any(_laid_out(pin, held, code, split)) for split in splits)
    )


def askable(questions: QuestionSet) -> tuple[QuestionSet, tuple[UnaskedBenchmark, ...]]:
    """The questions that their data sets have in the language, and the benchmarks of which they have none.

    Raises:
        MissingSourceError: If a data set cannot be had, or has questions in no language at all.
    """
    language, asked, unasked = questions.language, [], []
    for benchmark, pin in zip(questions.benchmarks, questions.data, strict=True):
        if missing_languages(pin, benchmark, [language]):
            log.warning("%s has no questions in %s, so none are asked", pin.name, language)
            unasked.append(UnaskedBenchmark(benchmark=benchmark.name, language=language))
        else:
            asked.append((benchmark, pin))
    kept = replace(
        questions,
        benchmarks=tuple(benchmark for benchmark, _ in asked),
        data=tuple(pin for _, pin in asked),
    )
    return kept, tuple(unasked)


def stage_tasks(questions: QuestionSet, folder: Path) -> tuple[StagedTask, ...]:
    """Write items and task files of every benchmark below a folder.

    Raises:
        MissingSourceError: If a data set, or the language in it, cannot be had.
        ValueError: If a template is unknown, a file is empty, a document cannot be asked as it stands, ids repeat, or there
            are too few examples.
    """
    return tuple(
        _stage(benchmark, pin, questions, folder)
        for benchmark, pin in zip(questions.benchmarks, questions.data, strict=True)
    )


def read_documents(pin: Pin, language: str, split: str, fault: Fault | None = None) -> list[Document]:
    """Items of one split in one language, in file order, each a whole and sound document.

    Args:
        pin: The data set.
        language: Which language of it.
        split: Which split of that.
        fault: What the template that is to ask them finds wrong with one; None where none is to ask.

    Raises:
        MissingSourceError: If the data set has no such language or split.
        ValueError: If the file is empty or cannot be read, a line is no document, or one is malformed; the message names
            file, line, document and field.
    """
    root = locate(pin)
    rows = (each for file in _split_files(pin, root, language, split) for each in _rows(file, root))
    documents = [_sound(row, f"{pin.name}: {place}", language, fault) for place, row in rows]
    if not documents:
        raise ValueError(f"{pin.name}: {language}/{split} holds no document; fetch the data set again")
    return documents


def _split_files(pin: Pin, root: Path, language: str, split: str) -> list[Path]:
    """Files of one split, by the first layout that the data set follows."""
    held = _files_of(root)
    ours, of_all = (tuple(_laid_out(pin, held, name, split)) for name in (language, "*"))
    for files, others in zip(ours, of_all, strict=True):
        if files:
            _require_own([root / file for file in files], [root / file for file in others], root)
            return [root / file for file in files]
    raise _unknown_layout(pin, language, split, held)


def _layouts(pin: Pin) -> tuple[str, ...]:
    return (MADE_LAYOUT,) if pin.home is Home.MADE else LAYOUTS


def _files_of(root: Path) -> list[str]:
    return sorted(
        file.relative_to(root).as_posix() for kind in ("jsonl", "parquet") for file in root.rglob(f"*.{kind}")
    )


def _laid_out(pin: Pin, held: Iterable[str], language: str, split: str) -> Iterator[list[str]]:
    """By each layout: the files of one split in one language, or in every one by "*"."""
    for layout in _layouts(pin):
        pattern = layout.format(language=language, split=split)
        # A star stands for letters of one folder's or file's name, never for folders.
        yield [path for path in held if path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)]


def _unknown_layout(pin: Pin, language: str, split: str, held: Sequence[str]) -> MissingSourceError:
    return MissingSourceError(
        f"{pin.name} has no {language}/{split} in any of the layouts {', '.join(_layouts(pin))}; it holds {list(held[:40])}"
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


def _rows(file: Path, root: Path) -> Iterator[tuple[str, Document]]:
    """Every row of one file, with its place: file and line."""
    name = file.relative_to(root).as_posix()
    if file.suffix == ".parquet":
        yield from ((f"{name}:{number}", row) for number, row in enumerate(_table(file, name), start=1))
        return
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        if line.strip():
            yield f"{name}:{number}", _document(line, f"{name}:{number}")


def _table(file: Path, name: str) -> list[Document]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Document] = pq.read_table(file).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{name} is no table of documents ({error}); fetch the data set again") from error
    return rows


def _document(line: bytes, place: str) -> Document:
    try:
        found = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is no JSON document ({error}); fetch the data set again") from error
    if not isinstance(found, dict):
        raise ValueError(f"{place} holds a {type(found).__name__}; expected one document per line")  # noqa: TRY004
    return found


def _sound(row: Document, place: str, language: str, fault: Fault | None) -> Document:
    """The document of a row, which can be written, named and asked as it stands.

    Raises:
        ValueError: If it is malformed.
    """
    if spoilt := place_of_surrogate(row):
        raise ValueError(
            f"{place} is a document with half of a character at {spoilt}; expected text; fetch the data set again"
        )
    try:
        document = _repaired(row, language)
        name = document_id(document)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    if fault and (wrong := fault(document)):
        raise ValueError(
            f"{place}, document {name}: {wrong}; it would be scored as another question than it is: fetch the data set again, or "
            "pin one that is sound"
        )
    return document


def document_id(document: Mapping[str, Any]) -> str:
    """What names an item in every language.

    Raises:
        ValueError: If it has no name, or one that is neither text nor a whole number; items could then not be paired.
    """
    for field in ID_FIELDS:
        name = document.get(field)
        if isinstance(name, bool) or not isinstance(name, int | str | None):
            raise ValueError(f"a document has {field} {shown(name)}; expected text or a whole number")  # noqa: TRY004
        if name is not None:
            return str(name)
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


def _stage(benchmark: Benchmark, pin: Pin, questions: QuestionSet, folder: Path) -> StagedTask:
    family = family_of(benchmark)
    documents = {
        benchmark.evaluated_split: read_documents(
            pin, questions.language, benchmark.evaluated_split, family.fault
        )
    }
    if questions.items is not None:
        documents[benchmark.evaluated_split].sort(key=place_of_document)
    if family.shots_key is not None:
        documents[SHOTS_SPLIT] = read_documents(pin, questions.language, SHOTS_SPLIT, family.fault)
    shots = benchmark.shots if questions.max_shots is None else min(benchmark.shots, questions.max_shots)
    _require_examples(benchmark, family, documents, shots)
    name = f"{family.task_prefix}_{questions.language}"
    files = {
        split: _write_split(rows, folder / name / f"{split}.parquet", family.optional)
        for split, rows in documents.items()
    }
    settings = _settings(name, benchmark, files, shots, cache=folder / "cache")
    (folder / f"{name}.yaml").write_text(json.dumps(settings), encoding="utf-8")
    asked = documents[benchmark.evaluated_split][: questions.items]
    if twins := [document_id(document) for document in asked if has_twin(document)]:
        log.warning(
            "%s in %s: in %d documents the right option is spelled like another one, such as %s; machine translation does that, "
            "and published scores count them, so they are asked as they stand",
            benchmark.name, questions.language, len(twins), twins[0],
        )  # fmt: skip
    return StagedTask(
        name=name, benchmark=benchmark, shots=shots, document_ids=_distinct_ids(benchmark, asked)
    )


def family_of(benchmark: Benchmark) -> Family:
    """What is known of a benchmark's stock template.

    Raises:
        UsageError: If nothing is.
    """
    if benchmark.template not in FAMILIES:
        raise UsageError(
            f"unknown template {benchmark.template!r} of benchmark {benchmark.name}; expected one of {sorted(FAMILIES)}"
        )
    return FAMILIES[benchmark.template]


def _settings(
    name: str, benchmark: Benchmark, files: Mapping[str, str], shots: int, cache: Path
) -> dict[str, object]:
    """A task file; JSON is YAML, and the template keeps its prompt and preprocessing."""
    import lm_eval

    family = family_of(benchmark)
    template = Path(lm_eval.__file__).parent / "tasks" / "okapi" / benchmark.template
    splits = {family.evaluated_key: benchmark.evaluated_split}
    if family.shots_key is not None:
        splits[family.shots_key] = SHOTS_SPLIT
    return {
        "include": str(template),
        "task": name,
        "dataset_path": "parquet",
        "dataset_name": None,
        # In memory, since what is loaded outlives its files.
        "dataset_kwargs": {"data_files": dict(files), "cache_dir": str(cache), "keep_in_memory": True},
        "num_fewshot": shots,
        **dict.fromkeys(family.unused_keys),
        **splits,
    }


def _write_split(documents: Sequence[Document], path: Path, optional: Sequence[str]) -> str:
    """Parquet, whose columns are those of all documents: the first row may lack some, or hold nulls."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = dict.fromkeys([*(field for document in documents for field in document), *optional])
    pq.write_table(pa.table({field: _column(documents, field) for field in columns}), path)
    return str(path)


def _column(documents: Sequence[Document], field: str) -> Any:  # noqa: ANN401
    """One field of all documents, which must be of one kind.

    Raises:
        ValueError: If it is not; names the first two documents that differ.
    """
    import pyarrow as pa

    values = [document.get(field) for document in documents]
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        kinds = {
            type(value).__name__: document
            for value, document in zip(values[::-1], documents[::-1], strict=True)
        }
        first = ", ".join(f"{kind} in document {document_id(document)}" for kind, document in kinds.items())
        raise ValueError(
            f"{field} is not of one kind in all documents ({error}): {first}; fetch the data set again"
        ) from error


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
