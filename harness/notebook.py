"""A stored run in a notebook: its numbers as frames, its claims as cards, and the judge and the plan as functions."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.exchange.frames import JudgedNumber, MeasuredEstimate, Rows, SeedEstimate, Setting, rows_of
from harness.words.errors import choice_error

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.document import JudgedClaim, Report
    from harness.words.plan import Plan
    from harness.words.verdict import CaseVerdict


@dataclass(frozen=True)
class ClaimCard:
    """One judged claim, shown as the report shows it."""

    judged: "JudgedClaim"
    """Everything that decided it."""
    _report: "Report" = field(repr=False)

    @property
    def verdict(self) -> str:
        """Its state in one word."""
        return self.judged.state

    def _repr_html_(self) -> str:
        """The card as a notebook shows it."""
        from harness.report.render import render_card

        return render_card(self._report, self.judged)

    def __str__(self) -> str:
        """The claim, its verdict and why."""
        return f"{self.judged.id}: {self.judged.state}. {self.judged.says}"


@dataclass(frozen=True)
class OpenedRun:
    """The report of a stored run; every number of it is as stored, and nothing is computed again."""

    report: "Report"

    @property
    def estimates(self) -> "pd.DataFrame":
        """Every measured quantity with its intervals; numbers stand in the unit that `unit` names."""
        return self._frame(MeasuredEstimate)

    @property
    def seeds(self) -> "pd.DataFrame":
        """What single training seeds gave."""
        return self._frame(SeedEstimate)

    @property
    def verdicts(self) -> "pd.DataFrame":
        """Every printed number of every claim under each reading, judged."""
        return self._frame(JudgedNumber)

    @property
    def settings(self) -> "pd.DataFrame":
        """What was asked for, and what the run met."""
        return self._frame(Setting)

    def estimates_of(self, quantity: str) -> "pd.DataFrame":
        """One quantity by layer, language and benchmark, with its unit in the names of the columns.

        Raises:
            UsageError: If the run measured no such quantity.
        """
        every = self.estimates
        known = tuple(every["quantity"].unique())
        if quantity not in known:
            raise choice_error("quantity", quantity, known, f"(of run {self.report.run.id})")
        own = every[every["quantity"] == quantity].dropna(axis="columns", how="all").reset_index(drop=True)
        unit = str(own["unit"].iloc[0]).replace(" ", "_")
        # One quantity has one unit.
        own = own.drop(columns=["quantity", "unit"])
        return own.rename(
            columns=lambda name: name.replace("value_in_unit", f"{quantity}_{unit}").replace("in_unit", unit)
        )

    def claim(self, name: str) -> ClaimCard:
        """The card of one claim of the paper, or of those that check the judge.

        Raises:
            UsageError: If the run judged no claim of that name.
        """
        judged = {claim.id: claim for claim in (*self.report.claims, *self.report.checking_claims)}
        if name not in judged:
            raise choice_error("claim", name, tuple(judged), f"(of run {self.report.run.id})")
        return ClaimCard(judged[name], self.report)

    @cached_property
    def _rows(self) -> Rows:
        return rows_of(self.report)

    def _frame(self, record: type) -> "pd.DataFrame":
        import pandas as pd

        from harness.words.columns import meanings_of

        frame = pd.DataFrame(map(vars, self._rows[record]), columns=list(meanings_of(record)))
        return frame.convert_dtypes()

    def __str__(self) -> str:
        """The run, and what came of it."""
        from harness.report.wording import outcome

        return f"{self.report.run.id}: {outcome(self.report)}"


def open_run(folder: Path | str) -> OpenedRun:
    """The report of a stored run or audit, for a notebook.

    Args:
        folder: Folder of the run, such as "reports/example".

    Raises:
        UsageError: If it holds no report that this version reads.
    """
    from harness.report.writer import load_report

    return OpenedRun(load_report(Path(folder)))


def judge_number(printed: str, **typed: float | None) -> "CaseVerdict":
    """One measured value against one printed number, range or limit, as `harness judge` decides it.

    Args:
        printed: As the page has it; trailing zeros and a leading "~" count.
        typed: `estimate`, `se` and whatever else `harness.byhand.Typed` has a field for, such as `margin` and `df`.

    Raises:
        UsageError: If nothing can be judged by what is given.
    """
    from harness.byhand import Typed, judged_by_hand

    return judged_by_hand(Typed(printed=printed, **typed))  # type: ignore[arg-type]


def plan(study: str, profile: str, device: str = "cpu") -> "Plan":
    """What a run of a study would make: every stage with its items, nothing of it run.

    Raises:
        UsageError: If there is no such study or profile.
    """
    from harness.designs.design import plan as draw
    from harness.sources.studies import load_profile, load_study

    asked = load_study(study)
    return draw(asked, load_profile(asked, profile), device)
