"""What a world cannot give: estimates of checkpoints that nobody has published, and of a demonstration that is not at hand."""

from collections.abc import Iterator, Mapping

from harness.designs.design import Lacking, Unavailable
from harness.designs.emergence.quantities import emergence, estimands
from harness.words.emergence import FINAL, EmergenceSources, EmergenceStudy
from harness.words.estimate import Scope
from harness.words.study import Profile, Study

OF_THE_SAMPLE = ("demonstrated-share", "demonstrated-change")


def unavailable(study: Study, profile: Profile) -> Mapping[str, Unavailable]:
    """Estimates that a world cannot give, by id, each with what is lacking."""
    asked, sources = emergence(study), sources_of(profile)
    found = {}
    for name, scope in estimands(study).items():
        lacking = [cell for cell in cells_of(asked, scope) if sources.cell(*cell) is None]
        if scope.quantity in OF_THE_SAMPLE:
            if sources.demonstration is None:
                found[name] = Unavailable(
                    lacking=Lacking.DATASET,
                    says="This world has no sample of the authors' features; one that names their repository has it.",
                )
        elif early := [cell for cell in lacking if cell[1] != FINAL]:
            found[name] = Unavailable(
                lacking=Lacking.WEIGHTS,
                says=f"It rests on {_listed(early)}, which nobody has published; a profile with such a checkpoint would measure it.",
            )
        elif lacking:
            found[name] = Unavailable(
                lacking=Lacking.DATASET,
                says=f"It rests on {_listed(lacking)}, which this world does not have; one with the finished models has it.",
            )
    return found


def sources_of(profile: Profile) -> EmergenceSources:
    """The sources of a profile as those of this design.

    Raises:
        TypeError: If they are those of another.
    """
    if not isinstance(profile.sources, EmergenceSources):
        raise TypeError(f"profile {profile.name} has no sources of emergence; they must be EmergenceSources")
    return profile.sources


def cells_of(study: EmergenceStudy, scope: Scope) -> tuple[tuple[str, str], ...]:
    """Size and phase of every checkpoint that an estimate rests on, once each."""
    return tuple(dict.fromkeys(_cells(study, scope)))


def _cells(study: EmergenceStudy, scope: Scope) -> Iterator[tuple[str, str]]:
    axes = dict(scope.axes)
    match scope.quantity:
        case "share-change":
            yield from ((axes["model"], axes[end]) for end in ("from", "to"))
        case "lateness":
            yield from ((axes["model"], phase) for phase in (study.early, study.mid, FINAL))
        case "size-trend":
            yield from ((axes[end], axes["step"]) for end in ("from", "to"))
        case "integration-gain" | "integration-lead":
            yield from ((axes["model"], phase) for phase in (study.mid, FINAL))
        case _ if "model" in axes and "step" in axes:
            yield axes["model"], axes["step"]


def _listed(cells: list[tuple[str, str]]) -> str:
    return " and ".join(f"the {phase} checkpoint of {size}" for size, phase in cells)
