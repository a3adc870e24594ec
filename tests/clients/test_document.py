"""/openapi.json against the gateway that serves it: requests that it allows, and requests that it forbids."""

from __future__ import annotations

from pathlib import Path

from tests.clients.conftest import run
from tests.server.gateway import KEY, Gateway

EXAMPLES = 25  # of each operation, besides those that schemathesis makes systematically


def test_the_gateway_does_what_its_document_says(clients_python: str, gateway: Gateway, tmp_path: Path) -> None:
    schemathesis = str(Path(clients_python).with_name("schemathesis"))
    printed = run(
        [schemathesis, "run", f"{gateway.url}/openapi.json", "--header", f"Authorization: Bearer {KEY}", "--mode", "all",
         "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"],
        gateway,
        cwd=tmp_path,
    )  # fmt: skip
    assert "Failures:" not in printed
    assert "No issues found" in printed or "passed" in printed
