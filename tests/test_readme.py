"""The README tells the truth: its report is a real one, and its links lead somewhere."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_report_on_the_first_screen_is_the_example() -> None:
    example = (ROOT / "reports/example/summary.md").read_text(encoding="utf-8").splitlines()
    quoted = [line.removeprefix(">").strip() for line in README.splitlines() if line.startswith(">")]
    assert len(quoted) > 10
    assert [line for line in quoted if line and line not in example] == []


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
