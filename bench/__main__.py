"""`python -m bench`: measure everything, print a table, write var/bench.json. QUICK=1 does all of it smaller."""

import json
import os
import sys
from collections.abc import Iterator

from bench.ground import Ground, ground
from bench.measure import Result
from yunlian.edge.place import VAR

QUICK = os.environ.get("QUICK", "") not in ("", "0")


def measured(where: Ground) -> Iterator[Result]:
    """Run the measurements, one after the other; the words of the command line choose some of them."""
    from bench import directory, http, lists, post, way

    chosen = set(sys.argv[1:])

    def wanted(*names: str) -> bool:
        return not chosen or bool(chosen & set(names))

    floor_ms = 0.0
    if wanted("post_order", "post_statements", "http_order_1", "http_order_4"):
        for result in post.post_order(post.desk(1), 150 if QUICK else 600):
            floor_ms = floor_ms or result.floor or 0.0
            yield result
    if wanted("http_order_1", "http_order_4"):
        yield from http.http_orders(where, 80 if QUICK else 400, floor_ms)
    if wanted("round_trip", "lane_messages"):
        yield from way.way(3 if QUICK else 10, 200 if QUICK else 2_000)
    if wanted("sync_apply", "sync_plan", "callback_accept"):
        yield from directory.directory(2_000 if QUICK else 20_000, 300 if QUICK else 2_000, where)
    if wanted("list_million", "search_million"):
        orders, neighbours = (50_000, 20) if QUICK else (1_000_000, 200)
        yield from lists.lists(1_000, orders, neighbours, 60 if QUICK else 200)
    if wanted("post_history"):
        yield post.post_history(10, 100_000 if QUICK else 1_000_000, 100 if QUICK else 400)


def main() -> int:
    """Print each figure as it is ready."""
    results = []
    print(f"{'':<18}{'ours':>12} {'floor':>12} {'ratio':>8}  unit")
    with ground() as where:
        for result in measured(where):
            floor = "" if result.floor is None else f"{result.floor:,.2f}"
            ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
            print(
                f"{result.name:<18}{result.value:>12,.2f} {floor:>12} {ratio:>8}  {result.unit:<12} {result.note}",
                flush=True,
            )
            results.append(result)
    kept = {r.name: {"value": r.value, "unit": r.unit, "floor": r.floor, "ratio": r.ratio} for r in results}
    VAR.mkdir(exist_ok=True)
    (VAR / "bench.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
