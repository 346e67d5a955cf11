"""A running demonstration and a Chromium for the browser tests.

Screenshots go to var/screens, to be looked at; with YUNLIAN_PICTURES=1 those of the guide go to docs/guide/pictures. A
script error or an error in the browser's console fails the test. YUNLIAN_SITE names the data folder of a demonstration
that runs already (`var` after `make run`), to try again quickly; the tests leave their orders in it.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.running import Installation
from yunlian.edge.place import ROOT, VAR
from yunlian.edge.prepare import browser as chromium

SCREENS = VAR / "screens"
PICTURES = ROOT / "docs" / "guide" / "pictures"
# The browser calls every refusal an error, and every line that a test cuts.
EXPECTED = re.compile(r"the server responded with a status of 4\d\d|net::ERR_FAILED")


@pytest.fixture(scope="session")
def site() -> Iterator[Installation]:
    """The demonstration, freshly loaded, with everything `make run` starts. The load is cut short once: it must go on."""
    if running := os.environ.get("YUNLIAN_SITE"):
        installation = Installation(Path(running), demo=True)
        installation.base_url = installation.facts["base_url"]
        yield installation
        return
    installation = Installation(VAR / f"browser-{os.getpid()}", demo=True)  # two runs do not meet
    try:
        installation.begin_and_stop_at("orders of each for itself", limit_s=300)
        installation.start(limit_s=300)
        yield installation
    finally:
        installation.remove()


@pytest.fixture(scope="package")  # its event loop must end before other tests touch Django's database
def browser() -> Iterator[Browser]:
    found = chromium()
    assert found, "there is no Chromium; `make test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(
    site: Installation, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Open a window of its own for one person: `open_page("login")`, or nobody's without a login.

    `dark`, and `language` as the console names it, are what the person has chosen before.
    """
    contexts = []
    errors: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error" and not EXPECTED.search(said.text):
            errors.append(said.text)

    def opened(
        login: str | None = None,
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        language: str = "zh-Hans",
        **options: object,
    ) -> Page:
        context = browser.new_context(
            base_url=site.base_url, locale="zh-CN", viewport={"width": width, "height": height}, reduced_motion="reduce",
            **options,    # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        theme = "dark" if dark else "light"
        context.add_init_script(
            f"localStorage.setItem('yl.theme', '{theme}'); localStorage.setItem('yl.locale', '{language}')"
        )
        if login:
            person = next(each for each in site.facts["people"] if each["login"] == login)
            answer = context.request.post(
                "/api/session", data={"login": login, "password": person["password"]}
            )
            assert answer.ok, answer.text()
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", heard)
        return page

    failed = request.session.testsfailed
    yield opened
    for at, context in enumerate(contexts):
        if request.session.testsfailed > failed:
            for page in context.pages:
                page.screenshot(path=SCREENS / f"failed-{request.node.name}-{at}.png")
        context.close()
    assert errors == []


@pytest.fixture
def screen(request: pytest.FixtureRequest) -> Callable[[Page, str], Path]:
    """Keep a picture of a page: `screen(page, "order")`."""

    def kept(page: Page, name: str) -> Path:
        SCREENS.mkdir(parents=True, exist_ok=True)
        test = re.sub(r"\W+", "-", request.node.name.removeprefix("test_"))
        path = SCREENS / f"{test}-{name}.jpg"
        page.screenshot(path=path, type="jpeg", quality=85)  # in half the time of a PNG
        return path

    return kept


@pytest.fixture
def picture(screen: Callable[[Page, str], Path]) -> Callable[[Page, str], Path]:
    """Take a picture for the guide: `picture(page, "purchase-order")`."""

    def taken(page: Page, name: str) -> Path:
        if not os.environ.get("YUNLIAN_PICTURES"):
            return screen(page, name)
        expect(page.locator(".el-message")).to_have_count(0)  # what was said has gone again
        page.wait_for_timeout(300)
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        page.screenshot(path=path, animations="disabled", caret="hide")
        return path

    return taken
