"""Lists: every row once, in order, whatever the page size; filters, searches and what is refused."""

import datetime as dt
import json

import pytest

from yunlian.kernel import listing
from yunlian.kernel.document import Invalid, find_document
from yunlian.kernel.listing import Query
from yunlian.kernel.scope import Context
from yunlian.kernel.testing import make

pytestmark = pytest.mark.django_db
CODE = "org.employee"
NAMES = ("张伟", "王芳", "李娜", "刘洋", "陈静", "杨丽", "赵敏")


@pytest.fixture
def people(ctx: Context) -> list[str]:
    made = []
    for n, name in enumerate(NAMES):
        hired = None if n % 3 == 0 else (dt.date(2020, 1, 1) + dt.timedelta(days=n // 2)).isoformat()
        made.append(
            str(make(CODE, ctx, code=f"E{n:03}", name=name, mobile=f"1390000000{n}", hired_on=hired).pk)
        )
    return made


def rows(ctx: Context, **query: object) -> list[dict[str, object]]:
    page = listing.page(find_document(CODE), ctx, Query(**query))  # type: ignore[arg-type]
    return [json.loads(row) for row in page.rows]


@pytest.mark.parametrize(
    "sort", ["code", "-code", "hired_on", "-hired_on,code", "hired_on,-name", "is_active,-code"]
)
@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_pages_hold_every_row_once_and_in_order(
    ctx: Context, people: list[str], sort: str, limit: int
) -> None:
    whole = [row["id"] for row in rows(ctx, sort=sort, limit=200)]
    paged: list[object] = []
    cursor: str | None = ""
    while cursor is not None:
        page = listing.page(find_document(CODE), ctx, Query(sort=sort, limit=limit, cursor=cursor))
        paged += [json.loads(row)["id"] for row in page.rows]
        cursor = page.next
    assert paged == whole
    assert set(people) < set(paged)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([["code", "=", "e001"]], ["王芳"]),
        ([["code", "in", ["E001", "E003"]]], ["王芳", "刘洋"]),
        ([["code", "starts", "E00"], ["name", "contains", "丽"]], ["杨丽"]),
        ([["code", ">=", "E005"], ["code", "<", "E006"]], ["杨丽"]),
        ([["code", "starts", "E00"], ["hired_on", "empty"]], ["张伟", "刘洋", "赵敏"]),
        ([["code", "starts", "E00"], ["hired_on", "<=", "2020-01-01"]], ["王芳"]),
        ([{"or": [["code", "=", "E000"], ["name", "=", "赵敏"]]}], ["张伟", "赵敏"]),
        ([["name", "contains", "%"]], []),
    ],
)
def test_filters_keep_what_they_say(
    ctx: Context, people: list[str], conditions: list[object], found: list[str]
) -> None:
    assert [row["name"] for row in rows(ctx, sort="code", filter=json.dumps(conditions))] == found


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "["},
        {"filter": '[["nothing","=","1"]]'},
        {"filter": '[["hired_on","=","soon"]]'},
        {"filter": '[["hired_on","contains","2020"]]'},
        {"filter": '[["department","like","x"]]'},
        {"filter": '{"or":[]}'},
        {"sort": "nothing"},
        {"sort": "department"},
        {"columns": "code,nothing"},
        {"cursor": "garbage"},
        {"cursor": "WyJhIl0="},
    ],
)
def test_what_a_list_cannot_do_is_named(ctx: Context, people: list[str], query: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        rows(ctx, **query)
    assert refused.value.problems[0].field in query


@pytest.mark.parametrize("text", ["王芳", "wf", "WF", "13900000001", "E001", "e001"])
def test_a_piece_of_name_code_initials_or_number_finds_the_row(
    ctx: Context, people: list[str], text: str
) -> None:
    assert "王芳" in [row["name"] for row in rows(ctx, search=text)]
    assert "赵敏" not in [row["name"] for row in rows(ctx, search=text)]


def test_a_total_counts_what_the_filter_keeps(ctx: Context, people: list[str]) -> None:
    query = Query(filter=json.dumps([["code", "starts", "E00"]]))
    assert listing.total(find_document(CODE), ctx, query)["count"] == len(people)


def test_limits_and_unknown_parameters_are_refused_together() -> None:
    with pytest.raises(Invalid) as refused:
        listing.read_query({"limit": "1000", "where": "x"})
    assert {problem.field for problem in refused.value.problems} == {"limit", "where"}
    assert listing.read_query({"limit": "200"}).limit == 200
