"""The README tells the truth: its report is a real one, and its links lead somewhere."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


CUT = "…"
"""Where the first screen leaves lines of the report out."""


def test_the_report_on_the_first_screen_is_the_example_with_marked_cuts() -> None:
    example = lines_of((ROOT / "reports/example/summary.md").read_text(encoding="utf-8"))
    quoted = lines_of("\n".join(line[1:] for line in README.splitlines() if line.startswith(">")))
    assert len(quoted) > 10
    place, parts = 0, "\n".join(quoted).split(f"\n{CUT}")
    for part in parts:
        wanted = lines_of(part)
        starts = [at for at in range(place, len(example)) if example[at : at + len(wanted)] == wanted]
        assert starts, f"not one run of lines of the example: {wanted}"
        place = starts[0] + len(wanted)
    assert example[: len(lines_of(parts[0]))] == lines_of(parts[0])
    assert quoted[-1] == CUT


def lines_of(text: str) -> list[str]:
    """Its lines, but for blank ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
