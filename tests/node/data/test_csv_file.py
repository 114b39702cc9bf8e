from pathlib import Path

import numpy as np
import pytest

from node.data.csv_file import read_csv
from node.data.errors import InvalidCell, UnreadableFile
from node.data.schema import parse_schema

GOOD = "age,dose,outcome\n30,1.5,well\n41,2.5,ill\n52,0.5,well\n38,1e0,ill\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "own.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_read_csv__last_column__is_the_label_by_default(tmp_path: Path) -> None:
    dataset = read_csv(write(tmp_path, GOOD))
    assert (dataset.name, dataset.samples, dataset.width) == ("own.csv", 4, 2)
    assert dataset.classes == ("ill", "well")
    assert dataset.labels.tolist() == [1, 0, 1, 0]
    assert np.allclose(dataset.features.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(dataset.features.std(axis=0), 1, atol=1e-6)
    assert dataset.features[:, 0].argsort().tolist() == [0, 3, 1, 2]


def test_read_csv__named_label__may_stand_anywhere_and_be_integers(tmp_path: Path) -> None:
    text = "a,class,b\n1,10,5\n2,9,5\n3,10,5\n4,9,5\n"
    dataset = read_csv(write(tmp_path, text), label="class")
    assert dataset.classes == ("9", "10")
    assert dataset.labels.tolist() == [1, 0, 1, 0]
    assert dataset.features[:, 1].tolist() == [0.0] * 4  # a constant column


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["7", "07"], ("07", "7")),
        (["1_0", "9"], ("1_0", "9")),
        (["10", "b"], ("10", "b")),
        (["99999999999999999999", "1"], ("1", "99999999999999999999")),
    ],
)
def test_read_csv__labels_that_only_look_like_integers__stay_text(
    tmp_path: Path, labels: list[str], classes: tuple[str, ...]
) -> None:
    rows = "".join(f"{row},{labels[row % 2]}\n" for row in range(4))
    assert read_csv(write(tmp_path, "a,b\n" + rows)).classes == classes


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\n\n"),
        GOOD.replace(",", " , "),
        GOOD.replace("well", '"well"'),
    ],
    ids=["crlf", "byte order mark", "no last newline", "blank lines", "spaces", "quotes"],
)
def test_read_csv__other_ways_to_write_it__is_the_same_data(tmp_path: Path, text: str) -> None:
    plain, other = read_csv(write(tmp_path, GOOD)), read_csv(write(tmp_path, text))
    assert other.features.tolist() == plain.features.tolist()
    assert other.labels.tolist() == plain.labels.tolist()
    assert other.classes == plain.classes


FILL = '(missing = "fill" or missing = "drop" under [data] of the data page)'


@pytest.mark.parametrize(
    ("before", "after", "place", "message"),
    [
        (
            "2.5",
            "high",
            "line 3, column dose",
            """expected a number, got 'high' (text: dose = "category" or dose = "ignore" """
            "under [data.columns] of the data page)",
        ),
        (
            "2.5",
            '"2,5"',
            "line 3, column dose",
            "expected a number, got '2,5' "
            "(numbers are written 1234.5: a point before decimals, no comma in them)",
        ),
        ("52", "", "line 4, column age", f"expected a number, got an empty cell {FILL}"),
        (
            "1.5",
            "NaN",
            "line 2, column dose",
            f"expected a number, got an empty cell, written NaN {FILL}",
        ),
        ("1e0", "1e999", "line 5, column dose", "expected a number, got '1e999'"),
        ("1e0", "inf", "line 5, column dose", "expected a number, got 'inf'"),
        (
            "ill\n5",
            "\n5",
            "line 3, column outcome",
            'expected a class, got an empty cell (missing = "drop" under [data] of the data page)',
        ),
    ],
)
def test_read_csv__one_bad_cell__names_line_column_and_text(
    tmp_path: Path, before: str, after: str, place: str, message: str
) -> None:
    path = write(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(InvalidCell) as caught:
        read_csv(path)
    assert str(caught.value) == f"{path}, {place}: {message}"


def test_read_csv__cell_over_several_lines__counts_lines_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n1,"two\nlines"\nx,c\n')
    with pytest.raises(InvalidCell) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}, line 4, column a: expected a number, got 'x' (")


NAMES = "(numbers: put a line of names above the data)"
OTHERWISE = '(another column: --label; a number to learn: target = "number" under [data])'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": expected a header line of at least two comma-separated columns, got ''"),
        (
            "a;b\n1;2\n",
            ": expected a header line of at least two comma-separated columns, got 'a;b' "
            "(separated by semicolons: save it with commas)",
        ),
        (
            "age;dose, mg;sick\n30;1,5;no\n",
            ": expected a header line of at least two comma-separated columns, "
            "got 'age;dose,mg;sick' (separated by semicolons: save it with commas)",
        ),
        ("a,,b\n1,2,3\n", ": expected a name for every column, got none for column 2"),
        (
            "5.1,3.5,seed\n4.9,3.0,seed\n",
            ": expected a header line that names the columns, got 5.1,3.5,seed " + NAMES,
        ),
        ("2,2\n3,4\n", ": expected a header line that names the columns, got 2,2 " + NAMES),
        (
            "5,0,0,x\n4,0,0,y\n",
            ": expected a header line that names the columns, got 5,0,0,x " + NAMES,
        ),
        ("a,b,a\n1,2,3\n", ": expected columns of different names, got 'a' twice"),
        ("a,b\n", ": expected rows under the header, got none"),
        ("a,b\n1,x\n1,2,3\n", ", line 3: expected 2 cells, got 3"),
        ("a,b\n1,x\n1\n", ", line 3: expected 2 cells, got 1"),
        (
            "a,b\n1,x\n2,x\n",
            ", label column b: expected from 2 to 2 classes in 2 rows, got 1 " + OTHERWISE,
        ),
        (
            "a,b\n" + "".join(f"1,{row / 4}\n" for row in range(8)),
            ", label column b: expected from 2 to 4 classes in 8 rows, got 8 " + OTHERWISE,
        ),
    ],
)
def test_read_csv__not_a_table_of_classes__says_why(
    tmp_path: Path, text: str, message: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UnreadableFile) as caught:
        read_csv(path)
    assert str(caught.value) == f"{path}{message}"


def test_read_csv__label_that_is_no_column__lists_the_columns(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    with pytest.raises(UnreadableFile) as caught:
        read_csv(path, label="result")
    assert str(caught.value) == (
        f"{path}: expected a label column out of age, dose, outcome, got 'result'"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n1,x\n\xe9,1\n", "line 3: expected CSV text in UTF-8, got byte 0xe9 (save the file"),
        (GOOD.encode("utf-16"), "line 1: expected CSV text in UTF-8, got byte 0xff (save the file"),
        (b"a,b\n1,x\x00\n", "line 2: expected CSV text in UTF-8, got byte 0x00 (save the file"),
        (b'a,b\n1,x\n1,"open\n', "line 3: expected CSV, got unexpected end of data"),
    ],
    ids=["latin-1", "utf-16", "a zero byte", "open quote"],
)
def test_read_csv__not_utf8_or_not_csv__names_the_line(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UnreadableFile) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}, {told}")
    assert "\n" not in str(caught.value)


def test_read_csv__columns_called_by_their_place__are_a_header(tmp_path: Path) -> None:
    assert read_csv(write(tmp_path, "0,1,kind\n1,5,a\n2,5,b\n1,4,a\n2,4,b\n")).width == 2


@pytest.mark.parametrize("header", ["label,0,1,2", "y,inf,a,b", "y,1.5,b,c", "y,2019,2020,2021"])
def test_read_csv__names_that_could_be_numbers__are_a_header(tmp_path: Path, header: str) -> None:
    path = write(tmp_path, header + "\na,1,5,2\nb,2,5,1\na,1,4,4\n")
    dataset = read_csv(path, label=header.partition(",")[0])
    assert (dataset.columns, dataset.samples) == (tuple(header.split(",")[1:]), 3)
    assert not any("taken for the names" in each for each in dataset.recipe.remarks)


def test_read_csv__integers_that_could_be_a_row__are_names_and_said_to_be(tmp_path: Path) -> None:
    path = write(tmp_path, "63,1,145,ill\n50,5,140,a\n52,6,130,b\n51,4,120,a\n")
    told = "the first line was taken for the names of the columns: 63, 1, 145, ill"
    assert read_csv(path).recipe.remarks == (told,)


def test_read_csv__names_that_the_page_declares__are_a_header_whatever_they_look_like(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "0.5,1.5,ill\n50,5,a\n52,6,b\n51,4,a\n")
    with pytest.raises(UnreadableFile, match="a header line that names"):
        read_csv(path)
    dataset = read_csv(path, schema=parse_schema({"columns": {"0.5": "ignore"}}))
    assert (dataset.columns, dataset.recipe.remarks) == (("1.5",), ())


@pytest.mark.parametrize("cell", ["NA", "n/a", "nan", "NULL", "?", "#N/A", " NA "])
def test_read_csv__a_word_for_nothing__is_an_empty_cell(tmp_path: Path, cell: str) -> None:
    text = f"ward,age,ill\na,1,no\n{cell},2,yes\nb,{cell},no\nb,4,yes\n"
    path = write(tmp_path, text)
    columns = {"columns": {"ward": "category"}, "scaling": "none"}
    with pytest.raises(InvalidCell, match="line 3, column ward: expected a category, got an empty"):
        read_csv(path, schema=parse_schema(columns))
    assert read_csv(path, schema=parse_schema({**columns, "missing": "drop"})).samples == 2
    filled = read_csv(path, schema=parse_schema({**columns, "missing": "fill"})).features
    assert np.allclose(filled, [[1, 0, 1], [0, 0, 2], [0, 1, 7 / 3], [0, 1, 4]])


def test_read_csv__folder__is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="expected CSV text in UTF-8"):
        read_csv(tmp_path)
