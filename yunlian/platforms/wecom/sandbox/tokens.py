"""gettoken: a token per corp and secret."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...sandbox.platform import Sandbox
from .calls import APP, CONTACTS, CUSTOMERS, TOKEN_S, Refused, answer, fresh, refusal
from .state import Corp, TokenRow, Wecom

OVERLAP_S = 300  # a token with less to live is not given out again


def routes(sandbox: Sandbox) -> list[Route]:
    """The one call that needs no token."""

    async def gettoken(request: Request) -> Response:
        try:
            with sandbox.world.change():
                state, now = sandbox.world.part(Wecom), sandbox.world.now()
                row = _owner(state, dict(request.query_params), now)
                text = _given_before(state, row, now) or issue(state, row)
                lasts = int(state.tokens[text].ends - now)
            return answer({"errcode": 0, "errmsg": "ok", "access_token": text, "expires_in": lasts})
        except Refused as refused:
            return refusal(refused, request.client.host if request.client else "")

    return [Route("/cgi-bin/gettoken", gettoken, methods=["GET"])]


def issue(state: Wecom, row: TokenRow) -> str:
    """Give out a token."""
    text = fresh() + fresh()
    state.tokens[text] = row
    return text


def _owner(state: Wecom, query: dict[str, str], now: float) -> TokenRow:
    for name, code in (("corpid", 41002), ("corpsecret", 41004)):
        if not query.get(name):
            raise Refused(code, f"{name} missing")
    corp = state.corps.get(query["corpid"])
    if corp is None:
        raise Refused(40013, "invalid corpid")
    kind, agent = _whose(corp, query["corpsecret"])
    return TokenRow(corp.id, kind, agent, now + TOKEN_S)


def _whose(corp: Corp, secret: str) -> tuple[str, int]:
    if secret == corp.contacts_secret:
        return CONTACTS, 0
    if secret == corp.customers_secret:
        return CUSTOMERS, 0
    for app in corp.apps.values():
        if secret == app.secret:
            return APP, app.agent
    raise Refused(40001, "invalid credential")


def _given_before(state: Wecom, row: TokenRow, now: float) -> str:
    """The token given out before, when it still has some time; "" otherwise. Those that are over are swept."""
    for text in [text for text, each in state.tokens.items() if each.ends + TOKEN_S < now]:
        del state.tokens[text]
    if not state.options.same_token_again:
        return ""
    for text, each in state.tokens.items():
        same = (each.corp, each.kind, each.agent) == (row.corp, row.kind, row.agent)
        if same and each.ends - now > OVERLAP_S:
            return text
    return ""
