"""Settings described for options and widgets."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from btrackmate.core.fields import describe_fields, write_yaml
from btrackmate.core.settings import Settings


class Inner(Settings):
    depth: Annotated[int, Field(ge=1, le=9)] = Field(3, description="How deep")


class Example(Settings):
    reach: float | Literal["auto"] = Field("auto", description="how far [space unit]")
    part: float = Field(0.5, gt=0, lt=1, description="Part", json_schema_extra={"group": "parts"})
    unit: Literal["frames", "time"] = "frames"
    folder: Path | None = None
    size: tuple[float, float, float] | tuple[float, float] | None = None
    keep: bool = True
    name: str = Field(description="Needed")
    inner: Inner = Inner()


def test_each_kind_is_known():
    fields = {field.name: field for field in describe_fields(Example)}
    kinds = {name: field.kind for name, field in fields.items()}
    assert kinds == {
        "reach": "float",
        "part": "float",
        "unit": "choice",
        "folder": "path",
        "size": "numbers",
        "keep": "bool",
        "name": "text",
        "inner": "other",
    }
    reach, part = fields["reach"], fields["part"]
    assert (reach.text, reach.unit, reach.choices) == ("how far", "space unit", ("auto",))
    assert (part.low, part.high, part.range, part.group) == (0, 1, "> 0 and < 1", "parts")
    assert fields["unit"].choices == ("frames", "time")
    assert fields["size"].optional
    assert fields["size"].number is float
    assert (fields["name"].required, fields["name"].label) == (True, "Name")
    (depth,) = describe_fields(Inner)
    assert (depth.range, depth.kind, depth.default) == ("≥ 1 and ≤ 9", "int", 3)


def test_yaml_with_comments():
    text = write_yaml(Example(name="ä", size=(1, 2)), {"inner": "one"})
    assert text.splitlines()[:4] == [
        "# how far; in space units; a number, or auto",
        "reach: auto",
        "# Part; > 0 and < 1",
        "part: 0.5",
    ]
    assert "size: [1.0, 2.0]" in text
    assert "name: ä" in text
    assert text.endswith("inner:\n  name: one\n  # How deep; ≥ 1 and ≤ 9\n  depth: 3\n")
