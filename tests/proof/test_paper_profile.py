"""The paper profile from end to end, against a hub in miniature on this machine: six minutes of a processor."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from claims.sin2025 import pins
from claims.sin2025.study import STUDY
from harness.store.tables import read_table
from harness.words.records import Coverage, ItemOutcome, Selection
from tests.hub.commands import files_that_hold, report_of, reproduce
from tests.hub.miniature import miniature_hub
from tests.hub.server import TOKEN, Fault, Hub, serving
from tests.proof.traps import document_hash, served_item, served_rows

Row = TypeVar("Row")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub on a bad day: each fault passes, and what passes is tried again."""
    hub = miniature_hub()
    hub.faults += [
        Fault(path="/api/models", kind="status", status=503),
        Fault(path="/cdn/", kind="cut", times=2),
        Fault(path="/api/resolve-cache", kind="status", status=429, headers={"Retry-After": "1"}),
        Fault(path="activations/batch-0", kind="cut", times=3),
        Fault(path="list-type", kind="slow"),
    ]
    with serving(hub) as running:
        yield running


@pytest.fixture(scope="module")
def root(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the whole profile has run once."""
    root = tmp_path_factory.mktemp("paper")
    done = reproduce(hub, root, limit_s=3600)
    assert done.returncode in {0, 1, 2, 5}, done.stderr
    assert "Traceback" not in done.stderr
    return root


def test_every_stage_is_completed(root: Path) -> None:
    report = report_of(root)
    assert report["not_run"] == []
    stages = {artifact["stage"] for artifact in report["run"]["artifacts"]}
    assert stages >= {
        *(
            "replay",
            "phrases",
            "converted-translators",
            "translation-shards",
            "translations",
            "activations",
            "dictionary-error",
            "adapters",
        ),
        *("activations-tuned", "benchmarks", "benchmarks-tuned", "estimates"),
    }
    assert len(report["measurements"]) > 1_000


def test_true_names_do_not_make_it_evidence(root: Path) -> None:
    """The mode follows from shapes and digests: the profile is called paper, and its run is a fixture."""
    report = report_of(root)
    assert (report["run"]["profile"], report["mode"]) == ("paper", "fixture")
    facts = report["run"]["environment"]
    assert facts["layers found again by replay"] == "26 of 26"
    assert facts["shapes as loaded"].startswith("26 layers, 64 wide")
    assert int(facts["files that stand in a fixture's birth certificate"]) > 26


def test_every_source_has_a_revision(hub: Hub, root: Path) -> None:
    sources = {source["address"]: source["revision"] for source in report_of(root)["run"]["sources"]}
    assert "unpinned" not in sources.values()
    assert sources[pins.MODEL.address] == hub.repositories["models", pins.MODEL.address].sha
    assert sources[pins.BENCHMARKS["m_hellaswag"].address] == pins.BENCHMARKS["m_hellaswag"].revision
    assert len(sources[pins.PHRASES.address]) == 64


def test_all_faults_were_met_and_nothing_unknown_was_asked(hub: Hub, root: Path) -> None:
    assert root.is_dir()
    assert [fault for fault in hub.faults if fault.times > 0] == []
    assert hub.unknown == []
    assert not hub.paths("gguf|tf_model|rust_model|width_65k")


def test_rows_that_peak_on_bos_or_cross_documents_were_met_and_dropped(hub: Hub, root: Path) -> None:
    coverage = covered(root)
    served = [served_rows(hub, row.layer) for row in coverage]
    assert [row.rows_peaked_on_bos for row in coverage] == [rows.peaked_on_bos for rows in served]
    assert [row.rows_across_documents for row in coverage] == [rows.across_documents for rows in served]
    assert sum(row.rows_peaked_on_bos for row in coverage) > 0
    assert sum(row.rows_across_documents for row in coverage) > 0


def covered(root: Path) -> list[Coverage]:
    """What phrase selection covers, as it is stored where it is made and passed on to the report."""
    made, passed_on = stored(root, "coverages", Coverage)
    assert made == passed_on
    return made


def test_latents_named_by_strings_and_by_numbers_were_both_joined(hub: Hub, root: Path) -> None:
    coverage, (selections,) = covered(root), stored(root, "selections", Selection)
    for row in coverage:
        latents = served_rows(hub, row.layer).latents
        drawn = {each.latent for each in selections if each.layer == row.layer}
        assert drawn & latents[str]
        assert drawn & latents[int]
        assert row.latents_listed == len(latents[str] | latents[int])
        assert row.latents_without_rows <= row.latents_listed - row.latents_drawn


def test_the_malformed_chinese_row_was_asked_with_its_chinese_endings(hub: Hub, root: Path) -> None:
    row = served_item(hub, "m_hellaswag", "zh", "val", 2)
    endings = [ending["zh"] for ending in row["endings"]]
    query = f"{row['activity_label']}: {row['ctx_a']}"
    asked = row | {"endings": endings, "query": query, "choices": endings, "gold": int(row["label"])}
    found = [each for each in answered(root, "hellaswag", row["id"]) if each.language == "zh"]
    assert found
    assert {each.document_hash for each in found} == {document_hash(asked)}


def test_a_question_with_five_options_was_answered_in_every_language(hub: Hub, root: Path) -> None:
    row = served_item(hub, "m_arc", "zh", "test", 1)
    options = [row[f"option_{letter}"] for letter in "abcde"]
    asked = row | {"query": f"Question: {row['instruction']}\nAnswer:", "choices": options, "gold": 4}
    found = answered(root, "arc", row["id"])
    assert {each.language for each in found} == {"en", *(language.code for language in STUDY.targets)}
    assert {each.document_hash for each in found if each.language == "zh"} == {document_hash(asked)}


def test_the_token_is_nowhere(root: Path) -> None:
    assert not files_that_hold(root, TOKEN)


def test_a_second_start_without_network_finds_everything(hub: Hub, root: Path) -> None:
    before = len(hub.asked)
    done = reproduce(hub, root, HF_HUB_OFFLINE="1", AWS_ENDPOINT_URL_S3=hub.url, limit_s=600)
    assert "nothing to do: every artifact stands" in done.stdout
    assert len(hub.asked) == before


def stored(root: Path, table: str, row_type: type[Row]) -> list[list[Row]]:
    """Every table of one kind that the run left, each with its rows."""
    return [read_table(path.parent, row_type) for path in (root / "store").rglob(f"{table}.parquet")]


def answered(root: Path, benchmark: str, document_id: str) -> list[ItemOutcome]:
    """What every arm answered to one item, in every language."""
    rows = [row for table in stored(root, "items", ItemOutcome) for row in table]
    return [row for row in rows if (row.benchmark, row.document_id) == (benchmark, document_id)]
