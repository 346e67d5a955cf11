"""The one error of every platform: what it said, and what a person can do about it."""

NO_ANSWER = "no-answer"  # the request may or may not have been acted on
UNREADABLE = "unreadable"  # an answer that is not the platform's: a proxy, a captive portal
PACED = "paced"  # held back by us, under the platform's own limits


class PlatformError(Exception):
    """A platform refused, or could not be asked.

    `code` is the platform's own, as text ("40014", "Forbidden.AccessDenied"), or one of the three above. `text` is
    what the platform said, for the log and the expert. `remedy` is a short English msgid that a person can act on;
    whoever shows it translates it. `retry` says that the same call may go well later with nobody doing anything;
    with NO_ANSWER that is only safe where the call may happen twice.
    """

    def __init__(self, platform: str, code: str, text: str, remedy: str, *, retry: bool) -> None:
        super().__init__(f"{platform} {code}: {text}")
        self.platform = platform
        self.code = code
        self.text = text
        self.remedy = remedy
        self.retry = retry
