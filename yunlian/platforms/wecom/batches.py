"""Asynchronous imports 异步批量接口: a spreadsheet is uploaded, a job started, its rows fetched when it is done.

One job per corp at a time (302008). Departments first, then members. Source: developer.work.weixin.qq.com, 异步批量接口.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .client import Client
from .crypto import Box
from .departments import Department
from .members import Member

MEMBER_HEADS = (
    "姓名", "帐号", "手机号", "邮箱", "所在部门", "职位", "性别", "是否部门内领导", "排序", "别名", "地址", "座机", "禁用",
    "禁用项说明：(0-启用;1-禁用)",
)  # fmt: skip
DEPARTMENT_HEADS = ("部门名称", "部门ID", "父部门ID", "排序")
GENDERS = {"1": "男", "2": "女"}


class Kind(StrEnum):
    """What a job does with what is not in its file."""

    SYNC_USERS = "syncuser"  # members absent from the file stay
    REPLACE_USERS = "replaceuser"  # they are deleted; WeCom's guard stops large losses (45026)
    REPLACE_DEPARTMENTS = "replaceparty"  # departments absent are deleted when empty


@dataclass(frozen=True)
class Receiver:
    """Where the end of a job is told, besides asking for it."""

    url: str
    box: Box


@dataclass(frozen=True)
class Row:
    """What became of one row. `id` is an account or a department id.

    `action` of a department has the bits 1 created, 2 renamed, 4 moved, 8 order changed.
    """

    id: str
    code: int
    text: str
    action: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a job is; `rows` are there when it is done."""

    done: bool
    total: int
    percentage: int
    rows: tuple[Row, ...]


def start(client: Client, kind: Kind, media: str, *, invite: bool, receiver: Receiver | None = None) -> str:
    """Start a job with an uploaded file; its id."""
    asked: dict[str, Any] = {"media_id": media}
    if kind is not Kind.REPLACE_DEPARTMENTS:
        asked["to_invite"] = invite
    if receiver is not None:
        asked["callback"] = {
            "url": receiver.url, "token": receiver.box.token, "encodingaeskey": receiver.box.aes_key,
        }  # fmt: skip
    return str(client.post(f"batch/{kind.value}", asked)["jobid"])


def progress(client: Client, job: str) -> Progress:
    """Ask how far a job is. Only the last five are kept (40089)."""
    answer = client.get("batch/getresult", jobid=job)
    rows = tuple(_row(each) for each in answer.get("result") or ())
    return Progress(
        int(answer["status"]) == 3, int(answer.get("total", 0)), int(answer.get("percentage", 0)), rows
    )


def _row(row: dict[str, Any]) -> Row:
    id = str(row["userid"] if "userid" in row else row.get("partyid", ""))
    return Row(id, int(row["errcode"]), str(row.get("errmsg", "")), int(row.get("action", 0)))


def member_file(members: Iterable[Member]) -> bytes:
    """The file of members; empty cells leave fields as they are."""
    return _file(MEMBER_HEADS, (_member(each) for each in members))


def department_file(departments: Iterable[Department]) -> bytes:
    """The file of departments: name, id and parent are needed."""
    rows = ([each.name, each.id, each.parent, each.order or 0] for each in departments)
    return _file(DEPARTMENT_HEADS, rows)


def _member(each: Member) -> list[object]:
    return [
        each.name, each.user, each.mobile, each.email, _joined(each.departments), each.position,
        GENDERS.get(each.gender or "", ""), _joined(None if each.leads is None else map(int, each.leads)),
        _joined(each.orders), each.alias, each.address, each.telephone,
        "" if each.enabled is None else int(not each.enabled), "",
    ]  # fmt: skip


def _joined(values: Iterable[object] | None) -> str:
    return "" if values is None else ";".join(str(each) for each in values)


def _file(heads: tuple[str, ...], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with a mark, as spreadsheets want it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
