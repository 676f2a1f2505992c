"""The questions of a study, asked in other languages: what is known of each language, and what such studies have in common.

A study in other languages is never about a claim of the paper: it asks for signs, and no printed number is held against it.
Where no translator into a language is known here, nothing of it can be measured, and its study says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from claims import elsewhere
from claims.sin2025 import pins
from harness.words.claim import Claim, Source, SourceTier
from harness.words.claim_forms import sign, untestable
from harness.words.specification import Axis
from harness.words.study import (
    Group,
    Language,
    Parallel,
    Pin,
    Profile,
    Sizes,
    Sources,
    Study,
    Translator,
)

SOURCES = (
    Source(
        name=elsewhere.ASKED,
        tier=SourceTier.OURS,
        kind="a question of this project's own; the paper says nothing of these languages",
        address="",
        read="2026-11-30",
    ),
)

ELSEWHERE = "in other languages"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What has to be known of a language before a study can be asked in it."""

    name: str
    script: str
    flores: str
    """What FLORES+ calls it."""
    translator: str | None = None
    """Last part of the name of an OPUS-MT model out of English, often the language's code; None where none is known here."""
    tag: str | None = None
    """What a translator into several languages needs in front of a text."""


LATIN, DEVANAGARI = "LATIN", "DEVANAGARI"
INDIC, DRAVIDIAN = "inc", "dra"
"""Families that one model serves."""

KNOWN: Mapping[str, Known] = {
    "bn": Known(name="Bengali", script="BENGALI", flores="ben_Beng", translator=INDIC, tag=">>ben<<"),
    "ca": Known(name="Catalan", script=LATIN, flores="cat_Latn", translator="ca"),
    "da": Known(name="Danish", script=LATIN, flores="dan_Latn", translator="da"),
    "de": Known(name="German", script=LATIN, flores="deu_Latn", translator="de"),
    "en": Known(name="English", script=LATIN, flores="eng_Latn"),
    "es": Known(name="Spanish", script=LATIN, flores="spa_Latn", translator="es"),
    "eu": Known(name="Basque", script=LATIN, flores="eus_Latn", translator="eu"),
    "fr": Known(name="French", script=LATIN, flores="fra_Latn", translator="fr"),
    "gu": Known(name="Gujarati", script="GUJARATI", flores="guj_Gujr", translator=INDIC, tag=">>guj<<"),
    "hi": Known(name="Hindi", script=DEVANAGARI, flores="hin_Deva", translator="hi"),
    "hr": Known(name="Croatian", script=LATIN, flores="hrv_Latn"),
    "hu": Known(name="Hungarian", script=LATIN, flores="hun_Latn", translator="hu"),
    "id": Known(name="Indonesian", script=LATIN, flores="ind_Latn", translator="id"),
    "it": Known(name="Italian", script=LATIN, flores="ita_Latn", translator="it"),
    "kn": Known(name="Kannada", script="KANNADA", flores="kan_Knda", translator=DRAVIDIAN, tag=">>kan<<"),
    "ml": Known(name="Malayalam", script="MALAYALAM", flores="mal_Mlym", translator="ml"),
    "mr": Known(name="Marathi", script=DEVANAGARI, flores="mar_Deva", translator="mr"),
    "nl": Known(name="Dutch", script=LATIN, flores="nld_Latn", translator="nl"),
    "pt": Known(name="Portuguese", script=LATIN, flores="por_Latn"),
    "ro": Known(name="Romanian", script=LATIN, flores="ron_Latn", translator="ro"),
    "ru": Known(name="Russian", script="CYRILLIC", flores="rus_Cyrl", translator="ru"),
    "sk": Known(name="Slovak", script=LATIN, flores="slk_Latn", translator="sk"),
    "sr": Known(name="Serbian", script="CYRILLIC", flores="srp_Cyrl"),
    "sv": Known(name="Swedish", script=LATIN, flores="swe_Latn", translator="sv"),
    "ta": Known(name="Tamil", script="TAMIL", flores="tam_Taml", translator=DRAVIDIAN, tag=">>tam<<"),
    "te": Known(name="Telugu", script="TELUGU", flores="tel_Telu", translator=DRAVIDIAN, tag=">>tel<<"),
    "uk": Known(name="Ukrainian", script="CYRILLIC", flores="ukr_Cyrl", translator="uk"),
    "zh": Known(name="Chinese", script="CJK", flores="cmn_Hans", translator="zh", tag=pins.CHINESE_TAG),
}  # fmt: skip
"""By code, as the benchmarks spell it. Another language is one more line; the lines are those whose benchmarks Okapi has."""


def translator(code: str) -> Translator:
    """The OPUS-MT model into a language.

    Raises:
        KeyError: If none is known.
    """
    known = KNOWN[code]
    if known.translator is None:
        raise KeyError(code)
    name = f"opus-mt-en-{known.translator}"
    pin = replace(pins.TRANSLATORS["es"], name=name, address=f"Helsinki-NLP/{name}")
    shared = "" if known.translator == code else f"one model for several languages, told {known.tag}"
    return Translator(pin=pin, target_token=known.tag, named_otherwise=shared)


def study(like: Study, name: str, languages: tuple[Language, ...]) -> Study:
    """Another study in other languages: same model, layers, benchmarks and specification.

    Args:
        like: The other study.
        name: Folder of the new one below `claims/`.
        languages: With exactly one reference, which phrases are taken from, and some of either group.
    """
    asked = ", ".join(language.name for language in languages)
    return replace(
        like,
        name=name,
        paper_id=elsewhere.ASKED,
        title=f"the questions of {like.paper_id}, asked in {asked}",
        languages=languages,
        axes=tuple(_axis(axis, languages) for axis in like.axes),
    )


def _axis(axis: Axis, languages: Sequence[Language]) -> Axis:
    """A choice of the other study, naming these languages."""
    if axis.name != "group":
        return axis
    high = ", ".join(language.name for language in languages if language.group is Group.HIGH)
    without, with_english = axis.levels
    return replace(axis, levels=(replace(without, says=high), replace(with_english, says=f"{high}, English")))


def profiles(like: Mapping[str, Profile], asked: Study) -> Mapping[str, Profile]:
    """The worlds of another study in the languages of this one; known numbers and self-checks are of the other's languages."""
    return {
        name: replace(
            world,
            sources=_sources(world.sources, asked),
            sizes=_sizes(world.sizes, asked),
            known_numbers=None,
            self_check_study=None,
        )
        for name, world in like.items()
    }


def _sources(known: Sources, asked: Study) -> Sources:
    codes = [language.code for language in asked.targets]
    return replace(
        known,
        translators={code: known.translators.get(code) or _missing(known, code, codes) for code in codes},
        published_models=tuple(model for model in known.published_models if model.language in codes),
        parallel=known.parallel and _parallel(known.parallel, asked),
    )


def _missing(known: Sources, code: str, codes: Sequence[str]) -> Translator:
    """The true translator; in a world that fetches none, one of those that are there stands in, which can all be tried with."""
    if not all(each.pin.is_local for each in known.translators.values()):
        return translator(code)
    spare = [each for other, each in known.translators.items() if other not in codes]
    stands_in = (spare or list(known.translators.values()))[0]
    says = (
        stands_in.named_otherwise
        or "it stands in for one that this world lacks: its texts are no translations"
    )
    return replace(stands_in, named_otherwise=says)


def _parallel(known: Parallel, asked: Study) -> Parallel | None:
    if known.pin.is_local:
        # Nobody has put a committed text into further languages.
        return known if all(language.code in known.configs for language in asked.languages) else None
    configs = {language.code: KNOWN[language.code].flores for language in asked.languages}
    pin: Pin = replace(known.pin, files=tuple(f"*{config}*" for config in configs.values()))
    return replace(known, pin=pin, configs=configs)


def _sizes(known: Sizes, asked: Study) -> Sizes:
    """As they were; controls and ablations in tuned languages of this study, and in as many of them."""
    if not known.ablated_languages:
        return known
    tuned = [language.code for language in asked.tuned]
    kept = tuple(code for code in tuned if code in known.ablated_languages)
    return replace(known, ablated_languages=kept or tuple(tuned[: len(known.ablated_languages)]))


def claims(asked: Study, layers: Sequence[int], left_out: Sequence[str] = ()) -> tuple[Claim, ...]:
    """What is asked in other languages: gaps at some layers, gains, what is left of English, and what could not be asked.

    Args:
        asked: The study.
        layers: At which gaps are asked.
        left_out: Codes of languages into which no translator is known.
    """
    return (
        *(
            sign(
                f"gap.l{layer}.direction", f"Low-resource languages have lower activations at layer {layer}",
                elsewhere.sentence(f"a gap at layer {layer}", ELSEWHERE), elsewhere.gaps([layer]), +1, inventory="A1", basis=elsewhere.SIZE,
            )
            for layer in layers
        ),
        *elsewhere.after_training(asked, ELSEWHERE),
        *(
            untestable(
                f"gap.{code}", f"{KNOWN[code].name} has lower activations than the high-resource languages",
                elsewhere.sentence("a gap of every low-resource language", ELSEWHERE), inventory="A6",
                beside=f"No translator into {KNOWN[code].name} is known; claims/languages.py would name it.",
            )
            for code in left_out
        ),
    )  # fmt: skip
