"""The report in a real browser: readable without scripts, silent on the network, usable by keyboard, print and reader."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (360, 768, 1440)
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}
"""Bytes a second, and milliseconds there and back."""
A4_POINTS = (595, 842)
DARKEST_LIGHT = 0.9


@contextmanager
def opened(browser: "Browser", path: Path, *, width: int = 1440, **context: Any) -> "Iterator[Page]":
    """A page in a fresh context; scripts are off unless a test asks for them."""
    settings = {"java_script_enabled": False, "viewport": {"width": width, "height": 900}} | context
    fresh = browser.new_context(**settings)
    try:
        page = fresh.new_page()
        page.goto(path.as_uri())
        yield page
    finally:
        fresh.close()


@pytest.mark.parametrize("name", PAGES)
def test_it_asks_for_nothing_and_complains_of_nothing(
    browser: "Browser", pages: dict[str, Path], name: str
) -> None:
    fresh = browser.new_context(java_script_enabled=True)
    page = fresh.new_page()
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(pages[name].as_uri())
    page.wait_for_load_state("networkidle")
    fresh.close()
    assert (requests, said) == ([pages[name].as_uri()], [])


@pytest.mark.parametrize("name", ["full", "fixture"])
def test_a_phone_on_slow_4g_has_it_in_three_seconds(
    browser: "Browser", pages: dict[str, Path], name: str
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(pages[name].parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True).new_page()
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", SLOW_4G)
        page.goto(f"http://127.0.0.1:{server.server_port}/report.html", wait_until="load")
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        page.context.close()
        server.shutdown()
    assert loaded < 3000


@pytest.mark.parametrize("name", PAGES)
def test_the_page_never_scrolls_sideways(browser: "Browser", pages: dict[str, Path], name: str) -> None:
    with opened(browser, pages[name]) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found = {}
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found[width] = page.evaluate("document.documentElement.scrollWidth")
    assert [width for width, needed in found.items() if needed > width] == []


@pytest.mark.parametrize("name", ["full", "fixture"])
def test_everything_is_there_without_scripts(browser: "Browser", pages: dict[str, Path], name: str) -> None:
    with opened(browser, pages[name]) as page:
        heights = [figure.bounding_box() for figure in page.locator("svg.plot").all()]
        assert len(heights) == {"full": 10}.get(name, 8)  # with the curves of the claims that are graded
        assert all(box and box["height"] > 60 for box in heights)
        assert page.locator("h1").count() == 1
        assert page.locator("main table").count() > 20


def test_a_card_opens_by_keyboard_alone(browser: "Browser", pages: dict[str, Path]) -> None:
    with opened(browser, pages["full"]) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.locator("[id='claim-gap.l6.value'] > summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("[id='claim-gap.l6.value'] blockquote").is_visible()


def test_a_wide_table_scrolls_by_keyboard(browser: "Browser", pages: dict[str, Path]) -> None:
    with opened(browser, pages["full"], width=360) as page:
        region = page.locator(".panel:has(#gap-language) .scroll").nth(1)
        region.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        assert region.evaluate("each => each.scrollLeft") > 0


def test_on_a_phone_everything_that_decides_a_claim_is_on_the_screen(
    browser: "Browser", pages: dict[str, Path]
) -> None:
    with opened(browser, pages["full"], width=390) as page:
        needed, there = page.locator("#claims > .scroll").evaluate(
            "each => [each.scrollWidth, each.clientWidth]"
        )
        assert needed <= there
        row = page.locator("#claims tr:has([href='#claim-gap.l6.value'])")
        ends = row.locator("td").evaluate_all("all => all.map(each => each.getBoundingClientRect().right)")
        assert max(ends) <= 390
        labels = row.locator("td").evaluate_all(
            "all => all.map(each => getComputedStyle(each, '::before').content)"
        )
    assert labels == ["none", '"Grade: "', '"Printed"', '"Measured, 90 %"', '"Difference"', '"Margins"']
    with opened(browser, pages["fixture"], width=390) as page:
        row = page.locator("#self-checks .expects tbody tr:has(td)").first
        labels = row.locator("td").evaluate_all(
            "all => all.map(each => getComputedStyle(each, '::before').content)"
        )
    assert labels[-3:] == ['"Printed"', '"Measured, 90 %"', '"Margins"']
    assert labels[:-3] in (["none", "none"], ["none", "none", '"Grade: "'])


def test_what_is_wider_than_a_phone_says_so(browser: "Browser", pages: dict[str, Path]) -> None:
    with opened(browser, pages["full"], width=390) as page:
        region = page.locator(".panel:has(#gap-language) .scroll").nth(1)
        shadows = region.evaluate("each => getComputedStyle(each).backgroundAttachment")
        caption = page.locator("figcaption").first.evaluate(
            "each => getComputedStyle(each, '::before').content"
        )
    assert shadows == "local, local, scroll, scroll"
    assert "sideways" in caption


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_readers_scheme(browser: "Browser", pages: dict[str, Path], scheme: str) -> None:
    with opened(browser, pages["full"], color_scheme=scheme) as page:
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        ink = page.evaluate("getComputedStyle(document.querySelector('svg.plot text')).fill")
    is_dark = scheme == "dark"
    assert (brightness(ground) < DARKEST_LIGHT) is is_dark
    assert (brightness(ink) > brightness(ground)) is is_dark


def brightness(colour: str) -> float:
    channels = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(channels) / 3 / 255


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("full", 390, "dark"), ("full", 1440, "light"), ("fixture", 1440, "dark"), ("unmeasured", 390, "light")],
)
def test_axe_finds_no_violation(
    browser: "Browser", pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, pages[name], width=width, color_scheme=scheme, java_script_enabled=True) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200], len(each["nodes"])) for each in found] == []


def test_print_opens_every_card_on_a4_and_warns_on_every_sheet(
    browser: "Browser", pages: dict[str, Path]
) -> None:
    from pypdf import PdfReader

    with opened(browser, pages["fixture"]) as page:
        reader = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True)))
    sizes = {tuple(round(float(side)) for side in sheet.mediabox[2:]) for sheet in reader.pages}
    assert sizes == {A4_POINTS}
    sheets = [sheet.extract_text() for sheet in reader.pages]
    assert all("FIXTURE RUN" in sheet for sheet in sheets)
    whole = " ".join(" ".join(sheets).split())
    assert whole.count("Why this verdict.") == 28
    assert "Gap by layer: the table with every layer" in whole


def test_no_card_is_cut_where_it_fits_on_a_sheet(browser: "Browser", pages: dict[str, Path]) -> None:
    with opened(browser, pages["full"]) as page:
        page.emulate_media(media="print")
        kept = page.locator(".card, figure, .tile").evaluate_all(
            "all => all.map(each => getComputedStyle(each).breakInside)"
        )
    assert set(kept) == {"avoid"}
