"""Every outside thing of a world brought to this machine before a run, each whole or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.sources.sources import known_revision, locate
from harness.words.errors import HarnessError, MissingSourceError, SettingError
from harness.words.study import Pin, Profile


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What became of one outside thing."""

    name: str
    address: str
    revision: str | None
    """None when it could not be had."""
    problem: str = ""
    exit_code: int = 0
    """That of the problem; 0 where a run does without the thing."""


def remote_pins(profile: Profile) -> tuple[Pin, ...]:
    """What a profile takes from elsewhere; made things are made when they are first used."""
    return tuple(pin for pin in profile.sources.pins() if not pin.is_local)


def fetched(pins: tuple[Pin, ...]) -> Iterator[Fetched]:
    """Each thing, fetched or found whole; one that cannot be had says why, and stops no other.

    Raises:
        SettingError: If nobody can be asked for anything.
    """
    for pin in pins:
        try:
            locate(pin)
            yield Fetched(name=pin.name, address=pin.address, revision=known_revision(pin))
        except SettingError:
            raise
        except HarnessError as error:
            yield Fetched(
                name=pin.name,
                address=pin.address,
                revision=None,
                problem=str(error),
                exit_code=0 if pin.is_optional and isinstance(error, MissingSourceError) else error.exit_code,
            )
