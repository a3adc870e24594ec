"""What every model of router.yaml is built from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


def _no_flag(value: Any) -> Any:
    """`false` is no price of 0, and `true` no dollar a day."""
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "Input should be a valid number")
    return value


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Positive = Annotated[float, Field(gt=0), BeforeValidator(_no_flag)]
NotNegative = Annotated[float, Field(ge=0), BeforeValidator(_no_flag)]
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
