"""From stored rows to phrases: what is dropped, where a sentence is cut, and which latents are drawn."""

import gzip
import json
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.sources.neuronpedia import StoredRow
from harness.stages import phrases
from harness.stages.english import looks_english
from harness.stages.phrases import (
    LayerRows,
    Phrase,
    drawn_latents,
    eligible_phrases,
    numbered_texts,
    panel,
    phrase_around_peak,
    selections,
    usable_rows,
)
from harness.store.tables import read_table, table_path
from harness.words.plan import Parameters
from harness.words.records import Coverage, PanelLatent, Selection, Text
from harness.words.study import GEMMA_2, SAMPLING_SEED, Home, PhraseChoice, PhraseCut, Pieces, Pin
from tests.world_data import NUM_EXPORTED
from tests.world_networks import BOS_ONLY_LATENT, DEAD_LATENT
from tests.worlds import World

CHOICE = PhraseChoice(min_fraction_of_maximum=0.8, cut=PhraseCut.SENTENCE, min_examples=1, max_examples=3)
SPACE = "\u2581"


def row(text: str, peak: float, *, at: str | None = None, latent: int = 0) -> StoredRow:
    """A row of blank-separated pieces, `_` for a leading space, that peaks at a piece (the first by default)."""
    tokens = [piece.replace("_", SPACE).replace("NL", "\n") for piece in text.split()]
    place = 0 if at is None else text.split().index(at)
    return StoredRow(
        latent=latent,
        tokens=tuple(tokens),
        values=tuple(peak if number == place else 0.25 for number in range(len(tokens))),
    )


def phrase(text: str, peak: float) -> Phrase:
    return Phrase(text=text, stored_peak=peak)


def layer_of(phrases: Sequence[Phrase]) -> LayerRows:
    """Rows of one latent of which nothing was dropped."""
    return LayerRows(by_latent={0: list(phrases)}, maxima={0: max(phrase.stored_peak for phrase in phrases)})


def task_of(world: World, **changes: object) -> Parameters:
    task = {
        "export": world.phrases,
        "source_ids": world.phrase_source_ids,
        "dictionaries": world.dictionaries,
        "dictionary_files": world.dictionary_files,
        "choice": CHOICE,
        "latents_per_layer": 12,
        "phrases_per_latent": None,
        "panel_latents": 5,
        "held_out_fraction": 1 / 3,
        "seed": SAMPLING_SEED,
    }
    return task | changes


@pytest.fixture(scope="module")
def made(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phrases")
    phrases.phrases(out=folder, **task_of(world))
    return folder


def test_rows_are_dropped_and_counted_by_their_first_fault() -> None:
    rows = [
        row("_The _sea", 5.0),
        row("<bos> _The _sea", 9.0),
        row("_The <bos> _sea", 5.0),
        row("_The _sea <eos> _It", 5.0),
        row("_The _sea <pad> <pad>", 5.0),
        row("_Sea <0xF0> <0x9F> _side", 5.0),
        row("_The _sea . NL _It", 5.0, at="NL"),
        row("_In _ 1 9 9 5", 5.0, at="_"),
        row("_\u041c\u043e\u0440\u0435 _\u0442\u0438\u0445\u043e", 5.0),
        row("_1 _+ _1", 5.0),
    ]
    usable = usable_rows(rows, PhraseCut.SENTENCE, GEMMA_2)
    assert usable.by_latent == {0: [phrase("The sea", 5.0)]}
    assert usable.read == 10
    assert (usable.peaked_on_bos, usable.across_documents, usable.unreadable) == (1, 3, 1)
    assert (usable.peaked_on_blank, usable.not_english) == (2, 2)


def test_a_phrase_about_control_tokens_is_kept_as_text() -> None:
    rows = usable_rows(
        [row("_This _is _the _< bos > _mark _that _we _put _in _front _of _the _text .", 5.0)],
        PhraseCut.SENTENCE,
        GEMMA_2,
    )
    assert rows.by_latent == {0: [phrase("This is the <bos> mark that we put in front of the text.", 5.0)]}


def test_rows_of_latents_beyond_the_dictionary_are_refused(world: World, tmp_path: Path) -> None:
    """Those of the layer: its own file says how many there are."""
    np.savez(
        tmp_path / "params.npz",
        W_enc=np.ones((32, 5)), W_dec=np.ones((5, 32)), b_enc=np.zeros(5), b_dec=np.zeros(32), threshold=np.ones(5),
    )  # fmt: skip
    narrow = Pin(name="narrow", home=Home.FOLDER, address=str(tmp_path), licence="none")
    task = task_of(world, dictionaries=narrow, dictionary_files=("params.npz",) * world.num_layers)
    with pytest.raises(
        ValueError, match=r"activations/batch-\d+.jsonl.gz:\d+ is a row of latent \d+, but .* has 5"
    ):
        phrases.phrases(out=tmp_path / "out", **task)


def test_rows_that_peak_on_bos_do_not_bound_the_maximum() -> None:
    # With the BOS row the bar would be 80; without it, it is 8, which 8.5 reaches.
    rows = [row("<bos> _sea", 100.0), row("_One", 10.0), row("_Two", 8.5), row("_Low", 2.0)]
    found = eligible_phrases(usable_rows(rows, PhraseCut.SENTENCE, GEMMA_2), CHOICE)
    assert [phrase.text for phrase in found.eligible[0]] == ["One", "Two"]
    assert found.below_maximum == 1


@pytest.mark.parametrize(
    "louder",
    [
        pytest.param(row("_\u6d77 _\u5f88 _\u9759", 10.0), id="Chinese"),
        pytest.param(row("_{ _x _= _1 ; _}", 10.0, at="_x"), id="code"),
        pytest.param(row("_Sea <bos> _Land", 10.0), id="two documents"),
        pytest.param(row("_Sea NL _Land", 10.0, at="NL"), id="a peak on a line break"),
        pytest.param(row("_Sea <0xF0> <0x9F>", 10.0), id="bytes that are no text"),
    ],
)
def test_whatever_else_is_wrong_with_a_row_it_bounds_the_maximum(louder: StoredRow) -> None:
    # The maximum is 10 and the bar 8: English at 1 is no peak of this latent, though no English row is stronger.
    faint, near = row("_One", 1.0), row("_Two", 9.0)
    assert eligible_phrases(usable_rows([louder, faint], PhraseCut.SENTENCE, GEMMA_2), CHOICE).eligible == {}
    found = eligible_phrases(usable_rows([faint, near, louder], PhraseCut.SENTENCE, GEMMA_2), CHOICE)
    assert found.eligible == {0: (phrase("Two", 9.0),)}
    assert found.below_maximum == 1


def test_each_latent_has_a_maximum_of_its_own() -> None:
    rows = [row("_\u6d77 _\u5f88", 10.0, latent=7), row("_One", 1.0, latent=7), row("_One", 1.0, latent=8)]
    assert eligible_phrases(usable_rows(rows, PhraseCut.SENTENCE, GEMMA_2), CHOICE).eligible == {
        8: (phrase("One", 1.0),)
    }


def test_exactly_eight_tenths_of_the_maximum_is_enough() -> None:
    # 0.8 * 10 = 8.
    found = eligible_phrases(
        layer_of([phrase("Top", 10.0), phrase("Edge", 8.0), phrase("Below", 7.999)]), CHOICE
    )
    assert found.eligible == {0: (phrase("Top", 10.0), phrase("Edge", 8.0))}


def test_a_latent_that_never_fires_has_no_phrase() -> None:
    assert eligible_phrases(layer_of([phrase("sea", 0.0)]), CHOICE).eligible == {}


def test_the_same_phrase_counts_once_at_its_strongest() -> None:
    rows = [row("_Sea . _One", 9.0), row("_Sea . _Two", 10.0), row("_Land .", 9.5)]
    found = eligible_phrases(usable_rows(rows, PhraseCut.SENTENCE, GEMMA_2), CHOICE)
    assert found.eligible[0] == (phrase("Sea.", 10.0), phrase("Land.", 9.5))
    assert found.duplicate == 1


def test_phrases_of_one_peak_stand_in_alphabetical_order() -> None:
    tied = [phrase("c", 9.0), phrase("a", 9.0), phrase("b", 10.0), phrase("a", 9.0)]
    expected = (phrase("b", 10.0), phrase("a", 9.0), phrase("c", 9.0))
    for order in (tied, tied[::-1]):
        assert eligible_phrases(layer_of(order), CHOICE).eligible[0] == expected


def test_nothing_of_a_row_is_held_but_its_phrase() -> None:
    dropped: list[bool] = []

    def rows() -> Iterator[StoredRow]:
        for number in range(3):
            passing = row("_The _sea . _The _land", float(number + 1))
            weakref.finalize(passing, dropped.append, True)
            yield passing

    usable = usable_rows(rows(), PhraseCut.SENTENCE, GEMMA_2)
    assert usable.by_latent == {0: [phrase("The sea.", peak) for peak in (1.0, 2.0, 3.0)]}
    assert dropped == [True] * 3


@pytest.mark.parametrize(("min_examples", "texts"), [(3, 3), (4, 0)], ids=["enough", "one too few"])
def test_a_latent_needs_enough_distinct_phrases(min_examples: int, texts: int) -> None:
    rows = layer_of([phrase("One", 10.0), phrase("Two", 9.0), phrase("Three", 8.0), phrase("Three", 8.0)])
    found = eligible_phrases(rows, replace(CHOICE, min_examples=min_examples))
    assert len(found.eligible.get(0, ())) == texts


def test_the_strongest_phrases_are_kept() -> None:
    rows = layer_of([phrase("Eight", 8.0), phrase("Ten", 10.0), phrase("Nine", 9.0)])
    found = eligible_phrases(rows, replace(CHOICE, max_examples=2))
    assert [phrase.text for phrase in found.eligible[0]] == ["Ten", "Nine"]


@pytest.mark.parametrize(
    ("pieces", "at", "sentence"),
    [
        pytest.param("_The _sea . _It _is _calm . _Yes", "_is", "It is calm.", id="between two full stops"),
        pytest.param("_Go ! _Is _it _calm ? _Yes", "_calm", "Is it calm?", id="exclamation and question"),
        pytest.param("_One NL _Two _words NLNL _Three", "_Two", "Two words", id="between line breaks"),
        pytest.param(
            "_It _costs _3 . 5 _euros . _Next", "_costs", "It costs 3.5 euros.", id="not inside 3.5"
        ),
        pytest.param("_See _a . com _now . _Next", "_See", "See a.com now.", id="not inside a name"),
        pytest.param("_The _sea . _It _is", ".", "The sea.", id="the full stop belongs to what it ends"),
        pytest.param("_One <0x0A> _Two", "_Two", "Two", id="a line break that is a byte"),
        pytest.param("_A <0xC3> <0xA9> _b", "<0xA9>", "A\u00e9 b", id="a byte of a character"),
        pytest.param("_sea _side _walk", "_side", "sea side walk", id="a window without an end"),
        pytest.param("_Calm _sea .", "_sea", "Calm sea.", id="the window's last token ends a sentence"),
        pytest.param("_Sea. _It _is", "_It", "It is", id="a piece that carries its full stop"),
        pytest.param("_Sea . _It _is", "_Sea", "Sea.", id="to the first end behind the peak"),
        pytest.param("_Well ... _it _is . _No", "_Well", "Well...", id="at the last of some full stops"),
        pytest.param("_Go !) _It _is", "_It", ") It is", id="inside a piece"),
    ],
)
def test_the_sentence_around_the_peak(pieces: str, at: str, sentence: str) -> None:
    assert phrase_around_peak(row(pieces, 9.0, at=at), PhraseCut.SENTENCE, Pieces.WORD_MARKS) == sentence


SPELLINGS = {
    "Gemma": (Pieces.WORD_MARKS, (f"{SPACE}A", f"{SPACE}caf", "<0xC3>", "<0xA9>", ".", f"{SPACE}He", "\u2019", "s", f"{SPACE}calm", ".", "\n\n", f"{SPACE}Yes")),
    "bytes, as a vocabulary has them": (Pieces.BYTES, ("A", "ĠcafÃ", "©.", "ĠHe", "âĢĻ", "s", "Ġcalm", ".ĊĊ", "ĠYes")),
    "bytes, as they are exported": (Pieces.BYTES, ("A", " cafÃ", "©.", " He", "\u2019", "s", " calm", ".\n\n", " Yes")),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_sentence_is_the_same_whichever_vocabulary_spelled_it(name: str) -> None:
    pieces, tokens = SPELLINGS[name]
    sentences = [
        phrase_around_peak(
            StoredRow(
                latent=0, tokens=tokens, values=tuple(float(place == peak) for place in range(len(tokens)))
            ),
            PhraseCut.SENTENCE,
            pieces,
        )
        for peak in range(len(tokens))
        if tokens[peak].strip()
    ]
    assert list(dict.fromkeys(sentences)) == ["A café.", "He\u2019s calm.", "Yes"]


def test_the_window_is_taken_whole() -> None:
    whole = row("_The _sea . _It _is NL _calm", 9.0, at="_is")
    assert phrase_around_peak(whole, PhraseCut.WINDOW, Pieces.WORD_MARKS) == "The sea. It is\n calm"


def test_a_draw_is_sorted_and_part_of_what_is_eligible() -> None:
    eligible = list(range(100, 200, 3))
    drawn = drawn_latents(eligible, 10, layer=2, seed=7)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 10
    assert set(drawn) < set(eligible)


@pytest.mark.parametrize(
    ("layer", "seed", "same"),
    [(2, 7, True), (3, 7, False), (2, 8, False)],
    ids=["same layer and seed", "another layer", "another seed"],
)
def test_a_draw_follows_layer_and_seed(layer: int, seed: int, *, same: bool) -> None:
    eligible = range(500)
    found = drawn_latents(eligible, 20, layer, seed)
    assert (found == drawn_latents(eligible, 20, layer=2, seed=7)) is same


def test_fewer_eligible_latents_are_all_drawn() -> None:
    assert drawn_latents([5, 3, 9], 10, layer=0, seed=0) == [3, 5, 9]


DRAWN: Mapping[int, Mapping[int, Sequence[Phrase]]] = {
    0: {4: (Phrase(text="b", stored_peak=3.0), Phrase(text="a", stored_peak=2.0))},
    1: {1: (Phrase(text="c", stored_peak=9.0),), 0: (Phrase(text="a", stored_peak=1.0),)},
}


def test_texts_are_numbered_once_in_alphabetical_order() -> None:
    assert [(text.text_id, text.text) for text in numbered_texts(DRAWN, 0.0, seed=1)] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
    ]


def test_selections_join_on_the_text() -> None:
    found = selections(DRAWN, numbered_texts(DRAWN, 0.5, seed=1))
    assert [(row.layer, row.latent, row.text_id, row.stored_peak) for row in found] == [
        (0, 4, 1, 3.0),
        (0, 4, 0, 2.0),
        (1, 0, 0, 1.0),
        (1, 1, 2, 9.0),
    ]


def test_the_held_out_share_is_seeded() -> None:
    many = {0: {latent: (Phrase(text=f"phrase {latent:03}", stored_peak=1.0),) for latent in range(90)}}
    first, again, other = (numbered_texts(many, 1 / 3, seed) for seed in (1, 1, 2))
    assert sum(text.held_out for text in first) == 30
    assert first == again
    assert [text.held_out for text in first] != [text.held_out for text in other]


def test_the_panel_counts_its_places_within_each_layer() -> None:
    rows = panel({0: dict.fromkeys(range(10), ()), 1: dict.fromkeys(range(20, 30), ())}, size=3, seed=5)
    assert [(row.layer, row.position) for row in rows] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    for layer, known in enumerate((range(10), range(20, 30))):
        latents = [row.latent for row in rows if row.layer == layer]
        assert latents == sorted(set(latents))
        assert set(latents) <= set(known)


def raw_rows(world: World, layer: int) -> list[StoredRow]:
    folder = (
        world.root / "neuronpedia/v1/gemma-2-2b-miniature" / world.phrase_source_ids[layer] / "activations"
    )
    lines = [line for path in folder.iterdir() for line in gzip.decompress(path.read_bytes()).splitlines()]
    fields = [json.loads(line) for line in lines]
    return [
        StoredRow(latent=int(each["index"]), tokens=tuple(each["tokens"]), values=tuple(each["values"]))
        for each in fields
    ]


def window_of(row: StoredRow) -> str:
    return "".join(row.tokens).replace(SPACE, " ").strip()


def peak_piece(row: StoredRow) -> str:
    return row.tokens[row.values.index(max(row.values))].replace(SPACE, " ")


@pytest.mark.parametrize("layer", range(4))
def test_coverage_agrees_with_a_slow_count(world: World, made: Path, layer: int) -> None:
    rows = raw_rows(world, layer)
    on_bos = [row for row in rows if row.tokens[row.values.index(max(row.values))] == "<bos>"]
    across = [row for row in rows if "<bos>" in row.tokens and row not in on_bos]
    inside = [row for row in rows if "<bos>" not in row.tokens]
    on_blank = [row for row in inside if not peak_piece(row).strip()]
    kept = [row for row in inside if row not in on_blank and looks_english(window_of(row))]
    found = read_table(made, Coverage)[layer]
    assert found.layer == layer
    assert found.rows_read == len(rows)
    assert found.rows_peaked_on_bos == len(on_bos) > 0
    assert found.rows_across_documents == len(across) > 0
    assert found.rows_unreadable == 0
    assert found.rows_peaked_on_blank == len(on_blank) > 0
    assert found.rows_not_english == len(inside) - len(on_blank) - len(kept) > 0
    assert found.latents_seen == len({row.latent for row in kept})
    assert found.latents_listed == NUM_EXPORTED
    assert found.latents_without_rows == NUM_EXPORTED - found.latents_seen > 0
    assert found.latents_drawn == 12 <= found.latents_eligible <= found.latents_seen


def test_every_selected_phrase_holds_a_peak_near_the_latents_maximum(world: World, made: Path) -> None:
    texts = {text.text_id: text.text for text in read_table(made, Text)}
    for layer in range(4):
        by_latent: dict[int, list[StoredRow]] = defaultdict(list)
        maxima: dict[int, float] = defaultdict(float)
        for stored in raw_rows(world, layer):
            if stored.tokens[stored.values.index(max(stored.values))] != "<bos>":
                maxima[stored.latent] = max(maxima[stored.latent], *stored.values)
            is_english = "<bos>" not in stored.tokens and looks_english(window_of(stored))
            if is_english and peak_piece(stored).strip():
                by_latent[stored.latent].append(stored)
        for chosen in (each for each in read_table(made, Selection) if each.layer == layer):
            rows = by_latent[chosen.latent]
            assert chosen.stored_peak >= 0.8 * maxima[chosen.latent]
            strong = [row for row in rows if max(row.values) == chosen.stored_peak]
            text = texts[chosen.text_id]
            assert any(text in window_of(row) and peak_piece(row).strip() in text for row in strong)


def test_tables_of_one_run_fit_together(made: Path) -> None:
    chosen = read_table(made, Selection)
    assert {row.text_id for row in chosen} == {text.text_id for text in read_table(made, Text)}
    for layer in range(4):
        drawn = {row.latent for row in chosen if row.layer == layer}
        members = {row.latent for row in read_table(made, PanelLatent) if row.layer == layer}
        assert len(drawn) == 12
        assert len(members) == 5
        assert members <= drawn
        assert not drawn & {BOS_ONLY_LATENT, DEAD_LATENT}


def test_the_same_task_writes_the_same_bytes(world: World, made: Path, tmp_path: Path) -> None:
    phrases.phrases(out=tmp_path, **task_of(world))
    for kind in (Text, Selection, PanelLatent, Coverage):
        assert table_path(tmp_path, kind).read_bytes() == table_path(made, kind).read_bytes()


def test_another_seed_draws_other_latents(world: World, made: Path, tmp_path: Path) -> None:
    phrases.phrases(out=tmp_path, **task_of(world, seed=SAMPLING_SEED + 1))
    assert read_table(tmp_path, Selection) != read_table(made, Selection)
    assert read_table(tmp_path, Coverage) == read_table(made, Coverage)


def test_too_few_latents_for_the_panel_are_refused(world: World, tmp_path: Path) -> None:
    task = task_of(world, choice=replace(CHOICE, min_examples=3), latents_per_layer=64, panel_latents=63)
    with pytest.raises(
        ValueError, match=r"0-miniature-res-64: \d+ latents have 3 phrases or more, but the panel needs 63"
    ):
        phrases.phrases(out=tmp_path, **task)


@pytest.mark.parametrize(
    ("tokens", "peak", "sentence"),
    [
        pytest.param(("▁Dr", ".", "▁Rao", "▁left", "."), 3, "Dr. Rao left.", id="a title ends no sentence"),
        pytest.param(("▁It", "▁ended", ".", "", "▁Then"), 1, "It ended.", id="an empty piece is no letter"),
        pytest.param(("▁e", ".", "g", ".", "▁ten", "▁cats"), 4, "e.g. ten cats", id="letters with stops"),
    ],
)
def test_a_full_stop_is_not_always_an_end(tokens: tuple[str, ...], peak: int, sentence: str) -> None:
    values = tuple(float(index == peak) for index in range(len(tokens)))
    row = StoredRow(latent=0, tokens=tokens, values=values)
    assert phrase_around_peak(row, PhraseCut.SENTENCE, Pieces.WORD_MARKS) == sentence


def test_a_row_on_the_very_edge_counts_whatever_its_last_digit() -> None:
    # 0.8 * 4.2 is 3.3600000000000003 in binary, and stored values are rounded to three decimals.
    assert len(eligible_phrases(layer_of([phrase("a", 4.2), phrase("b", 3.36)]), CHOICE).eligible[0]) == 2
