"""The examples of the READMEs run, in their order, against the sandbox."""

import re
from pathlib import Path

import pytest

from .sandbox.testing import running
from .serve import PLATFORMS

HERE = Path(__file__).parent
READMES = sorted(HERE.rglob("README.md"))


@pytest.mark.parametrize("readme", READMES, ids=lambda each: str(each.relative_to(HERE)))
def test_the_examples_run(readme: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    with running(PLATFORMS) as started:
        whole = "\n".join(blocks).replace("http://127.0.0.1:8090", started.base_url)
        exec(compile(whole, str(readme), "exec"), {})
