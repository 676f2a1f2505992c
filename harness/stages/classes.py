"""The classes stage: every latent of a model's dictionaries as of one language, of both, unlabelled or dead."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.stages.stage import stage
from harness.statistics.language_classes import class_shares, label_of
from harness.store.tables import read_table, write_table
from harness.words.dictionaries import (
    DEAD,
    UNLABELLED,
    ClassChoice,
    ClassedLatent,
    ClassShare,
    LabelledBy,
    LatentExample,
    ReadLatent,
    SAEPlace,
)


@stage(on="processor")
def classes(examples: Path, *, out: Path, languages: tuple[str, str], choice: ClassChoice) -> None:
    """The language of every latent.

    Writes each latent with its class, and the shares of the classes in each dictionary.
    """
    kept: dict[tuple[SAEPlace, int], list[LatentExample]] = defaultdict(list)
    for example in read_table(examples, LatentExample):
        kept[SAEPlace(layer=example.layer, seed=example.seed), example.latent].append(example)
    rows = [
        classed(
            latent,
            kept.get((SAEPlace(layer=latent.layer, seed=latent.seed), latent.latent), ()),
            languages,
            choice,
        )
        for latent in read_table(examples, ReadLatent)
    ]
    write_table(out, ClassedLatent, rows)
    write_table(out, ClassShare, shares_of(rows, languages))


def classed(
    latent: ReadLatent, examples: Sequence[LatentExample], languages: tuple[str, str], choice: ClassChoice
) -> ClassedLatent:
    """One latent with its class; an example of neither language counts for nothing."""
    by = {
        LabelledBy.SCRIPT: [each.script_language for each in examples],
        LabelledBy.DOCUMENT: [each.text_language for each in examples],
    }
    labels = by.pop(choice.labelled_by)
    (others,) = by.values()
    first, second = (labels.count(language) for language in languages)
    return ClassedLatent(
        layer=latent.layer,
        seed=latent.seed,
        latent=latent.latent,
        label=label_of((first, second), languages, choice, fires=latent.firing > 0),
        first_examples=first,
        second_examples=second,
        first_otherwise=others.count(languages[0]),
        second_otherwise=others.count(languages[1]),
        distinct_tokens=len({each.token for each in examples}),
        squares=latent.squares,
    )


def shares_of(rows: Sequence[ClassedLatent], languages: tuple[str, str]) -> Iterator[ClassShare]:
    """The shares of the classes in each dictionary."""
    by_place: dict[SAEPlace, list[ClassedLatent]] = defaultdict(list)
    for row in rows:
        by_place[SAEPlace(layer=row.layer, seed=row.seed)].append(row)
    for place, latents in by_place.items():
        labels = [latent.label for latent in latents]
        found = class_shares(labels, [latent.squares for latent in latents], languages)
        for label, share in found.items():
            yield ClassShare(
                layer=place.layer,
                seed=place.seed,
                label=label,
                latents=share.latents,
                share=share.share,
                activity_share=share.activity_share,
                unlabelled=labels.count(UNLABELLED),
                dead=labels.count(DEAD),
            )
