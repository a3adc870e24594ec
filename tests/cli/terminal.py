"""A person at a terminal: types, reads what appears, presses Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time
from types import TracebackType

CTRL_C, CTRL_D = "\x03", "\x04"
OURS = (sys.executable, "-m", "llm7router")


class Terminal:
    """Runs `llm7router`, or another program, on a pseudo-terminal of its own: Ctrl-C is what it is for a person."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None, program: tuple[str, ...] = OURS) -> None:
        self._side, other = pty.openpty()
        self.process = subprocess.Popen(
            [*program, *arguments], stdin=other, stdout=other, stderr=other,
            env={**os.environ, "TERM": "dumb", **(env or {})}, start_new_session=True, preexec_fn=_controlling,
        )  # fmt: skip
        os.close(other)
        self.seen, self._read_to = "", 0

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._side, text.encode())

    def wait_for(self, text: str, within_s: float = 30.0) -> None:
        """Read until `text` appears after what was waited for last."""
        deadline = time.monotonic() + within_s
        while (found := self.seen.find(text, self._read_to)) < 0:
            assert time.monotonic() < deadline, f"{text!r} did not appear; the screen shows: {self.seen}"
            if select.select([self._side], [], [], 0.05)[0]:
                piece = self._read()
                assert piece, f"the program ended before {text!r} appeared; the screen shows: {self.seen}"
                self.seen += piece
        self._read_to = found + len(text)

    def exit_code(self, within_s: float = 10.0) -> tuple[int, float]:
        """The exit code, and how many seconds it took to end."""
        began = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() - began < within_s, f"it goes on; the screen shows: {self.seen}"
            if select.select([self._side], [], [], 0.01)[0]:
                self.seen += self._read()
        took = time.monotonic() - began
        self.screen()
        return self.process.returncode, took

    def screen(self) -> str:
        """All that appeared so far."""
        while select.select([self._side], [], [], 0)[0] and (piece := self._read()):
            self.seen += piece
        return self.seen

    def _read(self) -> str:
        try:
            return os.read(self._side, 65536).decode("utf-8", "replace")
        except OSError:  # the program is gone
            return ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._side)


def _controlling() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
