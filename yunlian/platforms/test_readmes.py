"""The examples of the READMEs run as they stand against a sandbox."""

import re
from pathlib import Path
from typing import Any

import pytest

from yunlian.platforms.dingtalk.sandbox import PLATFORM as DINGTALK
from yunlian.platforms.sandbox.testing import running
from yunlian.platforms.sms.sandbox import PLATFORM as SMS

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        ("dingtalk", ["周明", "name='华东大区'", "60121 This person is no longer"]),
        ("sms", ["^0", "isv.BUSINESS_LIMIT_CONTROL This number had too many messages"]),
    ],
)
def test_examples_run(platform: str, said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = (HERE / platform / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert examples
    with running([DINGTALK, SMS]) as sandbox:
        names: dict[str, Any] = {"BASE_URL": f"{sandbox.base_url}/{platform}"}
        for each in examples:
            exec(compile(each, f"{platform}/README.md", "exec"), names)
    shown = capsys.readouterr().out
    for each in said:
        assert each in shown
