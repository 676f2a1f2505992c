"""The form of a pinned outside thing: what it is, where it lies, which revision, under which licence."""

from dataclasses import dataclass
from enum import StrEnum


class Home(StrEnum):
    """Where a pinned thing is fetched from."""

    FOLDER = "folder"
    """A folder of this checkout; its revision is the digest of its files."""
    HUB_MODEL = "hub-model"
    """A model repository of the hub."""
    HUB_DATASET = "hub-dataset"
    """A data set repository of the hub."""
    MADE = "made"
    """Drawn at random on this machine, at true shapes; its revision is the recipe's."""
    BUCKET = "bucket"
    """A public object store read over HTTPS; its listing is recorded on first use."""
    SERVICE = "service"
    """A public service that is asked single questions over HTTPS; nothing measured rests on its answers."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One outside thing that a run depends on."""

    name: str
    """What the project calls it, for messages and reports."""
    home: Home
    address: str
    """Repository id, URL below which a bucket is read, or path of the folder."""
    revision: str | None = None
    """Immutable revision; None means that the one of first use is recorded, and enforced from then on."""
    files: tuple[str, ...] = ()
    """Patterns of the files that are needed; empty means all. A repository may hold a hundred times more.

    Of a bucket: the prefixes below its address, each of which must hold something."""
    licence: str
    gated: bool = False
    """True when the hub asks for a token and an accepted licence."""
    is_optional: bool = False
    """True of a control that no claim rests on: where it cannot be had, a run goes on without it and says so."""

    @property
    def is_local(self) -> bool:
        """True of what this machine holds or makes by itself; the rest is fetched."""
        return self.home in {Home.FOLDER, Home.MADE}

    def __str__(self) -> str:
        """The pin as messages show it: name, address and revision."""
        return f"{self.name} ({self.address} @ {self.revision or 'first use'})"
