"""What both gateways have in common: a message, its receipt, the one error, and sending exactly once."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from yunlian.platforms.errors import NO_ANSWER, PlatformError

MAINLAND: Final = re.compile(r"(?:\+86|0086|86)?(1[0-9]{10})")
FOREIGN: Final = re.compile(r"\+(?!86)[1-9][0-9]{5,14}")


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template under an approved signature (签名). `variables` are their names in the template's order."""

    signature: str
    code: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one number. `ref` is ours: it comes back in receipts and finds a message whose answer was lost."""

    phone: str
    template: Template
    values: Mapping[str, str]
    ref: str


class State(StrEnum):
    """What became of a message. Acceptance by the gateway is not delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message. `provider_id` or `ref` may be empty: a gateway does not tell both everywhere.

    `code` is the carrier's, `at` the gateway's text of the moment in China's time.
    """

    provider_id: str
    ref: str
    phone: str
    state: State
    code: str
    at: str


class Fault(StrEnum):
    """Kinds of refusal, by who can do something about it."""

    CONFIG = "config"  # account, signature, template, permission: the administrator
    BALANCE = "balance"  # the administrator pays
    FREQUENCY = "frequency"  # the receiver waits; never sent again by itself
    NUMBER = "number"  # the receiver's number
    CONTENT = "content"  # values the gateway does not send
    TRANSIENT = "transient"  # nothing was sent; tried again
    UNANSWERED = "unanswered"  # perhaps sent


REMEDIES: Final = {
    Fault.CONFIG: "Check the SMS account, signature and template in the gateway's console.",
    Fault.BALANCE: "Top up the SMS account.",
    Fault.FREQUENCY: "This number had too many messages; wait a while.",
    Fault.NUMBER: "Correct the mobile number.",
    Fault.CONTENT: "The gateway does not accept these values; check the template's rules.",
    Fault.TRANSIENT: "The SMS gateway is busy; try again in a minute.",
    Fault.UNANSWERED: "It is not known whether the message was sent; ask the receiver before sending another.",
}


class SmsError(PlatformError):
    """A PlatformError with its kind."""

    def __init__(self, platform: str, code: str, text: str, fault: Fault) -> None:
        super().__init__(platform, code, text, REMEDIES[fault], retry=fault is Fault.TRANSIENT)
        self.fault = fault


class Gateway(Protocol):
    """A gateway; every method raises SmsError."""

    def send(self, message: Message) -> str:
        """Hand a message over, and the gateway's id of it."""

    def find(self, phone: str, ref: str, day: dt.date) -> Receipt | None:
        """The message with that ref, as the gateway has it. `day` is when it was sent, by China's calendar."""


def send_once(gateway: Gateway, message: Message, day: dt.date) -> str:
    """Send, and where the answer is lost look for the message instead of sending it again.

    Returns the gateway's id; empty when only the search knew of the message, whose receipt then carries `ref`.
    Raises SmsError; UNANSWERED when the search found nothing or was lost too.
    """
    try:
        return gateway.send(message)
    except SmsError as error:
        if error.fault is not Fault.UNANSWERED:
            raise
        if found := gateway.find(message.phone, message.ref, day):
            return found.provider_id
        raise


def mainland(phone: str) -> str | None:
    """The eleven digits of a mainland number in any of its spellings; None for others."""
    found = MAINLAND.fullmatch(phone)
    return found[1] if found else None


def e164(phone: str, platform: str) -> str:
    """`+8613800000000`. Raises SmsError (NUMBER) for what is no number."""
    if digits := mainland(phone):
        return f"+86{digits}"
    if FOREIGN.fullmatch(phone):
        return phone
    raise SmsError(platform, "number", "not a mobile number", Fault.NUMBER)


def ordered(message: Message, platform: str) -> list[tuple[str, str]]:
    """Names and values in the template's order. Raises SmsError (CONTENT) when they do not match the template's."""
    if set(message.values) != set(message.template.variables):
        wanted = ", ".join(message.template.variables) or "no values"
        raise SmsError(platform, "values", f"the template takes {wanted}", Fault.CONTENT)
    return [(name, message.values[name]) for name in message.template.variables]


def unanswered(platform: str, fault: Exception) -> SmsError:
    """The error for a request that got no answer."""
    return SmsError(platform, NO_ANSWER, type(fault).__name__, Fault.UNANSWERED)
