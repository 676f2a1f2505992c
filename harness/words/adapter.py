"""What adapters are called, and the rows of their training: losses, moments, and why there is no adapter.

One dataclass is one stored table, as in `harness.words.record`.
"""

from dataclasses import dataclass


def adapter_name(language: str, seed: int, *, is_control: bool = False) -> str:
    """What an adapter is called among the items of its stage: "ml/seed-1", or "ml/control-1"."""
    return f"{language}/{'control' if is_control else 'seed'}-{seed}"


def published_name(language: str, name: str) -> str:
    """What a published model is called there: "ml/published-4k-2"; it never looks like a seed of ours."""
    return f"{language}/published-{name}"


@dataclass(frozen=True, kw_only=True)
class TrainingLoss:
    """Loss of one training batch (`training_losses`)."""

    step: int
    loss: float
    pairs: int
    """Pairs of the batch; the loss is their mean."""
    micro_batch: int
    """Pairs that were held in memory at once; fewer than `pairs` where memory was short."""


@dataclass(frozen=True, kw_only=True)
class AlignmentStep:
    """One logged moment of adapter training, measured on held-out pairs (`alignment_steps`).

    Means go over the latents that the loss is a mean over: by the primary specification the phrases' own.
    """

    step: int
    gap: float
    """Mean abs(u - v) over held-out pairs."""
    shuffled_gap: float
    """The same with partners shuffled: what alignment of means alone would give."""
    retention: float
    """Mean (u - u_orig)^2 over held-out pairs."""
    english_mean: float
    """Mean activation of the English side."""
    target_mean: float
    """Mean activation of the target side."""
    english_nats_per_token: float
    target_nats_per_token: float


@dataclass(frozen=True, kw_only=True)
class AdapterFailure:
    """Training of one adapter that stopped at a number that is none; stands in its place (`adapter_failures`)."""

    language: str
    seed: int
    step: int
    """Step that could not be taken; 0 before the first."""
    what: str
    """"loss", "gradient", "weight", "held-out figure" or "value of the residual stream"."""
    value: float
    """Infinite, or no number."""
    is_control: bool = False
    """True of a control, on which no claim rests."""

    @property
    def name(self) -> str:
        """What the adapter is called."""
        return adapter_name(self.language, self.seed, is_control=self.is_control)

    def __str__(self) -> str:
        """The failure in one sentence."""
        return (
            f"Training of the adapter {self.name} stopped at step {self.step}: a {self.what} is {self.value}."
        )


@dataclass(frozen=True, kw_only=True)
class UnusableModel:
    """A published model that cannot be put onto the base model; stands in the place of its weights (`unusable_models`)."""

    language: str
    name: str
    """What the profile calls the model."""
    why: str
    """One line."""


@dataclass(frozen=True, kw_only=True)
class PublishedOrigin:
    """Stands beside weights that others published and tuned as they liked (`published_origins`)."""

    name: str
    """What the profile calls the model."""
