"""The page in a real browser, where there is one: it loads, sorts, filters, and fits a phone."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from benchmarks.claims import CLAIMS
from benchmarks.report.groups import group
from benchmarks.report.page import page
from benchmarks.report.pictures import Drawn, Pictures
from benchmarks.report.sections import claims_section, group_sections
from benchmarks.report.standing import Standing
from benchmarks.report.verdicts import verdicts
from benchmarks.screenshots import NoBrowser, start_browser
from quatrefoil.core.measuring.store import Results
from tests.benchmarks.test_pages import three_seeds

SECTION = "section >> nth=0"
PAGE = "http://page.test/"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser; the tests are skipped, by name, where none starts."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as playwright:
        try:
            browser = start_browser(playwright, driver.Error)
        except NoBrowser as error:
            pytest.skip(str(error))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of two models with three seeds, and of claims of which nothing is measured."""
    found = three_seeds(tmp_path_factory.mktemp("rows"))
    sections = [*group_sections(group(found)), claims_section(verdicts(CLAIMS, group(Results()), Standing(Results())))]
    return page(sections, "")


@pytest.fixture
def opened(chromium: Any, site: str) -> Iterator[Any]:
    """The page, opened; no test of it passes if anything was complained of, or fetched from anywhere else."""
    tab, wrong, fetched = chromium.new_page(), list[str](), list[str]()
    tab.on("console", lambda said: wrong.append(said.text))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("request", lambda asked: fetched.append(asked.url))
    # Handed over within the browser: some are kept from reading files, and no server is needed.
    tab.route(PAGE, lambda asked: asked.fulfill(body=site, content_type="text/html; charset=utf-8"))
    tab.goto(PAGE)
    yield tab
    tab.close()
    assert wrong == []
    assert [url for url in fetched if not url.startswith("data:")] == [PAGE]


def column(tab: Any, kind: str, place: int) -> list[str]:
    """The cells of a column of the first table that are seen, from above."""
    cells = tab.locator(f"{SECTION} >> table >> nth=0").locator(f"tr.{kind}:visible td:nth-child({place})")
    texts: list[str] = cells.all_inner_texts()
    return texts


def test_a_click_sorts_measured_rows_and_leaves_computed_ones_above(opened: Any) -> None:
    computed = column(opened, "computed", 1)
    head = opened.locator(f"{SECTION} >> table >> nth=0").locator("th").nth(2)
    orders = []
    for _ in range(2):
        head.locator("button").click()
        orders.append((head.get_attribute("aria-sort"), column(opened, "measured", 1)))
    assert orders == [("descending", ["TABLE", "Frames only"]), ("ascending", ["Frames only", "TABLE"])]
    assert column(opened, "computed", 1) == computed
    opened.locator("th button").first.press("Enter")  # words: from A on, by the keyboard too
    assert column(opened, "measured", 1) == ["Frames only", "TABLE"]


def test_a_filter_hides_rows_and_fades_the_other_models_in_plots(opened: Any) -> None:
    every = opened.locator("tr.measured:visible").count()
    opened.fill("#filter", "frames ONLY ±")
    assert column(opened, "measured", 1) == ["Frames only"]
    assert column(opened, "computed", 1)
    assert opened.locator("#count").inner_text() == f"1 of {every} rows"
    opened.fill("#filter", "only frames")
    faded = opened.locator(f"{SECTION} >> g.dim")
    assert {faded.nth(place).get_attribute("data-model") for place in range(faded.count())} == {"TABLE"}
    opened.fill("#filter", "no such words")
    assert opened.locator("section:visible").count() == 0
    assert opened.locator("#count").inner_text() == f"0 of {every} rows"
    opened.fill("#filter", "contradicted")  # what is said above all claims is no word of each
    assert opened.locator("#count").inner_text() == f"0 of {every} rows"
    opened.fill("#filter", "")
    assert (opened.locator("tr.measured:visible").count(), opened.locator("g.dim").count()) == (every, 0)


def test_a_filter_finds_words_of_the_row_its_tables_title_and_its_sections_heading_and_lead(opened: Any) -> None:
    opened.fill("#filter", "frames retrieval")  # as its own example: a model, and what it was asked
    assert column(opened, "measured", 1) == ["Frames only"]
    opened.fill("#filter", "embedded frames video text-to-video")
    assert column(opened, "measured", 1) == ["Frames only"]


def test_a_model_chosen_in_the_legend_stands_out_in_the_plots(opened: Any) -> None:
    button = opened.locator(".legend button", has_text="Frames only")
    faded = opened.locator("g.dim[data-model=TABLE]")
    button.click()
    assert faded.count() == opened.locator("g[data-model=TABLE]").count() > 0
    button.click()
    assert faded.count() == 0


def test_pictures_are_shown_and_open_and_none_is_wider_than_a_phone(chromium: Any) -> None:
    names = ["pictures/reconstruct/a.png", "pictures/similarity/a.png"]
    drawn = [Drawn("What it shows.", f"quatrefoil {name} {'a-long-folder/' * 9}", [name]) for name in names]
    html = page([], "", pictures=Pictures("VLSA", "stage", "quatrefoil train vlsa/stage-pretrain", drawn))
    square = BytesIO()
    Image.new("RGB", (1440, 1440)).save(square, "PNG")
    tab = chromium.new_page()
    tab.route(PAGE + "**", lambda asked: asked.fulfill(body=square.getvalue(), content_type="image/png"))
    tab.route(PAGE, lambda asked: asked.fulfill(body=html, content_type="text/html; charset=utf-8"))
    tab.goto(PAGE)
    assert tab.locator("h2").all_inner_texts() == ["What VLSA has learned"]
    assert tab.locator("img").evaluate_all("all => all.map(image => image.naturalWidth)") == [1440, 1440]
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.locator("img").first.click()
    tab.wait_for_url(PAGE + names[0])
    tab.close()


def test_nothing_is_wider_than_a_phone_but_what_scrolls_by_itself(opened: Any) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
