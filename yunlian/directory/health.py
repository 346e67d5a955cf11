"""How a connection is: last callback of each receiver, last sync, token, and how much of the limits is left."""

import datetime as dt
import math
import time
from typing import Any

from yunlian.kernel.sql import run as execute
from yunlian.platforms.dingtalk import api as dingtalk
from yunlian.platforms.pacing import PaceState, drawn
from yunlian.platforms.wecom import client as wecom

from .bodies import shown_moment
from .models import Callback, CallbackAddress, Connection, Installed, Look, Run


def health(conn: Connection, now: dt.datetime) -> dict[str, Any]:
    """Return everything there is to know without asking the platform."""
    last = Run.objects.filter(connection_id=conn.id).order_by("-id").first()
    return {
        "state": conn.state,
        "receivers": [_receiver(conn, each) for each in _addresses(conn)],
        "last_run": last
        and {
            "id": str(last.id),
            "state": last.state,
            "at": shown_moment(last.at),
            "error": last.error or None,
        },
        "synced_at": shown_moment(conn.synced_at),
        "waiting": {
            "callbacks": Callback.objects.filter(connection_id=conn.id, handled_at=None).count(),
            "looks": Look.objects.filter(connection_id=conn.id).count(),
        },
        "tokens": _tokens(conn),
        "quota": _quota(conn),
        "range": _range(conn),
        "market": _market(conn, now),
    }


def _range(conn: Connection) -> dict[str, Any] | None:
    """Return the visible range as it was when a whole plan was last applied: departments by name, and single people."""
    if not conn.seen or conn.direction != "pull":
        return None
    tops, names = conn.seen["tops"], conn.seen["names"]
    return {
        "is_whole": conn.root in tops, "departments": [names.get(key, key) for key in tops],
        "people": len(conn.seen["singles"]),
    }  # fmt: skip


def _market(conn: Connection, now: dt.datetime) -> dict[str, Any] | None:
    """Return how the corp has our app of the marketplace: its state there, and how long it may still be used."""
    if conn.origin != "market":
        return None
    found = Installed.objects.filter(
        suite_key=conn.settings.get("suite_key"), corp_id=conn.corp_id, platform=conn.platform
    ).first()
    if found is None:
        return None
    left = None if found.ends_at is None else max(0, math.ceil((found.ends_at - now) / dt.timedelta(days=1)))
    return {
        "state": found.state, "is_trial": found.is_trial, "ends_at": shown_moment(found.ends_at), "days_left": left,
    }  # fmt: skip


def _addresses(conn: Connection) -> list[CallbackAddress]:
    return list(
        CallbackAddress.objects.filter(enterprise_id=conn.enterprise_id, platform=conn.platform).order_by(
            "receiver"
        )
    )


def _receiver(conn: Connection, address: CallbackAddress) -> dict[str, Any]:
    mine = Callback.objects.filter(connection_id=conn.id, receiver=address.receiver)
    good, bad = mine.filter(fault="").order_by("-id").first(), mine.exclude(fault="").order_by("-id").first()
    return {
        "receiver": address.receiver,
        "verified_at": shown_moment(address.verified_at),
        "last_at": shown_moment(good.at) if good else None,
        "last_event": good.event if good else None,
        "last_fault": {"at": shown_moment(bad.at), "check": bad.fault} if bad else None,
    }


def _tokens(conn: Connection) -> list[dict[str, Any]]:
    """Return the tokens kept for the corp: of which app, and until when; never the token."""
    head = f"{conn.platform}|{conn.corp_id}|"
    rows = execute(
        "SELECT key, expires_at FROM directory_tokenrow WHERE key >= %s AND key < %s AND wrapped IS NOT NULL ORDER BY key",
        [head, head + "\U0010ffff"],
    )
    now = time.time()
    return [
        {
            "app": key.split("|")[2],
            "kind": key.split("|")[3],
            "expires_at": shown_moment(dt.datetime.fromtimestamp(expires, dt.UTC)),
            "is_valid": expires > now,
        }
        for key, expires in rows
    ]


def _quota(conn: Connection) -> list[dict[str, Any]]:
    """Return how many calls of each path could be made at once now, of the first limit that holds for it."""
    # DingTalk counts for each app of a corp, which stands behind the corp in the key.
    head = f"{conn.platform}|{conn.corp_id}"
    rows = execute(
        "SELECT key, at, levels, blocked_until FROM directory_pacerow WHERE key >= %s AND key < %s ORDER BY key",
        [head, head + "\U0010ffff"],
    )
    now, found = time.time(), []
    for key, at, levels, blocked_until in rows:
        path = key.split("|", 2)[2]
        limits = dingtalk.LIMITS if conn.platform == "dingtalk" else wecom.LIMITS_OF.get(path, wecom.LIMITS)
        if len(levels) != len(limits):
            continue
        state, _wait = drawn(PaceState(at, tuple(levels), 0.0), limits, now)
        found.append(
            {
                "path": path,
                "left": max(0, int(min(state.levels) + 1)),
                "per_minute": int(limits[0].calls * 60 / limits[0].per_s),
                "blocked_until": shown_moment(dt.datetime.fromtimestamp(blocked_until, dt.UTC))
                if blocked_until > now
                else None,
            }
        )
    return found
