"""Benchmark outcomes against a slow loop over options, and the traps around BOS, shots, ids and adapters."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import processors

from claims.sin2025.profiles import fixture
from claims.sin2025.study import BENCHMARKS
from harness.designs.disparity.scores import read_answers, require_same_items
from harness.models.adapters import attached
from harness.models.likelihood import Reading, Request, reading_of
from harness.models.loading import LanguageModel, load_language_model
from harness.stages import evaluation
from harness.stages.evaluation import item_outcomes
from harness.stages.evaluation_tasks import (
    QuestionSet,
    document_id,
    missing_languages,
    place_of_document,
    read_documents,
    stage_tasks,
)
from harness.store.tables import read_table
from harness.words.errors import MissingSourceError, UsageError
from harness.words.records import ItemOutcome, UnaskedBenchmark
from harness.words.study import Benchmark, Home, Pin
from tests.world_data import NUM_TEST_ITEMS, write_benchmarks
from tests.world_networks import write_strong_adapter
from tests.worlds import World

ARC, HELLASWAG, MMLU = BENCHMARKS
COMMITTED = Path(__file__).resolve().parents[2] / "fixtures" / "okapi"
LETTERS = "ABCDE"


@dataclass(frozen=True)
class Question:
    """One item as the slow loop asks it."""

    prompt: str
    options: list[str]
    gold: int


def without_brackets(text: str) -> str:
    """The stock preprocessing on the world's texts, whose brackets never nest."""
    head, _, rest = text.partition("[")
    return (head + rest.partition("]")[2]).replace("  ", " ") if rest else text


def arc_question(document: Mapping[str, Any]) -> Question:
    options = [document[f"option_{letter.lower()}"] for letter in LETTERS]
    prompt = f"Question: {without_brackets(document['instruction'])}\nAnswer:"
    return Question(prompt, [option for option in options if option], LETTERS.index(document["answer"]))


def hellaswag_question(document: Mapping[str, Any]) -> Question:
    prompt = f"{document['activity_label']}: {document['ctx_a']} {document['ctx_b'].capitalize()}"
    return Question(prompt, document["endings"], int(document["label"]))


def mmlu_question(document: Mapping[str, Any]) -> Question:
    options = "\n".join(f"{letter}. {document[f'option_{letter.lower()}']}" for letter in "ABCD")
    prompt = f"{document['instruction']}\n{options}\nAnswer:"
    return Question(prompt, list("ABCD"), LETTERS.index(document["answer"]))


ASK = {"arc": arc_question, "hellaswag": hellaswag_question, "mmlu": mmlu_question}


def log_likelihood(language_model: LanguageModel, model: Any, prompt: str, option: str) -> float:
    """Summed log-probability of the option, one request at a time, no batch and no padding."""
    context, whole = language_model.token_ids([prompt, f"{prompt} {option}"])
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([whole])).logits[0].float().log_softmax(-1)
    return sum(float(logits[place - 1, whole[place]]) for place in range(len(context), len(whole)))


def slow_outcomes(
    language_model: LanguageModel, model: Any, documents: Sequence[Mapping[str, Any]], benchmark: Benchmark
) -> list[tuple[float, float]]:
    """Accuracy and length-normalised accuracy of every item, option by option."""
    outcomes = []
    for question in map(ASK[benchmark.name], documents):
        scores = [log_likelihood(language_model, model, question.prompt, text) for text in question.options]
        normed = [score / len(text) for score, text in zip(scores, question.options, strict=True)]
        plain, by_length = (float(rank.index(max(rank)) == question.gold) for rank in (scores, normed))
        outcomes.append((plain, plain if benchmark is MMLU else by_length))
    return outcomes


BATCH = 7
"""Rows per forward pass."""


def task_of(world: World, language: str, **changes: Any) -> QuestionSet:
    settings: dict[str, Any] = {"items": NUM_TEST_ITEMS, "max_shots": 0} | changes
    benchmarks = settings.pop("benchmarks", BENCHMARKS)
    data = settings.pop("data", tuple(world.benchmarks[benchmark.data_folder] for benchmark in benchmarks))
    return QuestionSet(language=language, benchmarks=benchmarks, data=data, **settings)


def produced(world: World, task: QuestionSet, out: Path, **inputs: Path) -> list[ItemOutcome]:
    stage = evaluation.benchmarks_tuned if inputs else evaluation.benchmarks
    told = {"model": world.model, "numerics": world.numerics, "batch_items": BATCH}
    stage(**inputs, out=out, **vars(task), **told)
    return read_table(out, ItemOutcome)


def outcomes_of(rows: Sequence[ItemOutcome], benchmark: Benchmark) -> list[tuple[float, float]]:
    return [(row.acc, row.acc_norm) for row in rows if row.benchmark == benchmark.name]


@pytest.fixture(name="language_model")
def _language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture(name="prompts")
def _prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `prompt_hash`, `document_hash` and `target_hash` hold prompt, document and target themselves."""
    monkeypatch.setattr("lm_eval.evaluator.hash_string", str)


@pytest.fixture(name="strong_adapter")
def _strong_adapter(language_model: LanguageModel, tmp_path: Path) -> Path:
    return write_strong_adapter(language_model.model, tmp_path / "adapter")


@pytest.mark.parametrize("language", ["en", "ml"])
def test_outcomes_equal_those_of_a_slow_loop(
    world: World, language_model: LanguageModel, tmp_path: Path, language: str
) -> None:
    rows = produced(world, task_of(world, language), tmp_path)
    for benchmark in BENCHMARKS:
        pin = world.benchmarks[benchmark.data_folder]
        documents = read_documents(pin, language, benchmark.evaluated_split)
        expected = slow_outcomes(language_model, language_model.model, documents, benchmark)
        assert outcomes_of(rows, benchmark) == expected
    assert {row.acc for row in rows} == {0.0, 1.0}


@pytest.fixture(name="read")
def _read(monkeypatch: pytest.MonkeyPatch) -> list[Reading]:
    """Fills with what the model reads, benchmark by benchmark."""
    read: list[Reading] = []

    def noted(requests: Sequence[Request]) -> Reading:
        read.append(reading_of(requests))
        return read[-1]

    monkeypatch.setattr(evaluation, "reading_of", noted)
    return read


def test_likelihoods_by_option_give_both_scores_again(world: World, tmp_path: Path) -> None:
    """The likeliest option is right where acc says so, the likeliest by character where acc_norm does."""
    outcomes = produced(world, task_of(world, "ml"), tmp_path)
    assert {outcome.benchmark for outcome in outcomes} == {"arc", "hellaswag", "mmlu"}
    for outcome in outcomes:
        by_character = [
            nats / count for nats, count in zip(outcome.log_likelihoods, outcome.characters, strict=True)
        ]
        likeliest = {"acc": outcome.log_likelihoods, "acc_norm": by_character}
        if outcome.benchmark == "mmlu":
            likeliest["acc_norm"] = outcome.log_likelihoods
        for metric, values in likeliest.items():
            assert getattr(outcome, metric) == float(values.index(max(values)) == outcome.right_option), (
                outcome,
                metric,
            )
    assert 0 < sum(outcome.acc for outcome in outcomes) < len(outcomes)


def test_every_prompt_is_read_once(
    world: World, language_model: LanguageModel, read: list[Reading], tmp_path: Path
) -> None:
    """With every option but for its last token behind it; and once what all prompts of a benchmark begin with."""
    produced(world, task_of(world, "en"), tmp_path)
    for benchmark, reading in zip(BENCHMARKS, read, strict=True):
        pin = world.benchmarks[benchmark.data_folder]
        behind: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
        for document in read_documents(pin, "en", benchmark.evaluated_split):
            question = ASK[benchmark.name](document)
            context, *wholes = language_model.token_ids(
                [question.prompt, *(f"{question.prompt} {option}" for option in question.options)]
            )
            options = {tuple(whole[len(context) :]) for whole in wholes}
            behind.setdefault(tuple(context), set()).update(options)
        shared = len(list(takewhile(lambda column: len(set(column)) == 1, zip(*behind, strict=False))))
        tokens = shared + sum(len(context) - shared for context in behind)
        tokens += sum(len(option) - 1 for options in behind.values() for option in options)
        assert (len(reading.stem), len(reading.rows), reading.tokens) == (shared, len(behind), tokens)


def test_examples_that_all_questions_share_are_read_once(
    world: World, read: list[Reading], tmp_path: Path
) -> None:
    """The first examples of MMLU stand before every question; those of ARC are drawn for each."""
    for benchmark in (ARC, MMLU):
        for shots in (0, 5):
            task = task_of(world, "en", benchmarks=(benchmark,), max_shots=shots)
            produced(world, task, tmp_path / benchmark.name / str(shots))
    arc, arc_shown, mmlu, mmlu_shown = (reading.tokens for reading in read)
    assert mmlu_shown < 2 * mmlu
    assert arc_shown > 3 * arc


def test_five_options_are_asked_as_five(world: World, prompts: None, tmp_path: Path) -> None:
    documents = read_documents(world.benchmarks["m_arc"], "en", "test")
    rows = produced(world, task_of(world, "en", benchmarks=(ARC,)), tmp_path)
    choices = [len(json.loads(row.document_hash)["choices"]) for row in rows]
    assert choices == [5 if document["option_e"] else 4 for document in documents]
    assert 5 in choices


def test_shots_are_those_asked_for(world: World, tmp_path: Path) -> None:
    rows = produced(world, task_of(world, "es", benchmarks=(MMLU,), max_shots=2), tmp_path)
    train, test = (read_documents(world.benchmarks["m_mmlu"], "es", split) for split in ("train", "test"))
    shown = "".join(f"{mmlu_question(shot).prompt} {shot['answer']}\n\n" for shot in train[:2])
    prompts = [shown + mmlu_question(document).prompt for document in test]
    assert [row.prompt_hash for row in rows] == [
        hashlib.sha256(text.encode()).hexdigest() for text in prompts
    ]
    assert {row.shots for row in rows} == {2}


def test_digests_are_those_of_lm_eval_s_sample_files(world: World, tmp_path: Path) -> None:
    row = produced(world, task_of(world, "es", benchmarks=(MMLU,), items=1), tmp_path)[0]
    document = read_documents(world.benchmarks["m_mmlu"], "es", "test")[0]
    texts = (json.dumps(document, indent=2, ensure_ascii=False), mmlu_question(document).prompt)
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in (*texts, document["answer"])]
    assert [row.document_hash, row.prompt_hash, row.target_hash] == digests


def test_arms_on_other_examples_are_refused(world: World, tmp_path: Path) -> None:
    arms = []
    for shots in (1, 2):
        produced(
            world, task_of(world, "en", benchmarks=(MMLU,), items=4, max_shots=shots), tmp_path / str(shots)
        )
        arms.append(read_answers(tmp_path / str(shots), MMLU))
    require_same_items(arms[0], arms[0], "mmlu in en: the adapter en/seed-1")
    with pytest.raises(
        ValueError, match=r"mmlu in en: the adapter en/seed-1 was prompted otherwise .* in 4 of 4 documents"
    ):
        require_same_items(arms[0], arms[1], "mmlu in en: the adapter en/seed-1")


def test_shots_follow_the_benchmark_where_the_profile_sets_no_limit(
    world: World, prompts: None, tmp_path: Path
) -> None:
    rows = produced(
        world, task_of(world, "en", benchmarks=(HELLASWAG, MMLU), max_shots=None, items=3), tmp_path
    )
    assert [row.shots for row in rows] == [10] * 3 + [5] * 3
    assert [row.prompt_hash.count("\n\n") for row in rows] == [10] * 3 + [5] * 3


def test_examples_never_hold_the_item_itself(world: World, prompts: None, tmp_path: Path) -> None:
    rows = produced(world, task_of(world, "en", benchmarks=(HELLASWAG,), max_shots=10), tmp_path)
    for row in rows:
        assert row.prompt_hash.count(json.loads(row.document_hash)["query"]) == 1


def test_first_items_are_the_same_in_every_language(world: World, tmp_path: Path) -> None:
    tables = [produced(world, task_of(world, code, items=5), tmp_path / code) for code in world.languages]
    ids = [[(row.benchmark, row.document_id) for row in rows] for rows in tables]
    assert ids[0] == ids[1] == ids[2]
    assert len(ids[0]) == 15
    assert {row.language for rows in tables for row in rows} == set(world.languages)


def test_first_items_are_the_same_whatever_order_the_files_have(world: World, tmp_path: Path) -> None:
    asked = []
    for code, turn in (("en", False), ("es", True)):
        for split in ("train", "test"):
            documents = read_documents(world.benchmarks["m_arc"], code, split)
            path = tmp_path / "m_arc" / "data" / code / f"{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                "\n".join(map(json.dumps, reversed(documents) if turn else documents)), encoding="utf-8"
            )
        task = task_of(world, code, benchmarks=(ARC,), data=(local_pin(tmp_path / "m_arc"),), items=5)
        asked.append([row.document_id for row in produced(world, task, tmp_path / "out" / code)])
    assert asked == [[f"arc/test/{number}" for number in range(5)]] * 2


@pytest.mark.parametrize(
    ("ids", "ordered"),
    [
        pytest.param(["x/10", "x/9", "x/2"], ["x/2", "x/9", "x/10"], id="numbers count, not their digits"),
        pytest.param(
            ["law/0", "law/1", "art/1", "art/0"], ["art/0", "law/0", "art/1", "law/1"], id="every subject's first"
        ),
        pytest.param(["b", "a/1", "a"], ["a", "b", "a/1"], id="no number comes first"),
        pytest.param([7, 10, 0], [0, 7, 10], id="ids that are numbers"),
        pytest.param(["x/" + "9" * 5_000, "x/1"], ["x/1", "x/" + "9" * 5_000], id="more digits than a number has"),
    ],
)  # fmt: skip
def test_documents_stand_by_the_number_of_their_id(ids: list[object], ordered: list[object]) -> None:
    found = sorted(({"id": each} for each in ids), key=place_of_document)
    assert [document["id"] for document in found] == ordered


def test_all_items_are_asked_in_the_order_of_the_file(world: World, tmp_path: Path) -> None:
    documents = read_documents(world.benchmarks["m_mmlu"], "en", "test")[::-1]
    for split in ("train", "test"):
        path = tmp_path / "m_mmlu" / "data" / "en" / f"{split}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    task = task_of(world, "en", benchmarks=(MMLU,), data=(local_pin(tmp_path / "m_mmlu"),), items=None)
    rows = produced(world, task, tmp_path / "out")
    assert [row.document_id for row in rows] == [document["id"] for document in documents]


def test_same_task_same_bytes(world: World, tmp_path: Path) -> None:
    once, again = (tmp_path / name for name in ("once", "again"))
    for out in (once, again):
        produced(world, task_of(world, "en", items=4, max_shots=3), out)
    assert (once / "items.parquet").read_bytes() == (again / "items.parquet").read_bytes()


def test_adapter_answers_while_attached_and_is_gone_afterwards(
    world: World, language_model: LanguageModel, strong_adapter: Path, tmp_path: Path
) -> None:
    task = task_of(world, "en", benchmarks=(HELLASWAG,))
    before = produced(world, task, tmp_path / "before")
    tuned = produced(world, task, tmp_path / "tuned", adapter=strong_adapter)
    after = produced(world, task, tmp_path / "after")
    documents = read_documents(world.benchmarks["m_hellaswag"], "en", "val")
    with attached(language_model.model, strong_adapter) as model:
        expected = slow_outcomes(language_model, model, documents, HELLASWAG)
    assert outcomes_of(tuned, HELLASWAG) == expected
    assert outcomes_of(tuned, HELLASWAG) != outcomes_of(before, HELLASWAG)
    assert before == after
    assert [row.document_hash for row in tuned] == [row.document_hash for row in before]


def test_adapters_asked_one_after_the_other_share_what_is_loaded(
    world: World, language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two languages stay, as an adapter takes turns with; each is answered as if it were asked for the first time."""
    tasks = [task_of(world, code) for code in ("en", "ml")]
    evaluation._loaded.cache_clear()
    first = [item_outcomes(language_model, language_model.model, task, BATCH) for task in tasks]
    monkeypatch.setattr(evaluation, "stage_tasks", None)
    again = [item_outcomes(language_model, language_model.model, task, BATCH) for task in tasks]
    assert again == first


def test_a_template_is_compiled_once_for_all_documents(
    world: World, language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lm_eval.utils import env

    compiled = []
    monkeypatch.setattr(type(env), "from_string", _noting(compiled, type(env).from_string))
    item_outcomes(language_model, language_model.model, task_of(world, "en"), BATCH)
    assert compiled
    assert len(set(compiled)) == len(compiled)
    env.from_string("as before")
    env.from_string("as before")
    assert compiled[-2:] == ["as before"] * 2


def _noting(noted: list[str], usual: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda env, template: (noted.append(template), usual(env, template))[1]


def test_an_option_without_tokens_is_named(world: World, language_model: LanguageModel) -> None:
    scorer = evaluation.scorer(language_model, language_model.model, 2)
    with pytest.raises(
        ValueError, match=r"option '' of the item that ends with 'Answer:' was encoded as 2 and 0"
    ):
        scorer._loglikelihood_tokens([(("Answer:", ""), [2, 5], [])])


def test_likelihoods_that_are_no_number_stop_the_stage(
    world: World, language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    norm = language_model.model.model.norm
    monkeypatch.setattr(norm.weight, "data", torch.full_like(norm.weight, torch.nan))
    with pytest.raises(
        RuntimeError,
        match=r"(?s)option ' .+' of the item that ends with .+ log-likelihood nan; expected a finite",
    ):
        evaluation.item_outcomes(language_model, language_model.model, task_of(world, "en"), BATCH)


@pytest.mark.parametrize("template", ["$A", "<bos> <bos> $A"], ids=["no BOS", "two BOS"])
def test_what_a_tokenizer_puts_in_front_by_itself_changes_no_prompt(
    world: World, language_model: LanguageModel, template: str
) -> None:
    tokenizer = type(language_model.tokenizer).from_pretrained(world.model.address)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[("<bos>", 2)]
    )
    otherwise = replace(language_model, tokenizer=tokenizer)
    task = task_of(world, "en")
    found = evaluation.item_outcomes(otherwise, otherwise.model, task, BATCH)
    assert found == evaluation.item_outcomes(language_model, language_model.model, task, BATCH)


@pytest.mark.parametrize("asked", [ARC, MMLU], ids=lambda asked: asked.name)
def test_a_question_about_control_tokens_is_asked_as_text(
    world: World, tmp_path: Path, language_model: LanguageModel, asked: Benchmark
) -> None:
    """Also where the prompt begins with one, which lm-eval takes for the BOS in front."""
    changed = {"instruction": "<bos> or <eos>?"}
    task = spoilt_task(world, tmp_path, asked, lambda rows: rows[0].update(changed))
    outcomes = item_outcomes(language_model, language_model.model, task, BATCH)
    documents = sorted(read_documents(task.data[0], "en", "test"), key=place_of_document)[: len(outcomes)]
    assert outcomes_of(outcomes, asked) == slow_outcomes(
        language_model, language_model.model, documents, asked
    )


TEXTS = (None, "", "  ", 5, ["a"], {"en": "a"})
"""What a text may be instead; some of them are what an option may be that is absent."""


@pytest.mark.parametrize(
    ("asked", "field", "values"),
    [
        (ARC, "instruction", TEXTS), (ARC, "option_a", TEXTS), (ARC, "option_c", TEXTS), (ARC, "option_c", ("[1]",)),
        (ARC, "answer", ("E", "a", "A.", " A", "AB", "0", "", None, 1)),
        (MMLU, "instruction", TEXTS), (MMLU, "option_b", TEXTS), (MMLU, "option_d", TEXTS),
        (MMLU, "answer", ("E", "a", "A.", " A", "AB", "0", "", None, 1)),
        (HELLASWAG, "ctx_a", (None, 5)), (HELLASWAG, "ctx_b", (None, 5)), (HELLASWAG, "activity_label", (None, 5)),
        (HELLASWAG, "endings", (None, "abcd", ["a"] * 3, ["a"] * 5, ["", "b", "c", "d"], ["a", None, "c", "d"], ["a", "[b]", "c", "d"])),
        (HELLASWAG, "label", ("", "4", "-1", "1.0", "a", None, 2)),
    ],
    ids=lambda value: getattr(value, "name", None if isinstance(value, tuple) else value),
)  # fmt: skip
def test_an_item_that_no_template_can_ask_names_file_item_and_field(
    world: World, tmp_path: Path, asked: Benchmark, field: str, values: Sequence[object]
) -> None:
    for number, value in enumerate(values):
        changed = (
            {"option_d": "d", "option_e": None, "answer": "D", field: value}
            if asked is ARC
            else {field: value}
        )
        task = spoilt_task(world, tmp_path / str(number), asked, lambda rows: rows[2].update(changed))  # noqa: B023
        with pytest.raises(
            ValueError,
            match=rf"items: data/en/{asked.evaluated_split}.jsonl:3, document {asked.name}/\w+/2: {field} is ",
        ):
            stage_tasks(task, tmp_path / "staged")


def test_an_item_of_the_examples_is_held_to_the_same(world: World, tmp_path: Path) -> None:
    task = spoilt_task(world, tmp_path, MMLU, lambda rows: rows[1].update(answer="E"), split="train")
    with pytest.raises(
        ValueError, match=r"data/en/train.jsonl:2, document mmlu/train/1: answer is 'E'; expected"
    ):
        stage_tasks(task, tmp_path / "staged")


def test_three_options_are_three(world: World, tmp_path: Path, language_model: LanguageModel) -> None:
    """Where no item of the file has a fifth, either."""

    def cut(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            del row["option_e"]
            row.update(option_d=None, answer="C")

    for split in ("test", "train"):
        task = spoilt_task(world, tmp_path, ARC, cut, split=split)
    assert len(item_outcomes(language_model, language_model.model, task, BATCH)) == task.items


def test_an_option_that_stands_twice_is_told(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changed = {"option_a": "x", "option_b": "x", "answer": "B"}
    for benchmark, change in (
        (ARC, changed),
        (MMLU, changed),
        (HELLASWAG, {"endings": list("xxcd"), "label": " 1"}),
    ):
        task = spoilt_task(world, tmp_path / benchmark.name, benchmark, lambda rows: rows[0].update(change))  # noqa: B023
        stage_tasks(task, tmp_path / "staged")
    said = [record.getMessage() for record in caplog.records]
    assert [f"{name} in en: in 1 documents the right option is spelled like another one" in text
            for name, text in zip(("arc", "mmlu", "hellaswag"), said, strict=True)] == [True] * 3  # fmt: skip


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"id": 1.5}', r"test.jsonl:1: a document has id 1.5; expected text or a whole number"),
        (b'{"id": {"a": 1}}', r"test.jsonl:1: a document has id \{'a': 1\}"),
        (b'{"id": "a"}\n{"answer": "A"}', r"test.jsonl:2: a document has none of the fields"),
        (b'{"id": "a", "b": {"c": ["x", "\\ud83d"]}}', r"test.jsonl:1 is a document with half of a character at \$\.b\.c\[1\]"),
        ('{"id": "a"}'.encode("utf-16"), r"test.jsonl:1 is no JSON document"),
        (b'\xef\xbb\xbf{"id": "a"}', r"test.jsonl:1 is no JSON document"),
        (b'[{"id": "a"}]', r"test.jsonl:1 holds a list"),
        (b'{"id": "a"}\n{"id": "b", ', r"test.jsonl:2 is no JSON document"),
    ],
    ids=["a fraction", "an object", "no name", "a surrogate", "UTF-16", "a mark of order", "a list", "cut"],
)  # fmt: skip
def test_a_line_that_is_no_document_names_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "test.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=f"items: en/{says}|^en/{says}"):
        read_documents(local_pin(tmp_path), "en", "test")


def test_a_table_that_is_cut_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "test.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(
        ValueError, match=r"en/test.parquet is no table of documents .*; fetch the data set again"
    ):
        read_documents(local_pin(tmp_path), "en", "test")


def test_a_field_of_two_kinds_names_both(world: World, tmp_path: Path) -> None:
    task = spoilt_task(
        world, tmp_path, MMLU, lambda rows: rows[1].update(source=[1]) or rows[0].update(source="a")
    )
    with pytest.raises(
        ValueError,
        match=r"source is not of one kind .*list in document mmlu/test/1.*str in document mmlu/test/0",
    ):
        stage_tasks(task, tmp_path / "staged")


def spoilt_task(
    world: World,
    folder: Path,
    benchmark: Benchmark,
    change: Callable[[list[dict[str, Any]]], object],
    split: str | None = None,
) -> QuestionSet:
    """One benchmark in English without examples, of which one split was changed."""
    root = folder / "items"
    if not root.exists():
        shutil.copytree(
            Path(world.benchmarks[benchmark.data_folder].address) / "data" / "en", root / "data" / "en"
        )
    path = root / "data" / "en" / f"{split or benchmark.evaluated_split}.jsonl"
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return task_of(world, "en", benchmarks=(benchmark,), data=(local_pin(root),), items=4, max_shots=0)


def test_prompts_longer_than_the_model_reads_are_refused(
    world: World, language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_model.model.config, "max_position_embeddings", 20)
    with pytest.raises(ValueError, match=r"the model reads 20; lower max_shots"):
        evaluation.item_outcomes(language_model, language_model.model, task_of(world, "en"), BATCH)


def test_spoilt_chinese_endings_are_repaired(world: World, tmp_path: Path) -> None:
    write_benchmarks(tmp_path / "okapi", ["zh"], seed=0)
    pin = local_pin(tmp_path / "okapi" / "m_hellaswag")
    lines = (Path(pin.address) / "data" / "zh" / "val.jsonl").read_text("utf-8").splitlines()
    assert any(isinstance(ending, dict) for line in lines for ending in json.loads(line)["endings"])
    endings = [ending for document in read_documents(pin, "zh", "val") for ending in document["endings"]]
    assert not [ending for ending in endings if not isinstance(ending, str) or "spoilt" in ending]
    rows = produced(world, task_of(world, "zh", benchmarks=(HELLASWAG,), data=(pin,)), tmp_path / "out")
    assert len(rows) == NUM_TEST_ITEMS


def test_options_absent_from_the_first_row_are_asked_all_the_same(
    world: World, prompts: None, tmp_path: Path
) -> None:
    folder = tmp_path / "m_arc" / "data" / "en"
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        documents = read_documents(world.benchmarks["m_arc"], "en", split)
        documents.sort(key=lambda document: bool(document["option_e"]))
        sparse = [{key: value for key, value in row.items() if value is not None} for row in documents]
        assert "option_e" not in sparse[0]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, sparse)), encoding="utf-8")
    pin = local_pin(tmp_path / "m_arc")
    rows = produced(world, task_of(world, "en", benchmarks=(ARC,), data=(pin,), items=None), tmp_path / "out")
    choices = [len(json.loads(row.document_hash)["choices"]) for row in rows]
    assert choices == [5 if "option_e" in row else 4 for row in read_documents(pin, "en", "test")]
    assert 5 in choices


def local_pin(folder: Path) -> Pin:
    return Pin(name="items", home=Home.FOLDER, address=str(folder), licence="Apache-2.0")


def test_a_language_without_questions_is_not_asked_and_named(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else that the study wants of it is measured all the same; no model is loaded to ask it nothing."""
    monkeypatch.setattr(evaluation, "load_language_model", None)
    assert produced(world, task_of(world, "xx"), tmp_path) == []
    assert read_table(tmp_path, UnaskedBenchmark) == [
        UnaskedBenchmark(benchmark=benchmark.name, language="xx") for benchmark in BENCHMARKS
    ]


def test_of_several_benchmarks_those_are_asked_that_have_questions(world: World, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "arc" / "data" / "en").mkdir(parents=True, exist_ok=True)
        (tmp_path / "arc" / "data" / "en" / f"{split}.jsonl").touch()
    data = tuple(
        local_pin(tmp_path / "arc") if benchmark.name == "arc" else world.benchmarks[benchmark.data_folder]
        for benchmark in BENCHMARKS
    )
    rows = produced(world, task_of(world, "ml", data=data), tmp_path / "out")
    assert {row.benchmark for row in rows} == {"hellaswag", "mmlu"}
    assert [row.benchmark for row in read_table(tmp_path / "out", UnaskedBenchmark)] == ["arc"]


def test_questions_without_their_examples_cannot_be_asked(tmp_path: Path) -> None:
    for place in ("en/train", "en/test", "ml/test"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / f"{place}.jsonl").touch()
    arc = next(benchmark for benchmark in BENCHMARKS if benchmark.name == "arc")
    assert missing_languages(local_pin(tmp_path), arc, ["en", "ml", "xx"]) == ("ml", "xx")
    remote = replace(local_pin(tmp_path), home=Home.HUB_DATASET)
    listed = ["README.md", "data/en/train.jsonl", "data/en/test.jsonl", "elsewhere/data/ml/test.jsonl"]
    assert missing_languages(remote, arc, ["en", "ml"], listed) == ("ml",)


def test_a_data_set_in_another_layout_names_what_there_is(world: World, tmp_path: Path) -> None:
    """No language at all is no language that lacks something."""
    (tmp_path / "english").mkdir()
    (tmp_path / "english" / "arc.jsonl").touch()
    data = (local_pin(tmp_path),)
    with pytest.raises(
        MissingSourceError, match=r"items has no \*/test in any .* it holds \['english/arc.jsonl'\]"
    ):
        produced(world, task_of(world, "en", benchmarks=BENCHMARKS[:1], data=data), tmp_path / "out")


@pytest.mark.parametrize(
    "places",
    [
        pytest.param(["data/en/test.jsonl"], id="by hand"),
        pytest.param(["en/test.jsonl"], id="without a folder of its own"),
        pytest.param(["en/test-00000-of-00001.parquet"], id="as the hub's client writes it"),
        pytest.param(["en/test-00000-of-00002.parquet", "en/test-00001-of-00002.parquet"], id="in two parts"),
        pytest.param(["data/en/test-00000-of-00001.parquet"], id="both"),
    ],
)
def test_items_are_found_in_every_layout(tmp_path: Path, places: Sequence[str]) -> None:
    rows = [{"id": f"item/{number}", "instruction": "one\u2028two"} for number in range(4)]
    share = len(rows) // len(places)
    for number, place in enumerate(places):
        path, part = tmp_path / place, rows[number * share : (number + 1) * share]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(part), path)
        else:
            path.write_text(
                "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part), encoding="utf-8"
            )
    assert read_documents(local_pin(tmp_path), "en", "test") == rows


@pytest.mark.parametrize("asked", BENCHMARKS, ids=lambda each: each.name)
def test_every_language_is_asked_from_its_own_file(asked: Benchmark) -> None:
    """On the committed items, in all ten languages: Catalan and Spanish share their script, Hindi and Marathi as well."""
    pin = fixture().sources.benchmarks[asked.data_folder]
    for code in ("en", "zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi"):
        for split in {"train", asked.evaluated_split}:
            file = COMMITTED / asked.data_folder / "data" / code / f"{split}.jsonl"
            lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            assert read_documents(pin, code, split) == lines


@pytest.mark.parametrize("place", ["data/{}/test.jsonl", "{}/test-00000-of-00001.parquet"])
def test_one_languages_questions_under_the_name_of_another_are_refused(tmp_path: Path, place: str) -> None:
    for code, text in (("ca", "uno"), ("es", "uno"), ("it", "due")):
        path = tmp_path / place.format(code)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"id": "a", "instruction": text}), encoding="utf-8")
    one, other = (re.escape(place.format(code)) for code in ("ca", "es"))
    with pytest.raises(
        ValueError, match=f"^{one} and {other} hold the same bytes, so one of them is in another language"
    ):
        read_documents(local_pin(tmp_path), "ca", "test")


def test_only_made_items_are_alike_in_every_language(tmp_path: Path) -> None:
    (tmp_path / "any").mkdir()
    (tmp_path / "any" / "test.jsonl").write_text('{"id": "a"}', encoding="utf-8")
    with pytest.raises(MissingSourceError, match="items has no ca/test in any of the layouts"):
        read_documents(local_pin(tmp_path), "ca", "test")
    made = Pin(name="made items", home=Home.MADE, address="items?items=2", licence="Apache-2.0")
    assert read_documents(made, "ca", "test") == read_documents(made, "es", "test") != []


def test_empty_file_is_an_error(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "m_mmlu" / "data" / "en"
    folder.mkdir(parents=True)
    for split in ("test", "train"):
        (folder / f"{split}.jsonl").write_text("\n", encoding="utf-8")
    task = task_of(world, "en", benchmarks=(MMLU,), data=(local_pin(tmp_path / "m_mmlu"),))
    with pytest.raises(ValueError, match="en/test holds no document"):
        produced(world, task, tmp_path / "out")


def test_unknown_template_names_the_known_ones(world: World, tmp_path: Path) -> None:
    strange = replace(ARC, template="_unknown_yaml")
    with pytest.raises(
        UsageError, match=r"unknown template '_unknown_yaml' of benchmark arc; expected one of"
    ):
        produced(world, task_of(world, "en", benchmarks=(strange,)), tmp_path)


def test_too_few_examples_are_an_error(world: World, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"arc asks for 10 examples, but split train has 6 documents"):
        produced(world, task_of(world, "en", benchmarks=(ARC,), max_shots=None), tmp_path)


def test_repeated_ids_are_an_error(world: World, tmp_path: Path) -> None:
    document = (
        (Path(world.benchmarks["m_mmlu"].address) / "data/en/test.jsonl").read_text("utf-8").splitlines()[0]
    )
    for split in ("train", "test"):
        path = tmp_path / "m_mmlu" / "data" / "en" / f"{split}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{document}\n{document}\n", encoding="utf-8")
    task = task_of(world, "en", benchmarks=(MMLU,), data=(local_pin(tmp_path / "m_mmlu"),))
    with pytest.raises(ValueError, match=r"mmlu names several documents \['mmlu/test/0'\]"):
        produced(world, task, tmp_path / "out")


def test_documents_without_a_name_are_an_error() -> None:
    assert document_id({"ind": 0, "label": "1"}) == "0"
    with pytest.raises(ValueError, match=r"none of the fields \('id', 'ind'\)"):
        document_id({"label": "1"})


def test_nothing_is_said_on_stderr(world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    produced(world, task_of(world, "en", items=2), tmp_path)
    assert capfd.readouterr().err == ""
