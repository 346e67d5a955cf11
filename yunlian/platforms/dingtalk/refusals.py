"""What DingTalk's refusals mean: which are worth repeating, and what a person can do about the others.

Source: DingTalk Open Platform, "Error codes" and "Call frequency limits" (August 2026).
"""

from typing import Final

from yunlian.platforms.errors import PlatformError

PLATFORM: Final = "dingtalk"

TOKEN_REFUSED: Final = frozenset({"40014", "42001", "InvalidAuthentication", "accesstoken.expired"})
BUSY: Final = frozenset({"-1", "ServiceUnavailable", "server.error"})  # may have been acted on
GONE: Final = frozenset({"60121", "33012"})  # no such user
OUT_OF_RANGE: Final = frozenset({"50002", "50004"})
NO_DEPARTMENT: Final = frozenset({"60003"})
ADDRESS_BLOCKED: Final = "1111"  # our address called 10,000 times in 20 s

_FORBIDDEN: Final = "Forbidden.AccessDenied."
# Seconds to wait after a refusal for too many calls. Nothing was done, so any call may be repeated.
THROTTLED: Final = {
    **{str(code): 2.0 for code in (*range(90001, 90015), 90018)},
    "143103": 60.0,
    "143104": 60.0,
    **{_FORBIDDEN + name: 2.0 for name in (
        "QpsLimitForApi", "QpsLimitForAppkeyAndApi", "QpsLimitForSuitekeyAndOrgAndApi",
    )},
    **{_FORBIDDEN + name: 60.0 for name in ("QpmLimitForAppkeyAndApi", "QpmLimitForSuitekeyAndOrgAndApi")},
    ADDRESS_BLOCKED: 300.0,
}  # fmt: skip

_REMEDIES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Check the app's key and secret against DingTalk's developer console.",
     ("40013", "40089", "40096", "33001", "invalidClientIdOrSecret", "invalid.client", "invalidSuiteKey",
      "853003", "853004")),
    ("Set this server's clock; it is more than a minute off.", ("853001", "853002")),
    ("Push the suite ticket again from DingTalk's developer console.", ("invalidSuiteTicket", "no-suite-ticket")),
    ("Install the app in this enterprise's DingTalk, or authorise it again.",
     ("40079", "41030", "41031", "invalidAuthInfo", "unauthorized.client", "orgNotAuthApp", "orgNotExist")),
    ("Sign in again; the code was used already or is too old.",
     ("40078", "41007", "invalidCode", "invalidParameter.authCode.notFound")),
    ("Apply for this permission in DingTalk's developer console.",
     ("43007", "60011", _FORBIDDEN + "AccessTokenPermissionDenied")),
    ("Add this server's address to the app's outgoing addresses (服务器出口IP) in DingTalk's developer console.",
     ("60020", _FORBIDDEN + "IpNotInWhiteList")),
    ("Widen the app's visible range in DingTalk's admin console.", tuple(OUT_OF_RANGE)),
    ("This person is no longer in the enterprise's DingTalk.", tuple(GONE)),
    ("This department is no longer in the enterprise's DingTalk.", tuple(NO_DEPARTMENT)),
    ("The enterprise's DingTalk calls of this month are used up; order more or wait for the next month.",
     ("90020", _FORBIDDEN + "ApiCountLimitForOrg")),
    ("Check the callback's address, Token and AES key.",
     (*map(str, range(71006, 71014)), *map(str, range(400040, 400055)), *map(str, range(900001, 900011)))),
    ("Correct the mobile number.", ("40103", "40104")),
    ("This to-do exists already.", ("todo.taskCreate.paramError",)),
    ("Wait until the platform's limit is over.", tuple(THROTTLED)),
    ("Wait a little and try again.", (*BUSY, *TOKEN_REFUSED)),
)  # fmt: skip
_BY_CODE: Final = {code: remedy for remedy, codes in _REMEDIES for code in codes}
_ELSE: Final = "Report the code and the text to support."


def refusal(code: str, text: str) -> PlatformError:
    """The typed error for a code of either API generation; for wrapper 88 pass its sub-code."""
    retry = code in THROTTLED or code in BUSY
    return PlatformError(PLATFORM, code, text, _BY_CODE.get(code, _ELSE), retry=retry)
