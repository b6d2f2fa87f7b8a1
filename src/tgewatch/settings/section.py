"""What every part of the settings file has in common."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


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

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, raw: Any) -> Any:
        """Let a table that names some keys keep the defaults of its place for the others."""
        if not isinstance(raw, dict):
            return raw
        completed = dict(raw)
        for name, field in cls.model_fields.items():
            if isinstance(field.default, Section) and isinstance(raw.get(name), dict):
                completed[name] = {**field.default.model_dump(exclude_unset=True), **raw[name]}
        return completed


Secret = Annotated[str, Field(repr=False, json_schema_extra={"writeOnly": True})]
"""Text that is never shown: not in a repr, not in a problem. A field `x` of this type has
companions `x_env` and `x_file`, from which loading fills it."""
