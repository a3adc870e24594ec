"""What every model of router.yaml is built from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0, le=1000)]
Stars = Annotated[float, Field(ge=1, le=5)]
Tokens = Annotated[int, Field(gt=0)]
Phrase = Annotated[str, StringConstraints(max_length=60)]
Task = Literal["chat", "reasoning", "code", "summarize", "extract", "translate", "creative"]
Trains = Literal[True, False, "maybe", "depends_on_host", "some_models"]
# A path at the host of a base URL, so that a key can go nowhere else.
HostPath = Annotated[str, StringConstraints(pattern=r"^/([^/\s?#\\][^\s?#\\]*)?$", max_length=200)]


class Strict(BaseModel):
    """Forbids unknown keys, and never shows a value in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
