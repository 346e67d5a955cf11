"""The core of the sandbox with a platform of three paths: faults, callbacks, keeping, control."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import control
from .callbacks import Delivery, local
from .faults import Fault, Kind, Where, switch_on
from .platform import Platform, Sandbox
from .testing import Received, Running, receiver, running


@dataclass
class Toy:
    count: int = 0
    names: list[str] = field(default_factory=list)


def _routes(sandbox: Sandbox) -> list[Route]:
    async def add(request: Request) -> Response:
        with sandbox.world.change():
            toy = sandbox.world.part(Toy)
            toy.count += 1
            toy.names.append((await request.body()).decode())
        return JSONResponse({"count": toy.count})

    return [Route("/v1/add", add, methods=["POST"])]


def _control(sandbox: Sandbox) -> list[Route]:
    def call(asked: dict[str, str]) -> dict[str, str]:
        sandbox.courier.post(delivery(asked["url"], asked["about"]))
        return {}

    return [control.posted("/call", call)]


def delivery(url: str, about: str) -> Delivery:
    def request(faults: frozenset[Kind]) -> httpx.Request:
        sign = "bad" if Kind.WRONG_SIGNATURE in faults else "good"
        return httpx.Request("POST", local(url), params={"sign": sign}, content=about)

    def complaint(answer: httpx.Response) -> str:
        return "" if answer.status_code == 200 else f"answered {answer.status_code}"

    return Delivery("toy", "main", about, request, complaint, timeout_s=0.3, attempts=3, pause_s=0.01)


TOY = Platform(
    name="toy",
    state=Toy,
    routes=_routes,
    control=_control,
    throttled=lambda fault, _path: JSONResponse({"error": fault.code or "busy"}),
    page=Path(__file__).with_name("page"),
)


@pytest.fixture
def toy() -> Iterator[Running]:
    with running([TOY]) as started:
        yield started


def add(toy: Running, name: str = "a", timeout_s: float = 5) -> httpx.Response:
    return httpx.post(f"{toy.base_url}/toy/v1/add", content=name, timeout=timeout_s, trust_env=False)


def fault(toy: Running, kind: Kind, where: Where = Where.ANSWER, **more: object) -> int:
    return switch_on(toy.sandbox.world, Fault("toy", where, kind, **more))  # type: ignore[arg-type]


def test_answers_on_the_real_path_and_keeps_a_journal(toy: Running) -> None:
    assert add(toy).json() == {"count": 1}
    entry = toy.sandbox.world.journal[-1]
    assert (entry.what, entry.status, entry.said) == ("POST /v1/add", 200, '{"count":1}')


def test_a_slow_answer_comes_all_the_same(toy: Running) -> None:
    fault(toy, Kind.SLOW, seconds=0.3)
    began = time.monotonic()
    assert add(toy).json() == {"count": 1}
    assert time.monotonic() - began >= 0.3


def test_a_lost_answer_was_acted_on(toy: Running) -> None:
    fault(toy, Kind.LOST, seconds=1)
    with pytest.raises(httpx.ReadTimeout):
        add(toy, timeout_s=0.2)
    assert toy.sandbox.world.part(Toy).count == 1


def test_a_doubled_request_is_acted_on_twice(toy: Running) -> None:
    fault(toy, Kind.DOUBLED, times=1)
    assert add(toy, "x").json() == {"count": 2}
    assert toy.sandbox.world.part(Toy).names == ["x", "x"]
    assert add(toy, "y").json() == {"count": 3}


def test_down_and_throttled_do_nothing(toy: Running) -> None:
    fault(toy, Kind.DOWN, times=1)
    fault(toy, Kind.THROTTLED, times=2, code="45009")
    assert add(toy).status_code == 502
    assert add(toy).json() == {"error": "45009"}
    assert toy.sandbox.world.part(Toy).count == 0
    assert add(toy).json() == {"count": 1}


def test_a_fault_hits_its_path_only(toy: Running) -> None:
    fault(toy, Kind.DOWN, path="/v2/*")
    assert add(toy).json() == {"count": 1}
    fault(toy, Kind.DOWN, path="/v1/*")
    assert add(toy).status_code == 502


def test_callbacks_arrive_in_order_and_are_repeated_until_accepted(toy: Running) -> None:
    refusals = [500, 500]

    def answer(received: Received) -> tuple[int, str]:
        return (refusals.pop() if refusals and received.body == b"one" else 200), ""

    with receiver(answer) as ours:
        for about in ("one", "two"):
            toy.control("/toy/call", url=ours.url, about=about)
        toy.settle()
        bodies = [each.body for each in ours.got]
    assert bodies.count(b"one") == 3
    assert bodies.count(b"two") == 1


def test_a_callback_is_given_up_after_its_attempts(toy: Running) -> None:
    with receiver(lambda _: (500, "")) as ours:
        toy.control("/toy/call", url=ours.url, about="one")
        toy.settle()
        assert len(ours.got) == 3
    assert toy.sandbox.world.journal[-1].said == "answered 500 (attempt 3 of 3)"


def test_a_receiver_that_is_too_slow_is_cut_and_asked_again(toy: Running) -> None:
    naps = [0.6]

    def answer(_: Received) -> tuple[int, str]:
        time.sleep(naps.pop() if naps else 0)
        return 200, ""

    with receiver(answer) as ours:
        toy.control("/toy/call", url=ours.url, about="one")
        toy.settle()
        assert len(ours.got) == 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.LOST, ["two"]),
        (Kind.DOUBLED, ["one", "one", "two"]),
        (Kind.REORDERED, ["two", "one"]),
        (Kind.LATE, ["two", "one"]),
    ],
)
def test_faults_of_callbacks(toy: Running, kind: Kind, expected: list[str]) -> None:
    fault(toy, kind, Where.CALLBACK, times=1, seconds=0.5)
    with receiver(lambda _: (200, "")) as ours:
        for about in ("one", "two"):
            toy.sandbox.courier.post(delivery(ours.url, about))
        toy.settle()
        assert [each.body.decode() for each in ours.got] == expected


def test_a_wrong_signature_is_made_by_the_platform(toy: Running) -> None:
    fault(toy, Kind.WRONG_SIGNATURE, Where.CALLBACK, times=1)
    with receiver(lambda _: (200, "")) as ours:
        for about in ("one", "two"):
            toy.control("/toy/call", url=ours.url, about=about)
        toy.settle()
        assert [each.query["sign"] for each in ours.got] == ["bad", "good"]


def test_a_fault_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault of"):
        Fault("toy", Where.ANSWER, Kind.WRONG_SIGNATURE)
    assert Fault("toy", Where.CALLBACK, Kind.WRONG_SIGNATURE).kind is Kind.WRONG_SIGNATURE


def test_faults_are_switched_by_the_control(toy: Running) -> None:
    id = toy.control("/faults", platform="toy", where="answer", kind="down", times=5)["id"]
    (on,) = httpx.get(f"{toy.base_url}/sandbox/api/faults", trust_env=False).json()
    assert on == {
        "platform": "toy", "where": "answer", "kind": "down", "path": "*", "times": 5, "seconds": 3.0, "code": "",
        "id": id,
    }  # fmt: skip
    assert add(toy).status_code == 502
    toy.control("/faults/off", ids=[id])
    assert add(toy).json() == {"count": 1}
    wrong = {"platform": "toy", "where": "answer", "kind": "wrong-signature"}
    url = f"{toy.base_url}/sandbox/api/faults"
    assert httpx.post(url, json=wrong, trust_env=False).status_code == 422


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with running([TOY], tmp_path) as first:
        add(first, "张三")
        switch_on(first.sandbox.world, Fault("toy", Where.ANSWER, Kind.DOWN, path="/v2/*"))
        first.control("/time", advance_s=3600)
    with running([TOY], tmp_path) as second:
        assert second.sandbox.world.part(Toy) == Toy(1, ["张三"])
        assert [each.path for each in second.sandbox.world.shared.faults] == ["/v2/*"]
        assert second.sandbox.world.now() - time.time() == pytest.approx(3600, abs=5)
        second.control("/reset")
        assert second.sandbox.world.part(Toy) == Toy()


def test_it_is_kept_while_running(tmp_path: Path) -> None:
    with running([TOY], tmp_path) as first:
        add(first)
        end = time.monotonic() + 5
        while not (tmp_path / "toy.json").exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert (tmp_path / "toy.json").read_bytes() == b'{"count":1,"names":["a"]}'


def test_a_state_of_another_version_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text('{"count": "many"}')
    with running([TOY], tmp_path) as started:
        assert started.sandbox.world.part(Toy) == Toy()
        assert add(started).json() == {"count": 1}
    assert (tmp_path / "toy.unreadable.json").read_text() == '{"count": "many"}'


def test_the_control_hears_no_strange_site(toy: Running) -> None:
    url = f"{toy.base_url}/sandbox/api/reset"
    form = httpx.post(url, data={"a": "b"}, trust_env=False)
    assert (form.status_code, form.json()) == (422, {"error": "send application/json"})
    rebound = httpx.post(url, json={}, headers={"host": "evil.example"}, trust_env=False)
    assert rebound.status_code == 400
    assert httpx.post(url, json={}, trust_env=False).status_code == 200


def test_the_sandbox_calls_only_this_machine() -> None:
    for strange in ("http://192.0.2.1/x", "http://example.com/", "file:///etc/passwd", "nonsense"):
        with pytest.raises(ValueError, match=r"the sandbox calls only|no http address"):
            local(strange)
    for ours in ("http://127.0.0.1:8000/x", "http://localhost/x", "http://[::1]:8000/"):
        assert local(ours) == ours
