import pytest
from pydantic import Field, ValidationError

from btrackmate.core.errors import UserError
from btrackmate.core.settings import Settings, load_yaml


class Inner(Settings):
    size: int = Field(default=3, gt=0)


class Outer(Settings):
    inner: Inner = Field(default=Inner())
    name: str = Field(default="a", alias="NAME")


def test_values_by_name_or_alias():
    assert Outer.parse({"name": "b"}) == Outer.parse({"NAME": "b"})


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Outer().name = "b"


def test_wrong_value_is_told_with_its_place():
    with pytest.raises(UserError) as error:
        Outer.parse({"inner": {"size": 0}}, "run.yaml")
    assert str(error.value) == "run.yaml: inner.size: Input should be greater than 0 (got 0)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nane": "b"}, "s: unknown setting 'nane'; known: inner, name"),
        ({"inner": {"sice": 1}}, "s: unknown setting 'inner.sice'; known: size"),
    ],
)
def test_unknown_name_is_told_with_those_of_its_level(values, message):
    with pytest.raises(UserError) as error:
        Outer.parse(values, "s")
    assert str(error.value) == message


def test_a_long_wrong_value_is_cut():
    with pytest.raises(UserError) as error:
        Outer.parse({"inner": ["value"] * 1000})
    assert len(str(error.value)) < 300


def test_settings_from_yaml(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("inner: {size: 7}\nname: µm\n", encoding="utf-8")
    assert Outer.from_yaml(path) == Outer(inner=Inner(size=7), NAME="µm")


def test_empty_yaml_is_the_default(tmp_path):
    path = tmp_path / "run.yaml"
    path.touch()
    assert Outer.from_yaml(path) == Outer()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n- 2\n", "holds a list, expected names and values"),
        (b"a: [1\nb: 2\n", "not readable as YAML"),
        (b"\x89PNG\xff\xfe", "not readable as YAML"),
    ],
)
def test_what_is_no_mapping_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        load_yaml(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_yaml_and_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_yaml(tmp_path / "no.yaml")
    with pytest.raises(UserError, match="not readable"):
        load_yaml(tmp_path)


def test_mistakes_are_ours_by_every_way_in():
    """Keywords, validation and nesting end in one line of ours, not in pydantic's error."""
    from btrackmate.pipeline.settings import RunSettings
    from btrackmate.tracking.settings import LapSettings

    for call, start in (
        (lambda: LapSettings(x=1), "LapSettings: unknown setting 'x'; known: linking_max"),
        (lambda: LapSettings(linking_max_distance=-1), "LapSettings: linking_max_distance: exp"),
        (lambda: LapSettings.model_validate({"max_frame_gap": 0}), "LapSettings: max_frame_gap"),
        (
            lambda: RunSettings(measure={"mask": {"fraction": 7}}),
            "RunSettings: measure.mask.fraction: ",
        ),
        (lambda: RunSettings(spot_filters=["volume"]), "RunSettings: filter 'volume' is not"),
    ):
        with pytest.raises(UserError) as caught:
            call()
        assert str(caught.value).startswith(start)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1:30", "010", "1_0", "1:30.5", "0x10", "0b1"])
def test_numbers_that_yaml_reads_as_others_are_refused(tmp_path, text):
    """1:30 was 90 of whatever unit, 010 was 8."""
    path = tmp_path / "run.yaml"
    path.write_text(f"a: 1\nsize: {text}\n", encoding="ascii")
    with pytest.raises(UserError, match=f"line 2: '{text}' is no plain decimal number"):
        load_yaml(path)


def test_plain_numbers_texts_and_times_are_read(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("a: [0, -0.5, 1e-3, .inf, 1.0e+3]\nb: '1:30'\nc: 2026-11-27T01:02:03+00:00\n")
    values = load_yaml(path)
    assert values["a"][:2] == [0, -0.5]
    assert values["b"] == "1:30"


def test_yes_is_no_number():
    """It was 1."""
    with pytest.raises(
        UserError, match=r"inner.size: expected a value other than yes or no \(got True\)"
    ):
        Outer.parse({"inner": {"size": True}})
