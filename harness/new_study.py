"""A new study as a folder that already runs: the questions of another one, asked in other languages and at other layers."""

import keyword
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from harness.judge.preregistration import write_lock
from harness.judge.validate import load_claims
from harness.sources.studies import CLAIMS, known_languages, load_profile, load_profiles, load_study
from harness.store.files import publish_folder
from harness.words.errors import UsageError, choice_error
from harness.words.study import Group, Language, Specification, Study

TESTS = CLAIMS.parent / "tests" / "claims"
"""Where checks of a study's claims stand; not there where no tests are installed."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a new study is to be."""

    name: str
    like: str
    """Study whose questions it asks."""
    languages: tuple[str, ...]
    """Codes; those of the other study where empty."""
    layers: tuple[int, ...]
    """At which gaps are asked; where gains are, where empty."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was written."""

    files: tuple[Path, ...]
    left_out: tuple[str, ...]
    """Codes of languages into which no translator is known."""
    profiles: tuple[str, ...]


def new_study(wanted: Wanted) -> Made:
    """Write a study, its lock and a check of its claims; whole, and read back, or not at all.

    Raises:
        UsageError: If its name is taken or is none, a language or the other study is not known, the latter is of another design, there is no dictionary at a
            layer, or the languages leave a group empty.
    """
    _refuse_name(wanted.name)
    like = load_study(wanted.like)
    if not isinstance(like.primary, Specification):
        raise UsageError(
            f"{wanted.like} is a study of {like.design}, whose questions are not written for other languages by a command; --like "
            f"takes one of harness.designs.disparity.design, such as sin2025; docs/adding-a-design.md says what a study of another design needs"
        )
    layers = _layers(wanted.layers or (like.specification.gain_layer,), like)
    languages, left_out = _languages(wanted.languages, like)
    texts = _texts(wanted, layers, languages, left_out)
    folder, test = CLAIMS / wanted.name, TESTS / f"test_{wanted.name}.py"
    publish_folder(
        folder, lambda draft: [(draft / name).write_text(text) for name, text in texts.items()], "study.py"
    )
    try:
        profiles = tuple(load_profiles(study := load_study(wanted.name)))
        for profile in profiles:
            load_profile(study, profile)
        ids = [claim.id for claim in load_claims(wanted.name)]
        write_lock(wanted.name)
    except BaseException:
        # Whatever ended it, an interrupt too: what was not read back does not stay.
        shutil.rmtree(folder)
        raise
    if TESTS.is_dir():
        test.write_text(_test(wanted.name, ids, layers))
    files = sorted(folder.glob("*.*")) + ([test] if TESTS.is_dir() else [])
    return Made(files=tuple(files), left_out=left_out, profiles=profiles)


def _refuse_name(name: str) -> None:
    if not (name.isascii() and name.isidentifier() and name == name.lower()) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot name a study, which is a module of Python: small letters, digits and underscores, a letter first"
        )
    if (CLAIMS / name).exists() or (CLAIMS / f"{name}.py").exists():
        raise UsageError(f"claims/{name} is there already; choose another name, or remove it")


def _layers(asked: Sequence[int], like: Study) -> tuple[int, ...]:
    if outside := [layer for layer in asked if layer not in like.shapes.layers]:
        raise UsageError(
            f"{like.name} has no dictionary at layer {outside[0]}, but at {like.shapes.layers_say}"
        )
    return tuple(sorted(set(asked)))


def _languages(codes: Sequence[str], like: Study) -> tuple[tuple[Language, ...], tuple[str, ...]]:
    """The languages that can be asked, those of the other study first and as it has them; and codes of those that cannot."""
    known, shared = known_languages(), {language.code: language for language in like.languages}
    asked = tuple(dict.fromkeys(codes)) or tuple(shared)
    for code in asked:
        if code not in known and code not in shared:
            raise choice_error("language", code, tuple(sorted(known)), "(claims/languages.py knows these)")
    others = [code for code in asked if code not in shared]
    left_out = tuple(code for code in others if known[code].translator is None)
    languages = (
        *(language for code, language in shared.items() if code in asked),
        *(
            Language(code=code, name=known[code].name, group=Group.LOW, script=known[code].script, tuned=True)
            for code in others
            if code not in left_out
        ),
    )
    for group, says in (
        (Group.REFERENCE, "the one that phrases are taken from"),
        (Group.HIGH, "high-resource languages"),
        (Group.LOW, "low-resource languages"),
    ):
        if not any(language.group is group for language in languages):
            members = ", ".join(language.code for language in like.languages if language.group is group)
            without = f" that a translator is known for ({', '.join(left_out)} have none)" if left_out else ""
            raise UsageError(f"--languages lacks {says}{without}; {like.name} has {members}")
    return languages, left_out


def _texts(
    wanted: Wanted, layers: Sequence[int], languages: Sequence[Language], left_out: Sequence[str]
) -> dict[str, str]:
    """Every file of the folder by its name."""
    name, like = wanted.name, wanted.like
    asked = _listed([language.name for language in languages if language.group is not Group.REFERENCE])
    places = f"layer{'s' if len(layers) > 1 else ''} {_listed(list(map(str, layers)))}"
    says = f"The questions of {like}, asked in {asked}"
    holes = (
        f"\nLEFT_OUT = {_tuple(left_out)}\n"
        '"""Languages into which no translator is known: nothing of them can be measured, and the claims say so."""\n'
    )
    return {
        "__init__.py": f'"""{says}."""\n',
        "study.py": f'''\
"""{says}, with gaps at {places}."""

from claims import elsewhere, languages
from claims.{like} import study as like
from harness.words.study import Group, Language

LAYERS = {_tuple(layers)}
"""At which gaps are asked."""

LANGUAGES = (
{"".join(f"    {_code_of(language)},{chr(10)}" for language in languages)})
"""Languages that {like} does not ask count as low-resource, and get an adapter; say otherwise where you know better."""
{holes if left_out else ""}
STUDY = languages.study(like.STUDY, "{name}", LANGUAGES)

PROTOCOL = elsewhere.PROTOCOL
''',
        "profiles.py": dedent(f'''\
            """The worlds of {like}, with translators into the languages of {name}."""

            from claims import languages
            from claims.{like} import profiles as like
            from claims.{name}.study import STUDY

            PROFILES = languages.profiles(like.PROFILES, STUDY)
            '''),
        "sources.py": dedent('''\
            """Who asks: nobody has claimed anything of these languages."""

            from claims import languages
            from harness.words.judgement import Conflict

            SOURCES = languages.SOURCES
            CONFLICTS: tuple[Conflict, ...] = ()
            '''),
        "claims.py": dedent(f'''\
            """What is asked in {asked}; nothing here is a claim of a paper."""

            from claims import languages
            from claims.{name}.study import LAYERS, {"LEFT_OUT, " if left_out else ""}STUDY

            CLAIMS = languages.claims(STUDY, LAYERS{", LEFT_OUT" if left_out else ""})
            '''),
    }


def _test(name: str, ids: Sequence[str], layers: Sequence[int]) -> str:
    listed = "".join(f'        "{each}",\n' for each in ids)
    asked = "".join(f'        "gap/layer={layer}/high/primary",\n' for layer in layers)
    return f'''\
"""What {name} asks, claim by claim, and of which layers."""

from harness.judge.validate import load_claims

CLAIMS = load_claims("{name}")


def test_every_question_is_asked() -> None:
    assert [claim.id for claim in CLAIMS] == [
{listed}    ]


def test_gaps_are_asked_at_the_chosen_layers() -> None:
    gaps = [claim for claim in CLAIMS if claim.id.startswith("gap.") and claim.readings]
    assert [name for claim in gaps for name in claim.primary.estimates] == [
{asked}    ]
'''


def _code_of(language: Language) -> str:
    tuned = ", tuned=True" if language.tuned else ""
    return (
        f'Language(code="{language.code}", name="{language.name}", group=Group.{language.group.name}, '
        f'script="{language.script}"{tuned})'
    )


def _tuple(values: Sequence[str | int]) -> str:
    spelled = [f'"{value}"' if isinstance(value, str) else str(value) for value in values]
    return f"({', '.join(spelled)}{',' if len(spelled) == 1 else ''})"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
