"""Sign-in: pages that give a browser a code, and what the code is worth."""

import html
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ...sandbox.platform import Sandbox
from .calls import APP, DOWNSTREAM, Call, Refused, api, fresh
from .members import openid_of
from .ranges import Range
from .state import App, Code, Corp, Scan, UserTicket, Wecom

CODE_S, TICKET_S, SCAN_S = 300, 1800, 300
PRIVATE = {
    "gender": "性别", "avatar": "头像", "qr_code": "二维码", "mobile": "手机号", "email": "邮箱", "biz_mail": "企业邮箱",
    "address": "地址",
}  # fmt: skip
SHOWN = 40  # people to choose from
WHO = frozenset({APP, DOWNSTREAM})


def routes(sandbox: Sandbox) -> list[Route]:
    """The pages a browser is sent to."""
    pages = Pages(sandbox)
    return [
        Route("/connect/oauth2/authorize", pages.inside, methods=["GET"]),
        Route("/wwlogin/sso/login", pages.scan, methods=["GET"]),
        Route("/wwopen/sso/qrConnect", pages.scan, methods=["GET"]),
        Route("/wwlogin/sso/poll", pages.poll, methods=["GET"]),
    ]


class Pages:
    """What stands behind the addresses of `wecom/signin.py`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._world = sandbox.world

    @property
    def _state(self) -> Wecom:
        return self._world.part(Wecom)

    async def inside(self, request: Request) -> Response:
        """网页授权: at once with a code for who holds the phone, or for `sandbox_user` of the address.

        `sandbox_user` is an account, "CorpId/account" of a linked corp, or "customer:<external id>" or
        "stranger:<name>" for one who is not a member. `sandbox_agree` lists what a member agrees to tell.
        """
        query = dict(request.query_params)
        try:
            with self._world.change():
                corp, app = self._app(query)
                person = query.get("sandbox_user") or self._holder(corp)
                asks = query.get("scope") == "snsapi_privateinfo"
                if not person or (asks and "sandbox_agree" not in query and ":" not in person):
                    return _choose(corp, request, person, asks=asks)
                code = self._code(corp, app, person, query.get("sandbox_agree") if asks else None)
        except Refused as refused:
            return _told(refused)
        return RedirectResponse(_back(query, code))

    async def scan(self, request: Request) -> Response:
        """扫码登录: a QR code that a phone of the page scans; the browser waits."""
        query = dict(request.query_params)
        try:
            with self._world.change():
                corp, app = self._app(query)
                scan = Scan(
                    secrets.token_hex(8), corp.id, app.agent, query["redirect_uri"], query.get("state", ""),
                    self._world.now() + SCAN_S,
                )  # fmt: skip
                now = self._world.now()
                self._state.scans = {key: each for key, each in self._state.scans.items() if each.ends > now}
                self._state.scans[scan.key] = scan
        except Refused as refused:
            return _told(refused)
        return HTMLResponse(_scan_page(corp, app, scan))

    async def poll(self, request: Request) -> Response:
        """Has a phone confirmed? Where to go on then."""
        with self._world.lock:
            scan = self._state.scans.get(request.query_params.get("key", ""))
            if scan is None or scan.ends <= self._world.now():
                return JSONResponse({"over": True})
            query = {"redirect_uri": scan.redirect, "state": scan.state, "appid": scan.corp}
            return JSONResponse({"go": _back(query, scan.code) if scan.code else ""})

    def confirm(self, key: str, person: str) -> str:
        """The phone of a member scans and confirms; the code. Raises Refused."""
        with self._world.change():
            scan = self._state.scans.get(key)
            if scan is None or scan.ends <= self._world.now() or scan.code:
                raise Refused(40029, "the QR code is over")
            corp = self._state.corps[scan.corp]
            scan.code = self._code(corp, corp.apps[scan.agent], person, None)
            return scan.code

    def _app(self, query: dict[str, str]) -> tuple[Corp, App]:
        corp = self._state.corps.get(query.get("appid", ""))
        if corp is None:
            raise Refused(40013, "invalid corpid")
        agent = query.get("agentid") or str(next(iter(corp.apps), 0))
        app = corp.apps.get(int(agent)) if agent.isdigit() else None
        if app is None:
            raise Refused(40056, "invalid agentid")
        host = urlsplit(query.get("redirect_uri", "")).hostname
        if host not in app.domains:
            raise Refused(50001, f"redirect domain {host} is not trusted")
        return corp, app

    def _holder(self, corp: Corp) -> str:
        id, _, user = self._state.phone.partition("/")
        return user if id == corp.id else ""

    def _code(self, corp: Corp, app: App, person: str, agreed: str | None) -> str:
        made = Code(corp.id, app.agent, "", self._world.now() + CODE_S)
        kind, _, rest = person.partition(":")
        if kind == "stranger" or kind == "customer":
            customer = corp.customers.get(rest)
            made.external = rest if customer else ""
            made.openid = customer.openid if customer else openid_of(corp.id, rest)
        elif "/" in person:
            made.downstream = person
        else:
            member = corp.people.get(person.lower())
            if member is None or member.status == 5:
                raise Refused(60111, "userid not found")
            made.person = member.user
        if agreed is not None:
            made.private = [each for each in agreed.split(",") if each in PRIVATE]
        text = fresh()
        self._state.codes[text] = made
        return text


def _back(query: dict[str, str], code: str) -> str:
    """The redirect address with code and state added to its own query."""
    more = {"code": code, "state": query.get("state", "")}
    if "login_type" in query or "response_type" not in query:
        more["appid"] = query.get("appid", "")
    return str(httpx.URL(query["redirect_uri"]).copy_merge_params(more))


def _told(refused: Refused) -> Response:
    text = f"<h1>{refused.code}</h1><p class='lead'>{html.escape(refused.text)}</p>"
    return HTMLResponse(_page("企业微信（沙箱）", text), status_code=400)


def _choose(corp: Corp, request: Request, person: str, *, asks: bool) -> Response:
    """Whom to be, and what to agree to: the same address again with the answer."""
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in request.query_params.items()
        if not name.startswith("sandbox_")
    )
    people = [each for each in corp.people.values() if each.status != 5][:SHOWN]
    choices = [(each.user, f"{each.name}（{each.user}）") for each in people]
    choices += [
        (f"customer:{each.id}", f"客户：{each.name}") for each in list(corp.customers.values())[:SHOWN]
    ]
    choices.append(("stranger:somebody", "不是成员的微信用户"))
    options = "".join(
        f'<option value="{html.escape(value)}"{" selected" if value == person else ""}>{html.escape(label)}</option>'
        for value, label in choices
    )
    boxes = "".join(
        f'<label class="check"><input type="checkbox" value="{each}" checked>{each}</label>'
        for each in PRIVATE
    )
    agreed = (
        '<input type="hidden" name="sandbox_agree"><p class="hint">同意提供（只发给这个应用）</p>'
        f'<div class="form">{boxes}</div>'
    )
    script = """
      const agree = document.querySelector('[name=sandbox_agree]');
      document.querySelector('form').addEventListener('submit', () => {
        if (agree) agree.value = [...document.querySelectorAll('[type=checkbox]:checked')].map((each) => each.value).join(',');
      });"""
    body = (
        f"<h1>{html.escape(corp.name)}</h1><p class='lead'>以谁的身份打开？手机页面选好持有人后，会直接通过。</p>"
        f'<form method="get">{hidden}<p><select name="sandbox_user">{options}</select></p>'
        f'{agreed if asks else ""}<p><button class="primary">同意并继续</button></p></form><script>{script}</script>'
    )
    return HTMLResponse(_page("企业微信登录（沙箱）", body))


def _scan_page(corp: Corp, app: App, scan: Scan) -> str:
    script = f"""
      const key = {json.dumps(scan.key)};
      async function poll() {{
        const said = await (await fetch('poll?key=' + key)).json();
        if (said.go) {{ location.href = said.go; return; }}
        if (said.over) {{ document.getElementById('state').textContent = '二维码已过期，请刷新页面'; return; }}
        setTimeout(poll, 700);
      }}
      poll();"""
    body = (
        f"<h1>企业微信扫码登录</h1><p class='lead'>{html.escape(corp.name)} · {html.escape(app.name)}</p>{_squares(scan.key)}"
        f"<p id='state'>请在沙箱的手机页面扫描 <code>{scan.key[:6]}</code> 并确认</p>"
        f"<p><a class='button' href='/sandbox/#wecom/phone' target='_blank'>打开沙箱手机</a></p><script>{script}</script>"
    )
    return _page("扫码登录（沙箱）", body)


def _squares(key: str) -> str:
    """A picture that looks like a QR code and is none: the sandbox's phone needs no camera."""
    size, bits = 21, int.from_bytes(bytes.fromhex(key) * 8, "big")
    cells = [
        (x, y)
        for y in range(size)
        for x in range(size)
        if _finder(x, y, size) or (_finder(x, y, size) is None and bits >> (x + y * size) & 1)
    ]
    squares = "".join(f'<path d="M{x} {y}h1v1h-1z"/>' for x, y in cells)
    box = f"-2 -2 {size + 4} {size + 4}"
    return f'<svg class="qr" viewBox="{box}" role="img" aria-label="二维码"><rect x="-2" y="-2" width="25" height="25" fill="#fff"/>{squares}</svg>'


def _finder(x: int, y: int, size: int) -> bool | None:
    """Black, white, or None outside the three corners."""
    for left, top in ((0, 0), (size - 7, 0), (0, size - 7)):
        across, down = x - left, y - top
        if -1 <= across <= 7 and -1 <= down <= 7:
            ring = max(abs(across - 3), abs(down - 3))
            return ring in (0, 1, 3)
    return None


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/sandbox/page/sandbox.css"></head>'
        f'<body style="display:grid;place-items:center;grid-template:1fr/1fr">'
        f'<main class="card" style="width:min(420px,92vw);text-align:center">{body}</main></body></html>'
    )


def _redeemed(call: Call) -> Code:
    code = call.state.codes.get(call.text("code", 41008))
    if code is None or code.corp != call.corp.id or code.agent != call.token.agent:
        raise Refused(40029, "invalid code")
    if code.used:
        raise Refused(42022, "code used")
    if code.ends <= call.now:
        raise Refused(42003, "code expired")
    code.used = True
    return code


@api("GET", "auth/getuserinfo", WHO)
def _getuserinfo(call: Call) -> dict[str, Any]:
    code = _redeemed(call)
    if code.downstream:
        return {"userid": code.downstream}
    if not code.person:
        customer = {"external_userid": code.external} if code.external else {}
        return {"openid": code.openid, **customer}
    told: dict[str, Any] = {"userid": code.person}
    person = call.corp.people.get(code.person.lower())
    if code.private is not None and person is not None and Range(call).sees(person):
        ticket = fresh("ticket")
        call.state.user_tickets[ticket] = UserTicket(
            call.corp.id, code.person, code.private, call.now + TICKET_S
        )
        told["user_ticket"] = ticket
    return told


@api("GET", "user/getuserinfo", WHO)
def _getuserinfo_old(call: Call) -> dict[str, Any]:
    code = _redeemed(call)
    if code.person or code.downstream:
        return {"UserId": code.person or code.downstream, "DeviceId": ""}
    return {"OpenId": code.openid, "DeviceId": ""}


@api("POST", "auth/getuserdetail", WHO)
def _getuserdetail(call: Call) -> dict[str, Any]:
    ticket = call.state.user_tickets.get(call.text("user_ticket", 84014))
    if ticket is None or ticket.corp != call.corp.id:
        raise Refused(84014, "invalid user_ticket")
    if ticket.ends <= call.now:
        raise Refused(84015, "user_ticket expired")
    person = call.corp.people.get(ticket.person.lower())
    if person is None:
        raise Refused(60111, "userid not found")
    return {"userid": person.user, **{name: getattr(person, name, "") for name in ticket.agreed}}
