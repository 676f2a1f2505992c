"""What a report says about the run itself: inputs, artifacts, sources, environment, and what was not run."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ArtifactRecord:
    """One stored artifact that a run rests on (`artifacts`)."""

    stage: str
    item: str
    key: str
    """Digest of what made it."""
    digest: str
    """Digest of what it holds."""
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """One outside thing that a run used (`sources`)."""

    name: str
    address: str
    revision: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class LanguageFact:
    """One language of the study, as reports name it (`languages`)."""

    code: str
    name: str
    group: str
    """"reference", "high" or "low"."""


@dataclass(frozen=True, kw_only=True)
class NotRun:
    """One stage that a run could not finish (`not_run`)."""

    stage: str
    reason: str
    """Code such as "no-network"; see `harness.words.errors.Reason`."""
    message: str


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Who handed numbers in, and when (`declared`)."""

    by: str
    on: str
    """Day, such as 2026-11-19; empty where the file does not say."""
    sha256: str
    """Digest of the file."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The paper that is replicated (`paper`)."""

    id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """The run itself (`run`); no clock, no host (those live in execution.json)."""

    id: str
    """Digest of the inputs."""
    ordinal: int = 1
    runs_under_lock: int = 1
    study: str
    profile: str
    environment: Mapping[str, str]
    """By name: versions, device, dtype, determinism flags."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What the profile and the primary specification ask for, by name; empty where nothing was run."""
    artifacts: tuple[ArtifactRecord, ...]
    sources: tuple[SourceRecord, ...]


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a report says about the run itself, before anything is judged."""

    paper: Paper
    mode: str
    """"full", "rehearsal" or "fixture", by evidence."""
    run: RunRecord
    specification_digest: str
    languages: tuple[LanguageFact, ...]
    """Every language, in the study's order."""
    not_run: tuple[NotRun, ...] = ()
    """Stages that could not be finished; a report of such a run holds no number."""
    declared: Declared | None = None
    """Who handed the numbers in; None where they were measured here."""
