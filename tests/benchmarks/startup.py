"""Start-up of the command against what it is made of: `python -m tests.benchmarks.startup`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

CASES = {
    "python -c 'import click, rich'": [sys.executable, "-c", "import click, rich"],
    "llm7router --help": [sys.executable, "-m", "llm7router", "--help"],
    "llm7router validate": [sys.executable, "-m", "llm7router", "validate"],
    "llm7router route": [sys.executable, "-m", "llm7router", "route", "Hello"],
    "python -c 'import litellm'": [sys.executable, "-c", "import os; os.environ['LITELLM_LOCAL_MODEL_COST_MAP']='True'; import litellm"],
}  # fmt: skip
ROUNDS = 7


def main() -> None:
    """Print medians over interleaved rounds, as ratios to the first."""
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, command in CASES.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - began)
    base = statistics.median(next(iter(times.values())))
    for name, values in times.items():
        print(f"{name:32} {statistics.median(values) * 1e3:7.0f} ms  {statistics.median(values) / base:5.2f} x")


if __name__ == "__main__":
    main()
