"""The words of the report: what each mode is worth, and what each quantity, reading and dimension is called."""

from dataclasses import dataclass

from harness.report.document import Report


@dataclass(frozen=True, kw_only=True)
class ModeWords:
    """What a reader must know about a run of one mode before any number."""

    ribbon: str
    what_ran: str
    outcome: str
    """Begins the sentence that counts the numbers."""
    may: str
    may_not: str


UNCOMPARED = "that the paper agrees or deviates: no number here has been compared with a printed one."

MODES = {
    "fixture": ModeWords(
        ribbon="FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER",
        what_ran="The whole pipeline ran on a miniature world made for testing.",
        outcome="It measured",
        may="the harness runs here from end to end, and computes what it is known to compute wherever a "
        "self-check agrees.",
        may_not="anything about the paper. Model, dictionaries, translators and benchmarks are miniatures; "
        "their numbers below only show the form of a full report.",
    ),
    "rehearsal": ModeWords(
        ribbon="REHEARSAL \u2014 RANDOM WEIGHTS, SAYS NOTHING ABOUT THE PAPER",
        what_ran="The pipeline ran on the true shapes with random weights.",
        outcome="It measured",
        may="the harness handles models and dictionaries of the true size on this machine.",
        may_not="anything about the paper. Random weights know no language; their numbers mean nothing.",
    ),
    "full": ModeWords(
        ribbon="FULL RUN",
        what_ran="The pipeline ran on the study's own model, dictionaries and benchmarks.",
        outcome="It measured",
        may="these models and data give these numbers under the specification whose digest is printed below.",
        may_not=UNCOMPARED,
    ),
    "audit": ModeWords(
        ribbon="NUMBERS DECLARED BY OTHERS",
        what_ran="The numbers below were measured elsewhere and handed in; nothing was run.",
        outcome="They are",
        may="these are the numbers as declared.",
        may_not="that they were measured as declared, or that the paper agrees or deviates.",
    ),
}

UNMEASURED = ModeWords(
    ribbon="NOTHING MEASURED \u2014 SAYS NOTHING ABOUT THE PAPER",
    what_ran="The run ended before anything was measured.",
    outcome="It measured",
    may="something that this run needs cannot be had on this machine; what it is stands below.",
    may_not="anything about the paper, or about the harness: no number was measured, and none was checked.",
)
"""Words of a run with stages that could not be finished, whatever its mode."""

NO_CLAIM_JUDGED = (
    "No claim is judged yet: this version measures; comparing its numbers with the printed ones, under "
    "margins fixed beforehand, is the next step."
)

NOTHING_TO_JUDGE = "No claim is judged: there is no number to compare with a printed one."

NO_EVIDENCE = (
    "No claim of the paper is judged by such a run: its numbers are not about the paper. Each claim stands here with the "
    "rule that a full run is judged by; the judge itself is shown at work among the self-checks."
)

WAITING = "The claims of the paper wait: there is no number to compare with a printed one."

REASONS = {
    "no-network": "no network",
    "no-accelerator": "no accelerator",
    "gated-weights": "gated weights",
    "dataset-unavailable": "source unavailable",
    "upstream-not-run": "not reached",
}

EXIT_CODES = {
    0: "every check agrees",
    1: "something differs from what is known",
    3: "malfunction",
    4: "usage",
    5: "nothing was judged",
    10: "unresolved",
    11: "lock broken",
}


JUDGED_EXIT_CODES = {
    0: "nothing stands against what was asked for",
    1: "a claim deviates",
    5: "nothing was judged",
    10: "unresolved: a primary claim is neither shown nor refuted",
}
"""The same where claims of the paper are judged."""


@dataclass(frozen=True)
class QuantityWords:
    """What a quantity is called, and whether it is a difference, whose sign is always printed."""

    name: str
    signed: bool


QUANTITIES = {
    "gap": QuantityWords("gap", signed=True),
    "gain": QuantityWords("gain", signed=True),
    "gain-control": QuantityWords("gain of the control, trained on wrong partners", signed=True),
    "retention": QuantityWords("retention", signed=False),
    "retention-by-adapter": QuantityWords("retention, adapter by adapter", signed=False),
    "accuracy": QuantityWords("accuracy", signed=False),
    "delta": QuantityWords("adapter's own language", signed=True),
    "delta-english": QuantityWords("English under the adapter", signed=True),
    "relative-delta": QuantityWords("adapter's own language, relative", signed=True),
    "correlation": QuantityWords("correlation", signed=True),
    "similarity": QuantityWords("similarity", signed=False),
    "tokens-per-phrase": QuantityWords("tokens per phrase", signed=False),
    "selections-kept": QuantityWords("selections with tokens", signed=False),
    "dictionary-error": QuantityWords("variance unexplained", signed=False),
    "dictionary-l0": QuantityWords("active latents", signed=False),
    "translation-chrf": QuantityWords("chrF of the translator", signed=False),
    "translations-unflagged": QuantityWords("translations without a flag", signed=False),
    "alignment-gap": QuantityWords("distance to own translation", signed=False),
    "alignment-gap-shuffled": QuantityWords("distance to another translation", signed=False),
    "alignment-drift": QuantityWords("drift of English, squared", signed=False),
    "alignment-english-mean": QuantityWords("mean activation, English", signed=False),
    "alignment-target-mean": QuantityWords("mean activation, target", signed=False),
    "english-nats": QuantityWords("nats per token, English", signed=False),
    "target-nats": QuantityWords("nats per token, target", signed=False),
    "alignment-gap-control": QuantityWords(
        "control, wrong partners: distance to own translation", signed=False
    ),
    "alignment-gap-shuffled-control": QuantityWords(
        "control, wrong partners: distance to another translation", signed=False
    ),
    "alignment-drift-control": QuantityWords(
        "control, wrong partners: drift of English, squared", signed=False
    ),
    "alignment-english-mean-control": QuantityWords(
        "control, wrong partners: mean activation, English", signed=False
    ),
    "alignment-target-mean-control": QuantityWords(
        "control, wrong partners: mean activation, target", signed=False
    ),
    "english-nats-control": QuantityWords("control, wrong partners: nats per token, English", signed=False),
    "target-nats-control": QuantityWords("control, wrong partners: nats per token, target", signed=False),
    "pairs-at-once": QuantityWords("pairs in memory at once, where a batch did not fit", signed=False),
}

READINGS = {
    "high": "high-resource mean",
    "english": "English",
    "accuracy": "accuracy ratio",
}

SPECIFICATIONS = {
    "mean-over-aligned-layers": "over all aligned layers",
    "share-of-gap-closed": "share of the gap closed",
}

DIMENSIONS = {
    "quantity": "Quantity",
    "reading": "Reading",
    "specification": "Specification",
    "layer": "Layer",
    "language": "Language",
    "benchmark": "Benchmark",
}

WAY_WORDS = {"reading": READINGS, "specification": SPECIFICATIONS}

UNSCOPED = {"layer": "\u2013", "language": "all", "benchmark": "all"}
"""Stands where a number has no layer, language or benchmark of its own."""


def mode_words(report: Report) -> ModeWords:
    """What a reader must know about a run before any number."""
    return UNMEASURED if report.not_run else MODES[report.mode]


def stamp_words(report: Report) -> str:
    """What every drawing says of the run, so that it keeps its warning when it is cut out of the page."""
    return "" if report.mode == "full" else mode_words(report).ribbon


def repeat_words(report: Report) -> str:
    """The command that gives the same report again; an audit keeps the file that it judged beside the page."""
    run = report.run
    if report.mode == "audit":
        return "harness audit declared.json"
    return f"harness reproduce --study {run.study} --profile {run.profile}"


def exit_words(report: Report) -> str:
    """What the exit code means."""
    code = report.summary.exit_code
    evident = report.mode not in {"fixture", "rehearsal"}
    return JUDGED_EXIT_CODES.get(code, EXIT_CODES[code]) if evident else EXIT_CODES[code]


def claims_words(report: Report) -> str:
    """Why a report without verdicts on the paper has none."""
    if not report.claims:
        return NOTHING_TO_JUDGE if report.not_run else NO_CLAIM_JUDGED
    return WAITING if report.not_run else NO_EVIDENCE


def judged_may(report: Report) -> str:
    """What verdicts on the paper bear."""
    whose = "what was declared" if report.mode == "audit" else "this replication"
    return (
        f"that {whose} agrees with each PASS within its margin, and disagrees with each DEVIATION by more; such a word is "
        f"wrong in at most 5 of 100 runs at the margin's edge."
    )


def judged_may_not(report: Report) -> str:
    """What they do not bear."""
    declared = "that the numbers were measured as declared; " if report.mode == "audit" else ""
    return (
        f"{declared}anything from INCONCLUSIVE, CONTESTED or NOT RUN; that the paper as a whole is right or wrong; anything "
        f"about other models, dictionaries or languages."
    )


def quantity_words(quantity: str) -> QuantityWords:
    """The words of a quantity; one that is unknown keeps its name and shows no plus sign."""
    return QUANTITIES.get(quantity) or QuantityWords(quantity, signed=False)


def scope_words(dimension: str, value: str | int | None) -> str:
    """What a table prints for one coordinate of a number."""
    if value is None:
        return UNSCOPED[dimension]
    if dimension == "quantity":
        return quantity_words(str(value)).name
    return WAY_WORDS.get(dimension, {}).get(str(value), str(value))
