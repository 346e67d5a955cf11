"""WeCom's codes: what a person can do about each, and which go away by themselves.

Source: developer.work.weixin.qq.com, 全局错误码 (90313). Texts are msgids; whoever shows them translates.
"""

from ..errors import PlatformError

PLATFORM = "wecom"
TOKEN_OVER = frozenset({40014, 42001})  # revoked or expired: fetch another and ask once more
BUSY = frozenset({-1, 45033})  # asked again shortly: the platform did nothing
LIMITED = 45009
PASSING = BUSY | {LIMITED, 6000, 302008}

_SECRET = "Copy the secret again from the WeCom admin console; it may have been reset."
_RANGE = "Widen the app's visible range in the WeCom admin console."
_ASK_AGAIN = "Ask again; the code or ticket is used once and soon over."
_CARD = "The message was put together wrongly; tell the people who look after this system."
_MEMBER = "Correct the member's data and send it again."
_DEPARTMENT = "Correct the department and send it again."
_CUSTOMER = "Check that this member has this customer, and may use customer contact."
_UNKNOWN = "Look the code up in WeCom's list of error codes."

REMEDIES: dict[int, str] = {
    -1: "WeCom is busy; try again shortly.",
    6000: "Somebody changed this at the same time; read it again and repeat.",
    45009: "The limit of calls is reached; wait until it is over.",
    45033: "Too many calls at once; try again shortly.",
    40001: _SECRET,
    40091: _SECRET,
    40013: "Check the corp ID: it stands in the WeCom admin console under My Company.",
    41001: _SECRET,
    41002: "Fill in the corp ID.",
    41004: "Fill in the secret.",
    40014: "The token was revoked; ask again, and check the secret if it comes back.",
    42001: "The token is over; ask again.",
    43009: "Have the company verified in the WeCom admin console.",
    48001: "Give the app this permission in the WeCom admin console.",
    48002: "Give the app this permission; for contacts, switch on editing by API under contact sync.",
    48006: "The permission was taken back after disuse; give it again in the WeCom admin console.",
    48008: "The edit permission covers only some calls; widen it in the WeCom admin console.",
    48009: "New addresses may not read contact details with the contacts secret; read them with a self-built app.",
    50001: "Enter our domain as the app's trusted domain in the WeCom admin console.",
    50002: _RANGE,
    50003: "Enable the app in the WeCom admin console.",
    60011: _RANGE,
    60020: "Enter our server's public address among the app's trusted IPs; it takes about a minute.",
    60021: _RANGE,
    60031: "The app is banned; ask WeCom.",
    301002: "The agent ID belongs to another app; copy agent ID and secret of the same app.",
    301007: "The company is not available; ask WeCom.",
    # departments
    **dict.fromkeys(
        (40066, 60003, 60004, 60123, 60124), "Synchronise departments first; one of them is not there."
    ),
    60005: "Move the members out of the department first.",
    60006: "Delete the departments below first.",
    60007: "The root department stays.",
    60008: "Give the department another name or number; a sibling has it.",
    **dict.fromkeys((60001, 60009, 60125), _DEPARTMENT),
    60010: "A department cannot lie below itself.",
    81001: "There are too many departments.",
    81002: "Departments lie at most 15 levels deep.",
    # members
    **dict.fromkeys(
        (40003, 41009, 41019, 60106, 60110, 60112, 60127, 60132, 60257, 301012, 301013, 301021), _MEMBER
    ),
    45024: "The company has no seat left; remove members or have the number raised.",
    45026: "WeCom guards against deleting many members at once; delete fewer at a time.",
    46004: "The member is not in WeCom; synchronise first.",
    60111: "The member is not in WeCom; synchronise first.",
    60102: "Another member has this account; match the two, or change the login.",
    60103: "Correct the mobile number.",
    60104: "Another member has this mobile number; find out whose it is.",
    60105: "Correct the e-mail address.",
    60129: "Fill in a mobile number or an e-mail address.",
    301005: "The founder of the company in WeCom cannot be deleted.",
    301036: "The account can be changed once only; change the login here instead.",
    # tags and messages
    **dict.fromkeys((40068, 40069, 40070, 40071, 40072, 81003), "Correct the tag."),
    81011: "Only the app that made the tag may change it.",
    81012: _RANGE,
    81013: "None of the recipients is in the app's visible range; widen it, or synchronise first.",
    81014: "Send to fewer people at once.",
    82001: "Name at least one recipient.",
    82002: "Send to fewer departments at once.",
    82003: "Send to fewer tags at once.",
    40056: "Check the agent ID.",
    45002: "Shorten the message.",
    **dict.fromkeys((*range(42014, 42021), *range(42027, 42052)), _CARD),
    42052: "A message can be recalled within 24 hours only.",
    60140: "The card cannot be changed any more; its code is used or over.",
    # media and batches
    **dict.fromkeys((40004, 40005, 40006, 40007), "Upload the file again; files are kept for three days."),
    45001: "Choose a smaller file.",
    40088: "The job is not known; start it again.",
    40089: "The result is gone; WeCom keeps the last five. Read the members again.",
    40092: "The file does not fit the template.",
    302003: "The same account is twice in the file.",
    302004: "The departments in the file do not form a tree.",
    302005: "The import failed; see its rows.",
    302006: "The same department number is twice in the file.",
    302007: "The same department name is twice below one parent in the file.",
    302008: "Another import is running; wait until it is done.",
    # customers
    **dict.fromkeys((40096, 41035, 84061, 84084), _CUSTOMER),
    40097: "The member has not left; use the transfer for members in service.",
    40098: "The member has to confirm their real name in WeCom.",
    40099: "The new owner has as many customers as WeCom allows.",
    **dict.fromkeys((41050, 41051, 41096), "A welcome is sent once, within 20 seconds."),
    41054: "The member has to activate WeCom first.",
    84074: "Give the member the use of customer contact in the WeCom admin console.",
    50100: "Begin reading from the start again.",
    # sign-in
    **dict.fromkeys((40029, 41008, 42003, 42022, 84014, 84015), _ASK_AGAIN),
    91040: _CARD,
    42012: _CARD,
    40093: "The page's signature is wrong; its address must be the one the browser shows.",
    80001: "Enter our domain as the app's trusted domain in the WeCom admin console.",
    # callback settings
    40057: "The callback address does not answer as WeCom wants; see the callback check.",
    43012: "Fill in the callback address.",
    670016: "Correct the contact's mobile number.",
}


def refusal(code: int, text: str) -> PlatformError:
    """The error for a code of WeCom's. A code that is not in the table says so in its remedy."""
    return PlatformError(PLATFORM, str(code), text, REMEDIES.get(code, _UNKNOWN), retry=code in PASSING)
