"""`python -m benchmarks.screenshots`: pictures of the page as a browser shows it, for who reads the README first."""

import shutil
import sys
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGE, OUT = Path("site/index.html"), Path("docs/screenshots")
SHOWN = {
    "claims": "#claims-of-the-papers-embedded-benchmarks-not-real-corpora",
    "plots": "section:has(#stage-v1-default-one-caption-test-embedded-benchmark-not-a-real-corpus) .plots",
    "wrong": "#confusions",
}
"""Name of a picture -> what stands at its top."""
SETTLED_MS = 3000
"""A film tells that it is loaded some time before its first frame is seen."""
SIZE = {"width": 1280, "height": 900}


class NoBrowser(RuntimeError):
    """None is installed, or none starts: what was tried."""


def start_browser(playwright: Any, error: type[Exception]) -> Any:
    """The first headless browser that starts: some that are installed are only a word on how to install them.

    Args:
        error: what playwright raises where one does not start.

    Raises:
        NoBrowser: none does.
    """
    refused = []
    own = playwright.chromium.executable_path  # where `playwright install chromium` puts it
    for path in filter(None, map(shutil.which, [*BROWSERS, own])):
        try:
            return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except error as refusal:
            refused.append(f"{path}: {str(refusal).splitlines()[0]}")
    tried = "; ".join(refused) or "none is installed; `playwright install chromium` brings one"
    raise NoBrowser(f"none of {', '.join(BROWSERS)} starts: {tried}")


def main() -> int:
    """Entry point; 2 where there is no page or no browser."""
    from playwright import sync_api

    try:
        if not PAGE.is_file():
            raise FileNotFoundError(f"{PAGE} is not there; draw it by `make bench BENCH=pages`")
        with sync_api.sync_playwright() as playwright:
            browser = start_browser(playwright, sync_api.Error)
            tab = browser.new_page(viewport=SIZE)
            tab.goto(PAGE.resolve().as_uri())
            for name, top in SHOWN.items():
                tab.evaluate("top => document.querySelector(top).scrollIntoView({behavior: 'instant'})", top)
                tab.wait_for_timeout(SETTLED_MS)
                tab.screenshot(path=OUT / f"{name}.jpg", type="jpeg", quality=70)
                print(OUT / f"{name}.jpg")
            browser.close()
    except (FileNotFoundError, NoBrowser) as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
