"""Rows of an export as they are found in the wild, and latents that the service does not tell to their end."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tokenizers import decoders, pre_tokenizers

from harness.sources.neuronpedia import (
    UNREADABLE,
    StoredRow,
    listed_latents,
    piece_ids,
    stored_rows,
    text_of,
)
from harness.sources.spotcheck import service_latent
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Home, Pieces, Pin
from tests.hub.server import Fault, Hub, serving

SERVICE = Pin(
    name="service",
    home=Home.SERVICE,
    address="https://www.neuronpedia.org/api/feature/gemma-2-2b",
    licence="none",
)
PAGE = "/api/feature/gemma-2-2b/0-res/3"
TOLD = {"maxActApprox": 4.0, "activations": [{"index": "3", "tokens": ["a"], "values": [4.0]}]}


@pytest.mark.parametrize("kind", ["cut", "stall"])
@pytest.mark.parametrize("times", [3, 99], ids=["three times", "always"])
def test_a_latent_that_does_not_come_whole_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, times: int
) -> None:
    fault = Fault(path=PAGE, kind=kind, times=times)
    with serving(Hub(pages={PAGE: json.dumps(TOLD).encode()}, faults=[fault])) as hub:
        hub.lead(monkeypatch, tmp_path)
        if times == 3:
            assert service_latent(SERVICE, "0-res", 3).maximum == 4.0
            return
        with pytest.raises(MissingSourceError, match=rf"service .*{PAGE}.*over and over") as caught:
            service_latent(SERVICE, "0-res", 3)
    assert caught.value.reason is Reason.NO_NETWORK


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param(TOLD | {"maxActApprox": float("nan")}, "a maxActApprox is nan", id="a maximum that is none"),
        pytest.param(TOLD | {"maxActApprox": 10**400}, "OverflowError", id="a maximum beyond numbers"),
        pytest.param(TOLD | {"activations": [{"index": "4", "tokens": ["a"], "values": [4.0]}]}, r"rows of latents \[4\] stand among those of latent 3",
                     id="another latent"),
        pytest.param(TOLD | {"activations": [{"index": "3", "tokens": [None], "values": [4.0]}]}, r"tokens\[0\] is None", id="no text"),
    ],
)  # fmt: skip
def test_what_tells_no_latent_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: object, says: str
) -> None:
    with serving(Hub(pages={PAGE: json.dumps(told).encode()})) as hub:
        hub.lead(monkeypatch, tmp_path)
        with pytest.raises(MissingSourceError, match=rf"0-res/3 tells no latent with its rows .*{says}"):
            service_latent(SERVICE, "0-res", 3)


SOURCE = "0-miniature-res-64"


def line(
    latent: str | float, tokens: Sequence[str] = ("\u2581sea",), values: Sequence[float] = (1.0,)
) -> str:
    return json.dumps({"index": latent, "tokens": tokens, "values": values})


def write_batches(root: Path, batches: dict[str, list[str]]) -> Path:
    folder = root / SOURCE / "activations"
    folder.mkdir(parents=True)
    for name, lines in batches.items():
        (folder / name).write_bytes(gzip.compress("".join(f"{text}\n" for text in lines).encode()))
    return root


def test_the_latent_may_be_a_string_or_a_number(tmp_path: Path) -> None:
    export = write_batches(tmp_path, {"batch-0.jsonl.gz": [line("4071"), line(4071)]})
    assert [row.latent for row in stored_rows(export, SOURCE)] == [4071, 4071]


def test_batches_are_read_by_number_and_not_by_letter(tmp_path: Path) -> None:
    batches = {f"batch-{number}.jsonl.gz": [line(number)] for number in (10, 2, 0, 1)}
    assert [row.latent for row in stored_rows(write_batches(tmp_path, batches), SOURCE)] == [0, 1, 2, 10]


def test_a_row_keeps_its_tokens_and_values(tmp_path: Path) -> None:
    tokens, values = ["\u2581The", "\u2581harbour", "."], [0, 41.25, 3.5]
    export = write_batches(tmp_path, {"batch-0.jsonl.gz": [line("7", tokens, values)]})
    assert list(stored_rows(export, SOURCE)) == [
        StoredRow(latent=7, tokens=tuple(tokens), values=(0.0, 41.25, 3.5))
    ]


def write_features(root: Path, lines: list[str]) -> Path:
    folder = root / SOURCE / "features"
    folder.mkdir(parents=True)
    (folder / "batch-0.jsonl.gz").write_bytes(gzip.compress("".join(f"{text}\n" for text in lines).encode()))
    return root


def test_feature_rows_say_which_latents_there_are(tmp_path: Path) -> None:
    export = write_features(tmp_path, ['{"index": "0"}', '{"index": 10}', '{"index": "2"}'])
    assert listed_latents(export, SOURCE) == {0, 2, 10}


def test_an_export_may_have_no_feature_rows(tmp_path: Path) -> None:
    assert listed_latents(tmp_path, SOURCE) == frozenset()


def test_a_feature_row_without_an_index_is_named(tmp_path: Path) -> None:
    export = write_features(tmp_path, ['{"index": 1}', "{}"])
    with pytest.raises(ValueError, match=rf"^{SOURCE}/features/batch-0\.jsonl\.gz:2 is not a feature row"):
        listed_latents(export, SOURCE)


def test_a_source_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no activation files for '3-nowhere'"):
        list(stored_rows(tmp_path, "3-nowhere"))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        pytest.param("{", "is not an activation row: JSONDecodeError", id="no JSON"),
        pytest.param("[1]", "is not an activation row: TypeError", id="no object"),
        pytest.param('{"index": 1, "values": [1.0]}', r"is not an activation row: KeyError\('tokens'\)", id="no tokens"),
        pytest.param(line("one"), "is not an activation row: ValueError", id="no number"),
        pytest.param(line(1, ["a"], ["1"]), "is not an activation row: TypeError", id="a value in words"),  # type: ignore[list-item]
        pytest.param(line(1, ["a"], [True]), "is not an activation row: TypeError", id="a value of truth"),
        pytest.param(line(1, ["a"], [None]), "is not an activation row: TypeError", id="no value"),  # type: ignore[list-item]
        pytest.param(line(1, ["a"], [10**400]), "is not an activation row: OverflowError", id="a value beyond numbers"),
        pytest.param(line(1, ["a"], [float("-inf")]), "has a value that is no number", id="an infinite value"),
        pytest.param(line(1, ["a", None], [1, 1]), r"is not an activation row: TypeError\('tokens\[1\] is None, not a text'\)", id="no token"),  # type: ignore[list-item]
        pytest.param(line(1, [5], [1]), "is not an activation row: TypeError", id="a token in numbers"),  # type: ignore[list-item]
        pytest.param(line(1, "ab", [1, 1]), "is not an activation row: TypeError", id="tokens in one text"),
        *(pytest.param(line(index), r"is not an activation row: ValueError\(.*index is .* not a whole number", id=f"index {index!r}")  # type: ignore[arg-type]
          for index in (-1, "-1", 12.7, 12.0, "12.7", " 3", "1_0", "\u0663", "", True, None, [3])),
        pytest.param(line(1, ["a", "b"], [1.0]), "has 2 tokens but 1 values", id="fewer values than tokens"),
        pytest.param(line(1, [], []), "has 0 tokens but 0 values", id="an empty row"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_file_and_number(tmp_path: Path, bad: str, message: str) -> None:
    export = write_batches(
        tmp_path, {"batch-0.jsonl.gz": [line(1)], "batch-3.jsonl.gz": [line(1), line(2), bad]}
    )
    with pytest.raises(ValueError, match=rf"^{SOURCE}/activations/batch-3\.jsonl\.gz:3 {message}"):
        list(stored_rows(export, SOURCE))


def test_half_of_a_character_is_bytes_that_are_no_text(tmp_path: Path) -> None:
    export = write_batches(
        tmp_path, {"batch-0.jsonl.gz": [line(1, ["a", "\ud83d"], [1, 2]), line(1, ["\U0001f30a"], [1])]}
    )
    assert [row.tokens for row in stored_rows(export, SOURCE)] == [("a", UNREADABLE), ("\U0001f30a",)]


def test_lines_end_where_json_lets_them(tmp_path: Path) -> None:
    told = json.dumps({"index": 1, "tokens": ["a\u2028b", "c\x85"], "values": [1, 2]}, ensure_ascii=False)
    (row,) = stored_rows(write_batches(tmp_path, {"batch-0.jsonl.gz": [told]}), SOURCE)
    assert row.tokens == ("a\u2028b", "c\x85")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"layer": "25-miniature-res-64"}, "of layer '25-miniature-res-64'; expected '0-miniature-res-64'"),
        ({"layer": 0}, "of layer 0; expected '0-miniature-res-64'"),
        ({"layer": None}, "of layer None; expected"),
        ({"modelId": "gpt2-small"}, "of modelId 'gpt2-small'; expected 'gemma-2-2b'"),
        ({"index": 64}, "of latent 64, but the dictionary of this layer has 64, counted from 0"),
        ({"index": "10000000"}, "of latent 10000000, but the dictionary"),
    ],
)
def test_rows_of_another_layer_model_or_dictionary_are_refused(
    tmp_path: Path, said: dict[str, object], says: str
) -> None:
    ours = {"index": 63, "tokens": ["a"], "values": [1.0], "layer": SOURCE, "modelId": "gemma-2-2b"}
    batches = {"batch-0.jsonl.gz": [json.dumps(ours), json.dumps(ours | said)]}
    export = write_batches(tmp_path / "gemma-2-2b", batches)
    (export / SOURCE / "activations").rename(export / SOURCE / "features")
    with pytest.raises(ValueError, match=rf"^{SOURCE}/features/batch-0\.jsonl\.gz:2 is a row {says}"):
        listed_latents(export, SOURCE, 64)
    (export / SOURCE / "features").rename(export / SOURCE / "activations")
    with pytest.raises(ValueError, match=rf"^{SOURCE}/activations/batch-0\.jsonl\.gz:2 is a row {says}"):
        list(stored_rows(export, SOURCE, 64))


def test_the_peak_is_the_first_of_the_strongest_tokens() -> None:
    assert StoredRow(latent=0, tokens=("a", "b", "c"), values=(0.0, 2.0, 2.0)).peak == 1


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (("\u2581The", "\u2581sea", "."), "The sea."),
        (("sea", "side", "\u2581walk", "\n"), "seaside walk"),
        (("\u2581", "\u2581a"), "a"),
        (("\n\n",), ""),
        (("\u2581A", "<0xF0>", "<0x9F>", "<0x8C>", "<0x8A>", "\u2581wave"), "A\U0001f30a wave"),
        (("\u2581A", "<0xC3>", "<0xA9>", "<0xC3>", "<0xA8>"), "A\u00e9\u00e8"),
        (("<0x0A>", "\u2581sea"), "sea"),
        (("\u2581A", "<0xF0>", "<0x9F>", "\u2581wave"), f"A{UNREADABLE} wave"),
        (("<0xA9>", "\u00e9"), f"{UNREADABLE}\u00e9"),
        (("<", "0", "x", "F", "0", ">"), "<0xF0>"),
        (("\u2581<0xF0>",), "<0xF0>"),
    ],
    ids=[
        "leading spaces",
        "pieces of a word",
        "spaces alone",
        "only a line break",
        "four bytes of one character",
        "a run of two characters",
        "a byte that is blank",
        "a character cut short",
        "a byte that begins no character",
        "a text about bytes",
        "a word about bytes",
    ],
)
def test_pieces_spell_a_text(tokens: tuple[str, ...], text: str) -> None:
    assert text_of(tokens, Pieces.WORD_MARKS).strip() == text


EVERY_BYTE = "".join(map(chr, range(0x20, 0x2000))) + "\n\t\u2014\u2013\u201c\u201d\u2018\u2019 \U0001f30a"


def test_byte_level_pieces_spell_what_the_tokenizers_own_decoder_spells() -> None:
    encode, decode = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoders.ByteLevel()
    ((raw, _),) = encode.pre_tokenize_str(EVERY_BYTE)
    assert decode.decode(list(raw)) == text_of(raw, Pieces.BYTES) == EVERY_BYTE


def test_an_exported_byte_level_row_spells_its_text() -> None:
    tokens = ("The", " old", "—", "caf", "Ã", "©", ",", "\n", " “", "so", "”")
    assert text_of(tokens, Pieces.BYTES) == "The old—café,\n “so”"
    assert text_of(("Ã", " a"), Pieces.BYTES) == f"{UNREADABLE} a"


def test_exported_pieces_have_the_ids_of_the_vocabulary_and_those_written_alike_have_none() -> None:
    vocabulary = {"Ġthe": 0, "ĊĊ": 1, "âĢĻs": 2, "Ã©": 3, "âĢĭ": 4, "Ġ": 5, "plain": 6, "âĢĶĠĉ": 7}
    assert piece_ids(vocabulary, Pieces.BYTES) == {
        " the": 0, "\n\n": 1, "\u2019s": 2, "Ã©": 3, "plain": 6, "— \t": 7,
    }  # fmt: skip
    assert piece_ids(vocabulary, Pieces.WORD_MARKS) == vocabulary


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    export = write_batches(tmp_path, {"batch-0.jsonl.gz": [line(number) for number in range(50)]})
    file = export / SOURCE / "activations" / "batch-0.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(
        ValueError, match=r"activations/batch-0\.jsonl\.gz cannot be read to its end"
    ) as caught:
        list(stored_rows(export, SOURCE))
    assert f"remove {file}, and start again to fetch it anew" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [("[NaN]", "a value that is no number"), ('"1"', "not a list")],
    ids=["no number", "no list"],
)
def test_values_are_a_list_of_numbers(tmp_path: Path, values: str, message: str) -> None:
    bad = f'{{"index": 1, "tokens": ["a"], "values": {values}}}'
    with pytest.raises(ValueError, match=message):
        list(stored_rows(write_batches(tmp_path, {"batch-0.jsonl.gz": [bad]}), SOURCE))
