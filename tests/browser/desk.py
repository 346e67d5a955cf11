"""What people do at the console, by mouse and keyboard, in words of the tests."""

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, Request, expect

from tests.running import Installation

SAVED = re.compile(r"^/[a-z_.]+/[0-9a-f-]{36}$")

# What reaches beyond the window and does not lie in a box that scrolls or cuts; the page's own frame cuts everything.
STICKS_OUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  if (!box.width || !box.height || box.right <= innerWidth + 1 || one.closest("svg")) return false;
  for (let up = one; up && up !== document.body; up = up.parentElement) {
    const way = getComputedStyle(up).overflowX;
    if (up !== one && (way === "auto" || way === "scroll")) return false;
    if (up !== one && way === "hidden" && !up.matches("main, #app, .tab-page")) return false;
    if (getComputedStyle(up).visibility === "hidden") return false;
  }
  return true;
}).map((one) => `${one.tagName}.${one.className} ${Math.round(one.getBoundingClientRect().right)}`)"""


class Desk:
    """One person's window."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._asked: set[Request] = set()
        page.on("request", lambda request: self._asked.add(request))
        page.on("requestfinished", lambda request: self._asked.discard(request))
        page.on("requestfailed", lambda request: self._asked.discard(request))

    # --- to get somewhere ---

    def sign_in(self, site: Installation, login: str) -> None:
        """Sign in by typing."""
        person = next(each for each in site.facts["people"] if each["login"] == login)
        self.page.goto("/")
        self.page.get_by_label("账号").fill(login)
        self.page.get_by_label("密码").fill(person["password"])
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".home h1")).to_be_visible()

    def open(self, address: str) -> None:
        """Go to a page, as a link does where the console is open, and wait until it is all there."""
        self._asked.clear()  # what another page asked for is not waited for
        if self.page.url.startswith("http"):
            go = "to => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate', { state: {} })) }"
            self.page.evaluate(go, address)
        else:
            self.page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Wait until the page has its heading and asks for nothing more."""
        expect(self.page.locator(".tab-page h1, .sign-in h1").first).to_be_visible()
        expect(self.page.locator(".bar-loading")).to_have_count(0, timeout=30_000)
        quiet, end = 0, time.monotonic() + 30
        while quiet < 3:
            self.page.wait_for_timeout(50)
            quiet = 0 if self._asked else quiet + 1
            assert time.monotonic() < end, (
                f"{self.page.url} asks and asks: {[one.url for one in self._asked]}"
            )

    def menu(self, app: str, item: str) -> None:
        """Open a list from the rail."""
        rail = self.page.locator("nav.rail")
        rail.locator(".apps").get_by_role("button", name=app, exact=True).hover()
        rail.locator(".items").get_by_role("link", name=item, exact=True).click()
        expect(self.page.locator("h1.title").first).to_have_text(item)
        self.page.mouse.move(700, 5)

    def find(self, words: str) -> None:
        """Open the first document the global search finds."""
        self.page.keyboard.press("Control+k")
        self.page.keyboard.type(words)
        expect(self.page.get_by_role("option").filter(has_text=words).first).to_be_visible()
        self.page.keyboard.press("Enter")
        expect(self.title).to_be_visible()

    # --- a document ---

    @property
    def title(self) -> Locator:
        return self.page.locator("header > h1.title")

    @property
    def number(self) -> str:
        """The number of the document that is open."""
        return self.title.inner_text()

    def field(self, name: str) -> Locator:
        return self.page.locator(f'.form [data-field="{name}"]')

    def type(self, name: str, text: str) -> None:
        """Type into a field of the form and leave it by Enter."""
        box = self.field(name).locator("input, textarea").first
        box.fill(text)
        box.press("Enter")

    def act(self, label: str, sure: bool = False) -> None:
        """Press a button of the document, or what is under *More*, and its name once more where it asks; wait until it is done."""
        acts = self.page.locator(".acts")
        expect(acts.get_by_role("button").first).to_be_visible()
        beside = acts.get_by_role("button", name=label, exact=True)
        if beside.count():
            beside.click()
        else:
            acts.get_by_role("button", name="更多", exact=True).click()
            self.page.get_by_role("menuitem", name=label, exact=True).click()
        if sure:
            dialog = self.page.get_by_role("dialog")
            dialog.get_by_role("button", name=label, exact=True).click()
            expect(dialog).to_be_hidden()

    def state(self, *words: str) -> None:
        """Expect tags beside the number."""
        for word in words:
            expect(self.page.locator("header .tag").filter(has_text=word).first).to_be_visible()

    def save(self) -> None:
        """Ctrl+S, until the document has its address."""
        expect(self.page.locator(".acts").get_by_role("button", name="保存", exact=True)).to_be_enabled()
        self.page.keyboard.press("Control+s")
        self.page.wait_for_url(lambda url: bool(SAVED.match(re.sub(r"^https?://[^/]+", "", url))))
        expect(self.page.locator(".unsaved")).to_be_hidden()

    def panel(self, name: str) -> Locator:
        """Open a part of the right panel."""
        expect(self.page.get_by_role("button", name="右侧面板", exact=True)).to_be_visible()
        if self.page.locator(".document.folded").count():
            self.page.get_by_role("button", name="右侧面板", exact=True).click()
        self.page.locator("aside").get_by_role("tab", name=name, exact=True).click()
        return self.page.locator("aside .panel-body")

    # --- the grid ---

    def cell(self, row: int, column: str) -> Locator:
        """The cell of a line, from 1, under a heading."""
        expect(self.page.locator(".grid .head .cell").filter(has_text=column).first).to_be_visible()
        heads = self.page.locator(".grid .head .cell").all_inner_texts()
        at = next(n for n, head in enumerate(heads) if head.replace("*", "").strip() == column)
        return self.page.locator(".grid .line:not(.head):not(.foot)").nth(row - 1).locator(".cell").nth(at)

    def key(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def words(self, text: str) -> None:
        self.page.keyboard.type(text, delay=5)

    def paste(self, block: str) -> None:
        self.page.evaluate("text => navigator.clipboard.writeText(text)", block)
        self.page.keyboard.press("Control+v")

    # --- the server, as this person ---

    def ask(self, path: str) -> Any:
        """What the server says to this person."""
        answer = self.page.request.get(path)
        assert answer.ok, answer.text()
        return answer.json()

    def fits(self) -> None:
        """Nothing is wider than the window."""
        wide = self.page.evaluate(STICKS_OUT)
        assert wide == [], f"too wide at {self.page.url}: {wide}"
