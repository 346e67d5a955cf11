"""`python -m bench.sandbox`: WeCom's sandbox in a process of its own; says its address, and ends when its input does."""

import sys

from yunlian.platforms.sandbox.testing import running
from yunlian.platforms.wecom.sandbox import WECOM

if __name__ == "__main__":
    with running([WECOM]) as started:
        print(started.base_url, flush=True)
        sys.stdin.read()
