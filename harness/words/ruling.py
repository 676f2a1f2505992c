"""The rules of the judge as a person reads them: one text, wherever they are told."""

from collections.abc import Mapping

from harness.words.claim import Rule

RULES_IN_WORDS: Mapping[str, str] = {
    Rule.WITHIN_MARGIN: "PASS when the 90 % interval lies inside the band around the printed number (two one-sided "
    "tests at 5 %). DEVIATION when it lies outside after Holm, and one unrepeated run does not explain the distance.",
    Rule.MAXIMUM_AT_MOST: "PASS when every member's own upper 95 % limit stays below the printed number and its margin. "
    "DEVIATION when a lower limit that holds for all members at once lies above.",
    Rule.MAXIMUM_AT_LEAST: "PASS when a lower limit that holds for all members at once reaches the printed number less "
    "its margin. DEVIATION when no member's own upper 95 % limit does.",
    Rule.POOLED_AT_MOST: "PASS when the upper limit of the mean over members stays at or below the limit. DEVIATION when "
    "the lower limit lies above.",
    Rule.LARGEST_AT: "PASS when every other member is shown to be led by the named one. DEVIATION when another is shown to "
    "lead it, by a limit that holds for all others at once.",
    Rule.LARGEST_WITHIN: "PASS when every other member is shown to be led by a named one. DEVIATION when another is shown "
    "to lead all named ones, by a limit that holds for all others at once.",
    Rule.SIGN: "PASS when the one-sided 95 % limit lies on the claimed side of zero; of paired outcomes, when the exact test "
    "of their flips agrees. DEVIATION when it lies on the other, after Holm.",
    Rule.EVERY_SIGN: "PASS when every member by itself is shown to have the claimed sign. DEVIATION when one is "
    "shown to have the other, after Holm.",
    Rule.AT_LEAST: "PASS when the lower 95 % limit reaches the printed limit. DEVIATION when the upper one does not.",
    Rule.POOLED_SIGN: "PASS when the mean over members has the claimed sign and no member is shown to have the other. "
    "DEVIATION when the mean or a member is shown to have the other sign.",
    Rule.CORRELATION_SIGN: "PASS when the 90 % interval lies on the claimed side of zero, and the sign stays whichever "
    "language is left out. DEVIATION when the interval lies on the other side.",
    Rule.GRANULARITY: "DEVIATION when no whole number of questions, however rounded, gives the printed number.",
    Rule.WORDS_AGAINST_NUMBERS: "DEVIATION when a printed number contradicts the word beyond its rounding.",
    Rule.TWO_PRINTINGS: "DEVIATION when no one number can be printed both ways.",
    Rule.GAIN_AGAINST_GAP: "DEVIATION when the gain passes the reference from every printed gap.",
    Rule.NONE: "Nothing measurable is named, so it is NOT_TESTABLE.",
}
"""What each rule asks for; what is neither PASS nor DEVIATION is INCONCLUSIVE, and so is what rests on a broken assumption."""
