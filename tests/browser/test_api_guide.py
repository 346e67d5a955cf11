"""The guide for machines: its examples are one program, and it runs."""

import re
import uuid

import httpx

from tests.running import Installation
from yunlian.edge.place import ROOT

GUIDE = ROOT / "docs" / "guide"


def examples(page: str) -> str:
    """The program on a page, without its comments."""
    blocks = re.findall(r"```python\n(.*?)```", (GUIDE / page).read_text(encoding="utf-8"), re.DOTALL)
    return re.sub(r"  +#.*", "", "\n".join(blocks))


def token(site: Installation) -> str:
    """A credential made by an administrator of the dealer, as the page says."""
    person = next(each for each in site.facts["people"] if each["login"] == "fangning")
    with httpx.Client(base_url=site.base_url) as admin:
        signed = admin.post("/api/session", json={"login": person["login"], "password": person["password"]})
        assert signed.status_code == 200, signed.text
        body = {
            "name": "ERP", "employee": "YUNLIAN",
            "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-12-31T00:00:00Z",
        }  # fmt: skip
        made = admin.post("/api/chain.credential", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])


def test_the_examples_run_and_both_languages_have_the_same(site: Installation) -> None:
    program = examples("api.md")
    assert "assert" in program
    assert program == examples("zh/api.md")
    program = program.replace("http://127.0.0.1:8000", site.base_url).replace("ylc_…", token(site))
    exec(compile(program, "<the examples>", "exec"), {})
