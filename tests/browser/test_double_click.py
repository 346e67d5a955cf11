"""A double click on every button: the server hears of one act, and nothing is pressed that came to lie under the pointer.

The pages are looked up in the menu and their buttons on the pages, so a new one is tried without being named here. The
server's answer to a write is held until both clicks are over, and is a refusal: everything stays as it was.
"""

import re
from collections.abc import Callable, Iterator

from playwright.sync_api import Locator, Page, Request, Route

from tests.browser.desk import Desk

Opener = Callable[..., Page]
# What a person between two clicks of a double click takes, and what the page then takes to show what it opened.
BETWEEN_MS, AFTER_MS = 90, 60
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
CREATE = re.compile("^(新建).+")  # one button of every list
# Asked by POST because the question is long; they write nothing, or what the page itself remembers.
QUESTIONS = re.compile(r"/(preview|resolve|prefs/.*)$")


class Line:
    """The line to the server: reads pass, writes are held."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.held: list[Route] = []
        page.route("**/api/**", self._hear)

    def _hear(self, route: Route) -> None:
        if route.request.method == "GET" or QUESTIONS.search(route.request.url.split("?")[0]):
            route.continue_()
        else:
            self.held.append(route)

    def refuse(self) -> list[Request]:
        """Answer what was written meanwhile."""
        held, self.held = self.held, []
        for route in held:
            said = {"field": None, "line": None, "code": "held", "message": "先不处理"}
            route.fulfill(status=409, json={"problems": [said]})
        return [route.request for route in held]


def twice(line: Line, button: Locator) -> list[Request]:
    """Double click as a hand does; what was written."""
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    mouse = line.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for count in (1, 2):
        mouse.down(click_count=count)
        mouse.up(click_count=count)
        line.page.wait_for_timeout(BETWEEN_MS if count == 1 else AFTER_MS)
    return line.refuse()


def addresses(desk: Desk, met: set[str]) -> Iterator[str]:
    """Every page of the menu, a form of each kind, and those documents that offer a step not `met` before."""
    yield "/me"
    for app in desk.ask("/api/meta")["menu"]:
        for item in app["items"]:
            code = item["code"]
            if code not in met:
                met.add(code)
                yield f"/{code}"
            if item["kind"] not in ("document", "master"):
                continue
            meta = desk.ask(f"/api/meta/{code}")
            if meta["can"].get("edit") and item["kind"] not in met:
                met.add(item["kind"])
                yield f"/{code}/new"
            labels = {step["name"]: step["label"] for step in meta.get("steps") or []}
            for row in desk.ask(f"/api/{code}?limit=60")["rows"]:
                can = desk.ask(f"/api/{code}/{row['id']}")["can"]
                offers = {labels[each] for each in can.get("steps") or []}
                if offers - met:
                    met |= offers
                    yield f"/{code}/{row['id']}"


# Buttons in sight that can be pressed, by their words; the window's own frame is tried with the first page.
BUTTONS = """(where) => [...document.querySelectorAll(where)].flatMap((one) => {
  const box = one.getBoundingClientRect();
  const words = (one.getAttribute("aria-label") || one.innerText).trim().replace(/\\s+/g, " ");
  const isSeen = box.width && box.height && one.checkVisibility({ visibilityProperty: true }) && !one.disabled;
  one.dataset.words = words;
  return isSeen && words ? [words] : [];
})"""
# Whether something lies above the page.
OPENED = """() => [...document.querySelectorAll(".el-overlay, [role=menu]")].some((one) => one.checkVisibility())"""
PAGE = ".tab-page button:not([role=columnheader] *)"
MENU = "[role=menu] [role=menuitem]"
DIALOG = ".el-dialog button, .el-message-box button"


class Round:
    """One person's way through the pages; each button of a kind of page is `tried` where it is first met."""

    def __init__(self, desk: Desk, tried: set[tuple[str, ...]]) -> None:
        self.desk, self.page, self.tried = desk, desk.page, tried
        self.line = Line(desk.page)
        self.wrote: set[str] = set()

    def visit(self, address: str) -> None:
        """Open a page and press what is new on it, in its menus and in the dialogs these open."""
        self._open(address)
        shown = self.page.locator(".tab-page > *").first.get_attribute("class") or ""
        generic = {"document", "list"} & set(shown.split())  # one component for all codes
        kind = "".join(generic) or ID.sub("id", address)
        further = [
            one.get_attribute("href") or ""
            for one in self.page.locator(".tab-page a.btn[href^='/']:not([href^='/api'])").all()
        ]
        for label in self._seen(PAGE):
            if not self._is_new(kind, CREATE.sub(r"\1", label)):
                continue
            if self._menu(label):
                for item in self._seen(MENU):
                    if self._is_new(kind, label, item):
                        self._try(kind, address, MENU, item, label)
                self._open(address)
            else:
                self._try(kind, address, PAGE, label)
        for one in further:
            if self._is_new(ID.sub("id", one)):
                self.visit(one)

    def _try(self, kind: str, address: str, where: str, label: str, menu: str = "") -> None:
        """Press a button, then those of the dialog it opens, opened anew for each."""
        self._ready(address, menu)
        self._press(where, label)
        for inner in self._seen(DIALOG):
            if self._is_new(kind, menu, label, inner):
                if inner not in self._seen(DIALOG):
                    self._ready(address, menu)
                    self._press(where, label)
                self._fill()
                self._press(DIALOG, inner)

    def _fill(self) -> None:
        """Something in every empty field of the dialog."""
        for box in self.page.locator(".el-dialog:visible textarea, .el-dialog:visible input").all():
            if box.is_editable() and box.get_attribute("type") in (None, "text") and not box.input_value():
                box.fill("1")

    def _press(self, where: str, label: str) -> None:
        if label not in self._seen(where):
            return  # another act has taken it away
        button = (
            self.page.locator(where)
            .locator("visible=true")
            .and_(self.page.locator(f'[data-words="{label}"]'))
        )
        written = twice(self.line, button.first)
        said = [f"{one.method} {one.url}" for one in written]
        assert len({one.headers.get("idempotency-key") for one in written}) <= 1, (self.page.url, label, said)
        if written:
            self.wrote.add(label)

    def _menu(self, label: str) -> bool:
        """Open it, if it is a menu."""
        button = self.page.locator(f'{PAGE}[data-words="{label}"][aria-haspopup=menu]:visible')
        if button.count():
            button.first.click()
        return bool(button.count())

    def _ready(self, address: str, menu: str = "") -> None:
        """Bring the page back to where the next button can be pressed."""
        if self.page.evaluate(OPENED):
            self.page.keyboard.press("Escape")
            self.page.keyboard.press("Escape")
        if self.page.url != self.at or self.page.evaluate(OPENED):
            self._open(address)
        if menu:
            self._menu(menu)

    def _open(self, address: str) -> None:
        self.desk.open(address)
        self.at = self.page.url

    def _seen(self, where: str) -> list[str]:
        return list(dict.fromkeys(self.page.evaluate(BUTTONS, where)))

    def _is_new(self, *what: str) -> bool:
        if what in self.tried:
            return False
        self.tried.add(what)
        return True


def test_every_button_pressed_twice_acts_once(open_page: Opener) -> None:
    met: set[str] = set()
    tried: set[tuple[str, ...]] = set()
    wrote: set[str] = set()
    for login in ("zhouyan", "luzhou"):
        desk = Desk(open_page(login))
        way = Round(desk, tried)
        for address in addresses(desk, met):
            way.visit(address)
        wrote |= way.wrote
    assert {"保存", "提交", "审核", "作废"} <= wrote
