"""Asynchronous exports 异步导出接口: WeCom writes a corp's people or departments into sealed files, which we fetch and open.

For corps so large that reading page by page takes too long. The key is ours, made for one job. Source:
developer.work.weixin.qq.com, 异步导出接口 (94849 to 94854); whether a file holds the bare list or an object around it is
unconfirmed, so both are read.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..errors import UNREADABLE, PlatformError
from . import departments, members
from .client import Client, fetched
from .crypto import CallbackRefused, unsealed
from .departments import Department
from .members import Member
from .refusals import PLATFORM

SMALLEST_BLOCK, LARGEST_BLOCK = 10_000, 1_000_000


class Kind(StrEnum):
    """What is exported."""

    NAMES = "simple_user"  # account, name and departments
    MEMBERS = "user"  # with all the caller may see
    DEPARTMENTS = "department"
    TAG = "taguser"  # the members and departments of one tag


@dataclass(frozen=True)
class File:
    """One sealed file of a job; `size` in bytes, `md5` in hex, both of what is fetched."""

    url: str
    size: int
    md5: str


@dataclass(frozen=True)
class Progress:
    """How far a job is; `files` are there when it is done. `failed`: WeCom could not do it; begin again."""

    done: bool
    failed: bool
    files: tuple[File, ...]


@dataclass(frozen=True)
class Tagged:
    """Who carries a tag."""

    users: tuple[str, ...]
    departments: tuple[int, ...]


def start(
    client: Client, kind: Kind, aes_key: str, *, block: int = LARGEST_BLOCK, tag: int | None = None
) -> str:
    """Start a job whose files are sealed with `aes_key`, 43 letters and digits; its id. `block`: rows in a file."""
    asked: dict[str, Any] = {"encoding_aeskey": aes_key, "block_size": block}
    if tag is not None:
        asked["tagid"] = tag
    return str(client.post(f"export/{kind.value}", asked)["jobid"])


def progress(client: Client, job: str) -> Progress:
    """Ask how far a job is."""
    answer = client.get("export/get_result", jobid=job)
    files = tuple(
        File(row["url"], int(row["size"]), str(row["md5"]).lower()) for row in answer.get("data_list") or ()
    )
    status = int(answer["status"])
    return Progress(status == 2, status == 3, files)


def people(client: Client, file: File, aes_key: str) -> Iterator[Member]:
    """The members of one file, of an export of names or of members."""
    for row in _rows(_opened(client, file, aes_key), "userlist"):
        yield members.read(row)


def tree(client: Client, file: File, aes_key: str) -> Iterator[Department]:
    """The departments of one file."""
    for row in _rows(_opened(client, file, aes_key), "department"):
        yield departments.read(row)


def tagged(client: Client, file: File, aes_key: str) -> Tagged:
    """Who carries the tag, of one file."""
    found = _opened(client, file, aes_key)
    users = [row["userid"] for row in _rows(found, "userlist")]
    places = found.get("partylist") or () if isinstance(found, dict) else ()
    return Tagged(tuple(users), tuple(int(each) for each in places))


def _rows(found: Any, name: str) -> list[dict[str, Any]]:
    rows = found.get(name) if isinstance(found, dict) else found
    return list(rows or ())


def _opened(client: Client, file: File, aes_key: str) -> Any:
    """Fetch a file and open it. Raises PlatformError when it is not what was announced, or not sealed with our key."""
    content = fetched(client.connection.http, file.url)
    if len(content) != file.size or hashlib.md5(content, usedforsecurity=False).hexdigest() != file.md5:
        raise _unreadable(f"{len(content)} bytes came, {file.size} were announced, or they differ")
    try:
        return json.loads(unsealed(aes_key, content))
    except (CallbackRefused, ValueError) as error:
        raise _unreadable(str(error)) from error


def _unreadable(text: str) -> PlatformError:
    return PlatformError(
        PLATFORM, UNREADABLE, text, "Export again; the file is not what WeCom announced.", retry=True
    )
