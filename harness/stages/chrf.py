"""chrF of a corpus: how much of people's translation a machine's shares, in character n-grams."""

from collections.abc import Sequence


def corpus_chrf(translations: Sequence[str], references: Sequence[str]) -> float:
    """chrF2 of all sentences together, 0 to 100; n-grams of up to six characters, white space out, recall counts twice.

    Args:
        translations: What a machine said, sentence by sentence.
        references: What people said, in the same order.

    Raises:
        ValueError: If there is no sentence, or not as many on both sides.

    Source: Popovic, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015; as sacreBLEU computes it.
    """
    from sacrebleu.metrics.chrf import CHRF

    if not translations or len(translations) != len(references):
        raise ValueError(
            f"{len(translations)} translations and {len(references)} references; chrF needs as many of both, and some"
        )
    return float(CHRF().corpus_score(list(translations), [list(references)]).score)
