"""What a report remarks beside a panel: what its numbers lack, and where they are not of one thing."""

from collections.abc import Iterator

from harness.report.document import Report
from harness.report.languages import Languages
from harness.report.panels import ACROSS_LANGUAGES, SCORES
from harness.words.estimate import ItemOverlap


def remarks(report: Report, anchor: str) -> list[str]:
    """Sentences that belong beside one panel's numbers; none where nothing is amiss."""
    if anchor == SCORES:
        return not_had(report)
    return list(_other_questions(report)) if anchor in ACROSS_LANGUAGES else []


def not_had(report: Report) -> list[str]:
    """Why translators were not held against people, a sentence for each reason with the languages that it is about."""
    languages: dict[str, list[str]] = {}
    for entry in report.unscored:
        languages.setdefault(entry.why, []).append(entry.language)
    return [f"Not had for {', '.join(codes)}: {why}" for why, codes in languages.items()]


def _other_questions(report: Report) -> Iterator[str]:
    """Benchmarks whose questions are not the same in every language, a sentence each."""
    benchmarks: dict[str, list[ItemOverlap]] = {}
    for entry in report.overlaps:
        benchmarks.setdefault(entry.benchmark, []).append(entry)
    for name, entries in benchmarks.items():
        yield (
            f"Not the same questions of {name} in every language: all share {entries[0].shared:,}, "
            f"{_asked(entries, Languages(report.languages))}. Each accuracy is over the language\u2019s own questions."
        )


def _asked(entries: list[ItemOverlap], languages: Languages) -> str:
    """How many questions the languages were asked, most first; languages with as many stand together."""
    codes: dict[int, list[str]] = {}
    for entry in sorted(entries, key=lambda entry: (-entry.asked, languages.place(entry.language))):
        codes.setdefault(entry.asked, []).append(entry.language)
    return "; ".join(f"of {asked:,} in {', '.join(members)}" for asked, members in codes.items())
