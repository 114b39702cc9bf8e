"""Parquet files, folders of pictures, and rows from code."""

from pathlib import Path

import numpy as np
import pytest

from node.data.errors import DataError, InvalidCell, InvalidSchema, MissingPackage, UnreadableFile
from node.data.iterator import read_iterator
from node.data.schema import Schema, parse_schema
from node.data.sources import load


@pytest.fixture
def parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra (holdfast[parquet])")
    import pyarrow.parquet

    def write(**columns):
        path = tmp_path / "own.parquet"
        pyarrow.parquet.write_table(arrow.table(columns), path)
        return str(path)

    return write


def test_read_parquet__a_table__is_what_the_same_csv_is(parquet, tmp_path):
    columns = {"age": [30, 41, 52, 38], "dose": [1.5, 2.5, 0.5, 1.0], "sick": ["a", "b", "a", "b"]}
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    one, other = load(parquet(**columns)), load(str(tmp_path / "own.csv"))
    assert one.features.tolist() == other.features.tolist()
    assert (one.labels.tolist(), one.classes) == (other.labels.tolist(), other.classes)


@pytest.mark.parametrize("empty", [None, float("nan")])
def test_read_parquet__a_null__is_named_by_row_and_column(parquet, empty):
    path = parquet(age=[1.0, 2.0, empty, 4.0], sick=["a", "b", "a", "b"])
    with pytest.raises(InvalidCell, match=r"own.parquet, row 3, column age: .* an empty cell"):
        load(path)
    assert load(path, schema=parse_schema({"missing": "drop"})).samples == 3


def test_read_parquet__a_column_of_dates__is_no_number(parquet):
    import datetime

    day = datetime.date(2020, 1, 1)
    with pytest.raises(InvalidCell, match=r"row 1, column day: expected a number, got datetime"):
        load(parquet(day=[day] * 4, sick=["a", "b", "a", "b"]))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_read_parquet__a_damaged_file__is_one_clear_error(parquet, tmp_path, content):
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="expected a whole Parquet file") as caught:
        load(str(path))
    assert "\n" not in str(caught.value)


def test_read_parquet__an_index_of_pandas__is_no_measurement(parquet):
    columns = {"age": [1, 2, 3, 4], "__index_level_0__": [0, 1, 2, 3], "sick": [0, 1, 0, 1]}
    with pytest.raises(UnreadableFile, match="without the index of pandas, got __index_level_0__"):
        load(parquet(**columns))
    declared = parse_schema({"columns": {"__index_level_0__": "ignore"}})
    assert load(parquet(**columns), schema=declared).width == 1


def test_read_parquet__no_rows_or_one_column__is_told(parquet):
    with pytest.raises(UnreadableFile, match="expected rows, got none"):
        load(parquet(a=[], b=[]))
    with pytest.raises(UnreadableFile, match="expected at least two columns"):
        load(parquet(a=[1, 2]))
    with pytest.raises(UnreadableFile, match="expected a name for every column, got none for col"):
        load(parquet(**{"a": [1, 2], "": [1, 2]}))


def test_read_parquet__without_pyarrow__says_how_to_install_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackage, match=r"pyarrow \(pip install 'holdfast\[parquet\]'\)"):
        load("own.parquet")


@pytest.fixture
def pictures(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra (holdfast[images])")
    for name, shade in (("cat", 10), ("dog", 200)):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = np.full((4, 5, 3), shade + number, np.uint8)
            image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    (tmp_path / "cat" / "notes.txt").write_text("not a picture")
    return tmp_path


def test_read_image_folder__two_classes__are_rows_of_bytes(pictures):
    data = load(str(pictures))
    assert (data.samples, data.width, data.classes) == (6, 20, ("cat", "dog"))
    assert data.features.dtype == np.uint8
    assert data.features[:, 0].tolist() == [10, 11, 12, 200, 201, 202]
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_read_image_folder__declared_size_and_colour__is_what_comes(pictures):
    schema = parse_schema({"image": [2, 3], "colour": True})
    assert load(str(pictures), schema=schema).features.shape == (6, 18)


def test_read_image_folder__another_size__names_the_file(pictures):
    from PIL import Image

    Image.new("L", (7, 4)).save(pictures / "dog" / "1.png")
    with pytest.raises(UnreadableFile, match=r"1\.png: expected 4 by 5 pixels, .* got 4 by 7"):
        load(str(pictures))


def test_read_image_folder__a_damaged_picture__names_the_file(pictures):
    path = pictures / "dog" / "2.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UnreadableFile, match=r"2\.png: expected a whole picture"):
        load(str(pictures))


@pytest.mark.parametrize("depth", [np.uint16, np.int32, np.float32])
def test_read_image_folder__more_than_bytes__is_not_cut_off(pictures, depth):
    from PIL import Image

    path = pictures / "dog" / "1.tif"
    Image.fromarray(np.full((4, 5), 300, depth)).save(path)
    with pytest.raises(
        UnreadableFile, match=r"1\.tif: expected a picture of 8 bits a channel, got"
    ):
        load(str(pictures))


def test_read_image_folder__several_frames__are_not_the_first_alone(pictures):
    from PIL import Image

    shades = [Image.new("L", (5, 4), shade) for shade in (1, 99)]
    shades[0].save(pictures / "dog" / "1.gif", save_all=True, append_images=shades[1:])
    with pytest.raises(UnreadableFile, match=r"1\.gif: expected one picture, got 2 of them"):
        load(str(pictures))


def test_read_image_folder__held_upright__is_turned_as_the_camera_noted(pictures):
    from PIL import Image

    on_its_side = Image.fromarray(np.arange(20, dtype=np.uint8).reshape(5, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    on_its_side.save(pictures / "cat" / "0.png", exif=exif)
    assert load(str(pictures)).features[0].reshape(4, 5)[0].tolist() == [16, 12, 8, 4, 0]


def test_read_image_folder__what_is_no_picture__is_left_out_and_told(pictures):
    (pictures / "cat" / "old").mkdir()
    (pictures / "cat" / "._0.png").write_bytes(b"of a file system's own")
    (pictures / "list.txt").write_text("beside the classes")
    data = load(str(pictures))
    assert data.samples == 6
    (told,) = data.recipe.remarks
    assert told.startswith("left out is what ends in none of .bmp, .gif")
    assert told.endswith(": 3, as cat/notes.txt")


def test_read_image_folder__one_class_or_an_empty_one__is_told(pictures):
    (pictures / "fox").mkdir()
    with pytest.raises(UnreadableFile, match="fox: expected pictures"):
        load(str(pictures))
    with pytest.raises(UnreadableFile, match="expected a folder of pictures for each of two"):
        load(str(pictures / "cat"))


def test_read_iterator__rows__are_features_and_labels():
    rows = [([1.0, 2.0], "b"), (np.array([3, 4]), "a"), ((5, 6), "b")]
    data = read_iterator("own:rows", lambda: iter(rows))
    assert data.features.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert (data.features.dtype, data.classes) == (np.float32, ("a", "b"))
    assert data.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("rows", "told", "remarks"),
    [
        (np.array([[1], [255]], np.uint8), "bytes, 255 being 1", 0),
        (np.array([[-100.0], [2]]), "features as they are, unscaled", 0),
        (np.array([[-101.0], [2]]), "features as they are, unscaled", 1),
    ],
)
def test_read_iterator__rows_that_nothing_scales__says_so_and_where_they_are_large(
    rows, told, remarks
):
    recipe = read_iterator("own:rows", lambda: (rows, np.array([0, 1]))).recipe
    assert (recipe.told, len(recipe.remarks)) == (told, remarks)
    assert all("as large as 101 and not scaled" in each for each in recipe.remarks)


def test_read_iterator__a_pair_of_arrays__is_its_rows():
    x, y = np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.array([7, 9, 7])
    data = read_iterator("own:arrays", lambda: (x, y))
    assert (data.features.dtype, data.width, data.classes) == (np.uint8, 4, ("7", "9"))


@pytest.mark.parametrize(
    ("rows", "error", "told"),
    [
        ([], UnreadableFile, "own:rows: expected rows of (features, label), got none"),
        ([([1], "a"), 3], UnreadableFile, "own:rows, row 2: expected (features, label), got int"),
        (
            [([1, 2], "a"), ([1], "b")],
            UnreadableFile,
            "own:rows, row 2: expected 2 features, as in row 1, got 1",
        ),
        ([(["x"], "a")], UnreadableFile, "row 1: expected numbers as features"),
        (
            [([1, float("nan")], "a")],
            InvalidCell,
            "own:rows, row 1, column 2: expected a finite number, got nan",
        ),
        ([([1], None)], InvalidCell, "row 1, label: expected a text or an integer, got None"),
        ([([1], "NA")], InvalidCell, "row 1, label: expected a text or an integer, got 'NA'"),
        ([([1], True)], InvalidCell, "row 1, label: expected a text or an integer, got True"),
        ([([1], 2**63)], InvalidCell, "row 1, label: expected a text or an integer, got 922"),
        (
            [([1], np.array([1, 2]))],
            InvalidCell,
            "row 1, label: expected a text or an integer, got array([1, 2])",
        ),
        (
            [([1], "1"), ([1], 1)],
            InvalidCell,
            "row 2, label: expected a label of type str, as in row 1, got 1",
        ),
        (
            [([[1], [2, 3]], "a")],
            UnreadableFile,
            "row 1: expected numbers as features, got lists of unlike lengths",
        ),
        (
            [([1.0], "a"), (np.array([1], np.uint8), "b")],
            UnreadableFile,
            "row 2: expected float32 features, as in row 1, got uint8",
        ),
        ([([1e300], "a")], InvalidCell, "row 1, column 1: expected a finite number, got 1e+300"),
        (
            [([place], "one") for place in range(6)],
            UnreadableFile,
            "own:rows, labels: expected at least 2 classes, got 1",
        ),
        ([{}], UnreadableFile, "row 1: expected two columns or more, each with a name, got none"),
        ([{1: 2, "a": 3}], UnreadableFile, "each with a name, got 1, 'a'"),
    ],
)
def test_read_iterator__a_bad_row__is_named(rows, error, told):
    with pytest.raises(error) as caught:
        read_iterator("own:rows", lambda: iter(rows))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "own:rows: expected rows, or two arrays, got NoneType"),
        ("text", "own:rows: expected rows, or two arrays, got str"),
        (
            (np.zeros((3, 2)), np.zeros(2)),
            "own:rows: expected arrays of shape (n, …) and (n,), got shapes (3, 2) and (2,)",
        ),
    ],
)
def test_read_iterator__what_is_no_rows__is_told(given, told):
    with pytest.raises(UnreadableFile) as caught:
        read_iterator("own:rows", lambda: given)
    assert str(caught.value) == told


def test_read_iterator__unnamed_rows_and_a_declared_scaling__is_refused():
    with pytest.raises(InvalidSchema, match="used as it is, got scaling = 'standard'"):
        read_iterator(
            "own:rows", lambda: [([1], "a")], schema=parse_schema({"scaling": "standard"})
        )


SCHEMA = {"missing": "fill", "scaling": "none", "columns": {"shop": "group", "sex": ["f", "m"]}}


def test_read_iterator__named_columns__are_what_the_same_csv_is(tmp_path: Path):
    rows = [
        {"shop": "a", "age": 30, "sex": "f", "sick": "no"},
        {"age": None, "shop": "b", "sick": "yes", "sex": None},
        {"shop": "b", "age": 51.5, "sex": "m", "sick": "no"},
        {"shop": "a", "age": 40, "sex": "f", "sick": "yes"},
    ]
    path = tmp_path / "own.csv"
    path.write_text("shop,age,sex,sick\na,30,f,no\nb,,,yes\nb,51.5,m,no\na,40,f,yes\n")
    schema = parse_schema(SCHEMA)
    from_code = read_iterator("own:rows", lambda: iter(rows), label="sick", schema=schema)
    from_file = load(str(path), label="sick", schema=schema)
    assert from_code.fingerprint() == from_file.fingerprint()
    assert from_code.name == "own:rows"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"a": 1, "b": 2}, {"a": 1}], "own:rows, row 2: expected a, b, got a"),
        ([{"a": 1, "b": 2}, 3], "own:rows, row 2: expected named columns, got int"),
        ([([1], "x")], "own:rows, columns declared: expected rows of named columns, got unnamed"),
    ],
)
def test_read_iterator__rows_that_a_schema_does_not_fit__are_named(rows, told):
    with pytest.raises(DataError) as caught:
        read_iterator("own:rows", lambda: iter(rows), label="b", schema=Schema())
    assert told in str(caught.value)


def test_load__a_folder__is_one_of_pictures(tmp_path: Path):
    with pytest.raises(UnreadableFile, match="expected a folder of pictures for each of two"):
        load(str(tmp_path))
