"""The page that leads to a first federation is typed, line by line, as it stands there."""

import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "first-federation.md"
FILES = r"^```python\n# (\w+\.py)\n(.*?)^```$"
SHOWN = r"^```.*?^```$"
TYPED = r"^ {4}.*$"
PORTS = ("8545", "7711", "7712", "7713")
SECONDS = 240
ENDED = "jobs -p | xargs --no-run-if-empty kill 2> ended"
# The reader sees that the chain is there before he goes on, and copies the address that he is told.
SEES = {
    "> chain.log &": "> chain.log &\nuntil (: < /dev/tcp/127.0.0.1/8545) 2> waiting; do :; done",
    "create plan.toml --peer a": "create plan.toml --peer a | tee created",
    "contract=0x…": r"contract=$(sed -n 's/^contract \(0x\w*\).*/\1/p' created)",
}


@pytest.mark.slow
def test_first_federation__each_line_typed__is_a_model_that_three_agreed_on(tmp_path: Path) -> None:
    text = PAGE.read_text()
    for name, content in re.findall(FILES, text, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(content)
    script = "\n".join(re.findall(TYPED, re.sub(SHOWN, "", text, flags=re.M | re.S), re.MULTILINE))
    for seen, done in SEES.items():
        assert seen in script
        script = script.replace(seen, done)
    for port, free in zip(PORTS, find_free_ports(len(PORTS)), strict=True):
        assert port in script
        script = script.replace(port, free)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = subprocess.run(
        ["bash", "-e", "-c", f"set -o pipefail; trap '{ENDED}' EXIT\n{script}\nwait"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(PAGE.parent.parent)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    logs = [told.stderr, (tmp_path / "b.log").read_text(), (tmp_path / "c.log").read_text()]
    heads = [re.findall(r"act=agreed height=10 head=(0x\w{64})", log) for log in logs]
    assert len(heads[0]) == 1
    assert heads[1] == heads[2] == heads[0]
    assert heads[0][0] in told.stdout
    assert told.stdout.endswith("malignant\n")
    judged = [float(found) for found in re.findall(r"act=judged .* accuracy=(\S+)", told.stderr)]
    assert max(judged) > 0.9


def find_free_ports(number: int) -> list[str]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]
