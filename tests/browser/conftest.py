"""A running demonstration and a Chromium for the browser tests.

Screenshots go to var/screens, to be looked at; a script error on any page fails its test.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.running import Installation
from yunlian.edge.place import VAR
from yunlian.edge.prepare import browser as chromium

SCREENS = VAR / "screens"


@pytest.fixture(scope="session")
def site() -> Iterator[Installation]:
    """The demonstration, freshly loaded, with everything `make run` starts."""
    installation = Installation(VAR / "browser", demo=True)
    installation.remove()
    installation.start(limit_s=300)
    yield installation
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
def open_page(site: Installation, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a window of its own for one person: `open_page("login")`, or nobody's without a login."""
    contexts = []
    errors: list[str] = []

    def opened(login: str | None = None, *, width: int = 1280, height: int = 800, **options: object) -> Page:
        context = browser.new_context(
            base_url=site.base_url, locale="zh-CN", viewport={"width": width, "height": height},
            **options,    # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        if login:
            person = next(each for each in site.facts["people"] if each["login"] == login)
            answer = context.request.post(
                "/api/session", data={"login": login, "password": person["password"]}
            )
            assert answer.ok, answer.text()
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None,
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def screen(request: pytest.FixtureRequest) -> Callable[[Page, str], Path]:
    """Keep a picture of a page: `screen(page, "order")`."""

    def kept(page: Page, name: str) -> Path:
        SCREENS.mkdir(parents=True, exist_ok=True)
        test = re.sub(r"\W+", "-", request.node.name.removeprefix("test_"))
        path = SCREENS / f"{test}-{name}.png"
        page.screenshot(path=path)
        return path

    return kept
