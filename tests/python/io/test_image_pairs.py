import pytest

from btrackmate.core.errors import UserError
from btrackmate.io.image_pairs import list_by_name, pair_by_name


@pytest.fixture
def folders(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.tif").touch()
        (tmp_path / name / "y.tif").touch()
    return tmp_path / "a", tmp_path / "b"


def test_files_are_paired_by_name_and_not_by_order(folders):
    a, b = folders
    (b / "x.tif").rename(b / "x.TIFF")
    (b / ".hidden.tif").touch()
    (b / "notes.txt").touch()
    pairs = pair_by_name(list_by_name(a), list_by_name(b))
    assert pairs == [(a / "x.tif", b / "x.TIFF"), (a / "y.tif", b / "y.tif")]


def test_files_without_a_partner_are_named_with_their_folder(folders):
    a, b = folders
    (b / "y.tif").rename(b / "z.tif")
    with pytest.raises(UserError) as error:
        pair_by_name(list_by_name(a), list_by_name(b))
    assert f"for y.tif in {a}, z.tif in {b}; " in str(error.value)
    for number in range(6):
        (a / f"n{number}.tif").touch()
    with pytest.raises(UserError, match=r"n4.tif in \S*a and 3 more; .* rename, add or remove"):
        pair_by_name(list_by_name(a), list_by_name(b))


def test_two_files_of_one_name_are_refused(folders):
    (folders[0] / "x.tiff").touch()
    with pytest.raises(UserError, match=r"holds x.tif and x.tiff; .*rename or remove one"):
        list_by_name(folders[0])
