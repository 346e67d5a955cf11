"""Tables of directory sync: connections and what they know, runs and their changes, decisions, callbacks, hand-overs."""

from .connection import (
    CONNECTION_STATES,
    DIRECTIONS,
    ORIGINS,
    PLATFORMS,
    CallbackAddress,
    Connection,
    Territory,
)
from .limits import PaceRow, TokenRow
from .marketplace import Arrival, Installed, Suite
from .match import KINDS, Match
from .notice import NOTICE_STATES, Notice
from .person import HANDOVER_STATES, PASSING_STATES, Ask, Guest, Handover, Passing
from .report import RECEIVERS, Callback, Look
from .run import ACTS, CHANGE_STATES, RUN_STATES, TRIGGERS, Change, Decision, Run, Seen

__all__ = (
    "ACTS",
    "CHANGE_STATES",
    "CONNECTION_STATES",
    "DIRECTIONS",
    "HANDOVER_STATES",
    "KINDS",
    "NOTICE_STATES",
    "ORIGINS",
    "PASSING_STATES",
    "PLATFORMS",
    "RECEIVERS",
    "RUN_STATES",
    "TRIGGERS",
    "Arrival",
    "Ask",
    "Callback",
    "CallbackAddress",
    "Change",
    "Connection",
    "Decision",
    "Guest",
    "Handover",
    "Installed",
    "Look",
    "Match",
    "Notice",
    "PaceRow",
    "Passing",
    "Run",
    "Seen",
    "Suite",
    "Territory",
    "TokenRow",
)
