"""The first screen of a report as a picture, for a page that links to it.

`python -m tests.browser.picture reports/example/report.html reports/example/report.png`
"""

import sys
from pathlib import Path

from tests.browser.conftest import CHROMIUM

SIZE = {"width": 1280, "height": 860}


def main(page_file: Path, picture: Path) -> None:
    """Look at the page without scripts, in the light scheme, and keep what stands above the fold."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(java_script_enabled=False, viewport=SIZE, color_scheme="light").new_page()
        page.goto(page_file.absolute().as_uri())
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
