"""What every part of the settings file has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A table of the settings file: frozen, without unknown keys, documented field by field."""

    model_config = ConfigDict(
        allow_inf_nan=False,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )


Secret = Annotated[str, Field(repr=False, json_schema_extra={"writeOnly": True})]
"""Text that is never shown: not in a repr, not in a problem. A field `x` of this type has
companions `x_env` and `x_file`, from which loading fills it."""
