"""One person at work: an ordinary client of the ordinary HTTP interface, whose every write can be repeated.

Writes carry an Idempotency-Key made from the name of the act in the story, so that a load that was cut short goes on
where it stopped: what was done answers as it did then, what was not is done.
"""

import contextlib
import json
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from .people import Person

STORY = uuid.UUID("5b6f1c1e-6e0b-4a5e-9f0e-2a6f4f1c7d10")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PATIENCE_S = 60

Data = dict[str, Any]


class DemoError(Exception):
    """The server did not do what the story needs; the message holds its reasons."""


class Notebook:
    """What was pulled so far, by act: asked again after the document was made, nothing is open any more."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier load noted down; a line that was cut short was not noted."""
        self.path, self.lock, self.noted = path, threading.Lock(), dict[str, Data]()
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            with contextlib.suppress(ValueError):
                self.noted.update(json.loads(line))

    def note(self, act: str, body: Data) -> None:
        """Keep a body before it is sent."""
        with self.lock, self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({act: body}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Throw the notes away: the load came to its end."""
        self.path.unlink(missing_ok=True)


class Desk:
    """A signed-in person. `acts` counts requests, for the summary."""

    def __init__(self, base_url: str, person: Person, notebook: Notebook) -> None:
        """Sign in and enter the person's enterprise."""
        self.person, self.notebook = person, notebook
        self.acts = 0
        self.http = httpx.Client(
            base_url=base_url, timeout=30, trust_env=False, headers={"Accept-Language": "zh-Hans"}
        )
        self.call("POST", "/api/session", {"login": person.login, "password": person.password})
        self.call("PUT", "/api/session/enterprise", {"enterprise": person.company})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def call(self, method: str, path: str, body: Data | bytes | None = None, act: str = "") -> Any:
        """Send one request; `act` names a write in the story. Raises DemoError with the server's problems."""
        headers = {"Idempotency-Key": str(uuid.uuid5(STORY, f"{self.person.company}/{act}"))} if act else {}
        content: dict[str, Any] = {"json": body} if isinstance(body, dict) else {}
        if isinstance(body, bytes):
            content = {"content": body}
            headers["Content-Type"] = XLSX
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.acts += 1
            answer = self.http.request(method, path, headers=headers, **content)
            if answer.status_code not in {429, 503} or time.monotonic() > deadline:
                break
            time.sleep(min(float(answer.headers.get("Retry-After", "1")), 5))
        if answer.is_error:
            raise DemoError(
                f"{self.person.login}: {method} {path} → {answer.status_code} {answer.text[:800]}"
            )
        return answer.json() if answer.content else None

    def get(self, path: str, **query: str) -> Any:
        """Read something."""
        return self.call("GET", path + (f"?{httpx.QueryParams(query)}" if query else ""))

    def rows(self, code: str, **query: str) -> list[Data]:
        """List every row of a code, page after page."""
        found: list[Data] = []
        cursor = ""
        while True:
            page = self.get(f"/api/{code}", limit="200", **query, **({"cursor": cursor} if cursor else {}))
            found += page["rows"]
            cursor = page.get("next") or ""
            if not cursor:
                return found

    def create(self, code: str, body: Data, act: str) -> Data:
        """Make a document or a master."""
        return dict(self.call("POST", f"/api/{code}", body, act))

    def change(self, code: str, body: Data, act: str) -> Data:
        """Write a whole document back."""
        return dict(self.call("PUT", f"/api/{code}/{body['id']}", body, act))

    def step(self, code: str, document: Data, step: str, act: str, /, **given: Any) -> Data:
        """Move a document."""
        return dict(self.call("POST", f"/api/{code}/{document['id']}/{step}", given, f"{act}/{step}"))

    def push(self, code: str, document: Data, target: str, act: str, /, **changes: Any) -> Data:
        """Make the next document of all that is open in this one, with some fields set."""
        return self.pull(code, {"docs": [document["id"]]}, target, act, **changes)

    def pull(self, code: str, chosen: Data, target: str, act: str, /, **changes: Any) -> Data:
        """Make a document of chosen lines, `{"lines": {id: quantity}}`, or of whole documents, `{"docs": [id]}`."""
        key = f"{self.person.company}/{act}"
        made = self.notebook.noted.get(key)
        if made is None:
            made = self.call("POST", f"/api/{target}/pull/{code}", chosen)
            self.notebook.note(key, made)
        return self.create(target, {**made, **changes}, act)

    def until(self, path: str, ready: Any, what: str) -> Any:
        """Ask again until `ready(answer)`; the chain and the worker take a moment. Raises DemoError."""
        deadline = time.monotonic() + PATIENCE_S
        while not ready(answer := self.get(path)):
            if time.monotonic() > deadline:
                raise DemoError(f"{self.person.login}: waited {PATIENCE_S} s for {what}")
            time.sleep(0.15)
        return answer

    def upload(self, code: str, data: bytes, act: str) -> Data:
        """Import a spreadsheet and wait for the job. Raises DemoError naming the first bad rows."""
        job = self._imported(code, data, act)
        if job["state"] != "done":  # perhaps the answer to an earlier load: what it lacked may be there now
            job = self._imported(code, data, "")
        if job["state"] != "done":
            errors = (job.get("result") or {}).get("errors") or []
            raise DemoError(f"{act}: {job['state']} {job.get('error') or ''} {errors[:5]}")
        return dict(job["result"])

    def _imported(self, code: str, data: bytes, act: str) -> Data:
        job = self.call("POST", f"/api/{code}/import", data, act)["job"]
        over = {"done", "failed", "cancelled"}
        return dict(
            self.until(f"/api/jobs/{job['id']}", lambda each: each["state"] in over, f"an import of {code}")
        )
