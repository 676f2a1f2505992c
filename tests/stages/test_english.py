"""What passes for English: by letters, code marks and function words."""

import pytest

from harness.stages.english import ENGLISH_WORDS, OTHER_WORDS, looks_english
from tests.world_texts import FOREIGN


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        pytest.param("The sea", True, id="plain English"),
        pytest.param("caf\u00e9 nearby", True, id="one accent in ten letters"),
        pytest.param("abcdefg\u0430\u0431\u0432", True, id="exactly seven of ten"),
        pytest.param("abcdef\u0430\u0431\u0432\u0433", False, id="six of ten"),
        pytest.param("\u6d77\u5f88\u5b89\u9759", False, id="Chinese"),
        pytest.param("1 + 1 = 2", False, id="no letters"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_english_is_seen_by_its_letters(text: str, *, is_english: bool) -> None:
    assert looks_english(text) is is_english


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Colombia, Honduras, or Pitcairn Islands", id="a list of names"),
        pytest.param("in 35 seconds", id="a duration"),
        pytest.param("Friday, September 23, 1994. Mauritius, Paraguay, and Dominica", id="dates and names"),
        pytest.param("It is a truth universally acknowledged, that a single man in possession of a good fortune, "
                     "must be in want of a wife.", id="a sentence of a novel"),
        pytest.param("He moved from Los Angeles to La Paz and then on to Rio de Janeiro, where he was at home.",
                     id="prose with foreign names"),
        pytest.param("He saw it; she did not.", id="a semicolon"),
        pytest.param("Let x = 3 for now, and note that y_1 is not in the set of values that were seen before.",
                     id="prose with a formula"),
    ],
)  # fmt: skip
def test_english_passes(text: str) -> None:
    assert looks_english(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FOREIGN[0], id="Spanish"),
        pytest.param("El perro no ha comido nada en toda la semana y a m\u00ed me da pena.", id="everyday Spanish"),
        pytest.param("Il porto antico si trova in una citt\u00e0 che non \u00e8 lontana dalla montagna.", id="Italian"),
        pytest.param("El port antic \u00e9s a prop de la muntanya i no es veu des del mercat.", id="Catalan"),
        pytest.param("Pelabuhan tua itu terletak di dekat gunung dan tidak terlihat dari pasar.", id="Indonesian"),
        pytest.param("Le vieux port est dans une ville qui ne se voit pas de la montagne.", id="French"),
        pytest.param("Der alte Hafen ist in der Stadt und man sieht ihn nicht von dem Berg aus.", id="German"),
        pytest.param("O velho porto fica em uma cidade que n\u00e3o se v\u00ea da montanha.", id="Portuguese"),
        pytest.param("for (int i = 0; i < n; i++) { sum += a[i]; }", id="C code"),
        pytest.param('<a href="page.html" class="link">the sea</a> <br> and the land', id="HTML"),
        pytest.param("call open_file (my_name)", id="two marks in three words"),
        pytest.param("lorem ipsum dolor amet consectetur adipiscing elit eiusmod tempor", id="eight words and no the"),
    ],
)  # fmt: skip
def test_what_shares_the_letters_of_english_does_not_pass(text: str) -> None:
    assert not looks_english(text)


def test_seven_words_are_not_judged_and_a_tie_is_not_enough() -> None:
    assert looks_english("El mar no es azul por aqu\u00ed")
    assert not looks_english("El mar no es azul por aqu\u00ed hoy")
    assert looks_english("the sea of la Plata lies near Montevideo city")
    assert not looks_english("the sea el la Plata lies near Montevideo city")


def test_every_function_word_speaks_for_one_side_only() -> None:
    assert not ENGLISH_WORDS & OTHER_WORDS
