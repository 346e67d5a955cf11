"""To-dos (待办). All people are named by unionId. Source: DingTalk Open Platform, "To-do"."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.wire import text

_TASK: Final = "/v1.0/todo/users/{}/tasks/{}"


class Priority(IntEnum):
    """DingTalk's four levels."""

    LOW = 10
    NORMAL = 20
    HIGH = 30
    URGENT = 40


@dataclass(frozen=True, slots=True)
class Todo:
    """Something to be done. `source_id` is ours and can be used once, so the same to-do is never made twice."""

    source_id: str
    subject: str  # at most 1024 characters
    url: str
    executors: tuple[str, ...]
    description: str = ""  # at most 4096 characters
    priority: Priority = Priority.NORMAL


def create(client: Client, owner: str, todo: Todo) -> str:
    """The task id. Raises PlatformError `todo.taskCreate.paramError` when `source_id` exists already."""
    body = {
        "sourceId": todo.source_id,
        "subject": todo.subject,
        "description": todo.description,
        "creatorId": owner,
        "executorIds": list(todo.executors),
        "detailUrl": {"appUrl": todo.url, "pcUrl": todo.url},
        "isOnlyShowExecutor": True,
        "priority": int(todo.priority),
        "notifyConfigs": {"dingNotify": "1"},
    }
    query = {"operatorId": owner}
    return text(client.new("POST", "/v1.0/todo/users/{}/tasks", owner, body=body, query=query), "id")


def finish(client: Client, owner: str, task_id: str) -> None:
    """Mark the whole to-do as done."""
    client.new("PUT", _TASK, owner, task_id, body={"done": True}, query={"operatorId": owner})


def finish_for(client: Client, owner: str, task_id: str, executors: Sequence[str]) -> None:
    """Mark it as done for some of its executors."""
    states = [{"id": each, "isDone": True} for each in executors]
    body = {"executorStatusList": states}
    client.new("PUT", f"{_TASK}/executorStatus", owner, task_id, body=body, query={"operatorId": owner})


def delete(client: Client, owner: str, task_id: str) -> None:
    """Take the to-do away."""
    client.new("DELETE", _TASK, owner, task_id, query={"operatorId": owner})
