"""How rows became features, kept for whoever exports the model."""

import json
import re
from pathlib import Path
from stat import S_IMODE

import pytest

from node.data.errors import UnreadableFile
from node.data.recipe_file import RECIPE, describe_recipe, has_gaps, leave_out_own, read_recipe
from node.data.schema import parse_schema
from node.data.share import Share
from node.data.sources import load
from node.learning.hosting import Place
from node.learning.worker import Worker

ROWS = "age,dose,ward,sick\n" + "".join(
    f"{30 + place},{place % 5},{'ab'[place % 2]},{['no', 'yes'][place % 3 == 0]}\n"
    for place in range(12)
)


def declare(dose: object, **others: object) -> dict[str, object]:
    age = {"mean": 40.0, "deviation": 10.0}
    columns = {"age": age, "dose": dose, "ward": "category", **others}
    return {"columns": columns, "missing": "fill"}


def enrol(folder: Path, dose: object = "number", **others: object) -> Path:
    """Have a peer's learner begin on a table of its own, and return the peer's folder."""
    path = folder / "clinic.csv"
    path.write_text(ROWS)
    share = Share(str(path), "sick", None, "iid", 0.2, 0, parse_schema(declare(dose, **others)))
    Worker().enrol_share(0, "softmax", {}, share, Place(notes=folder / "peer"))
    return folder / "peer"


def test_enrol_share__a_table__keeps_its_recipe_for_its_owner_alone(tmp_path: Path) -> None:
    folder = enrol(tmp_path)
    assert S_IMODE((folder / RECIPE).stat().st_mode) == 0o600
    dataset = load(
        str(tmp_path / "clinic.csv"), label="sick", schema=parse_schema(declare("number"))
    )
    kept = read_recipe(folder)
    assert kept == json.loads(json.dumps(describe_recipe(dataset)))
    assert (kept["columns"], kept["classes"]) == (["age", "dose", "ward"], ["no", "yes"])


def test_leave_out_own__numbers_of_the_rows__are_gone_and_declared_ones_stay(
    tmp_path: Path,
) -> None:
    kept = read_recipe(enrol(tmp_path))
    assert kept is not None
    shown = leave_out_own(kept)
    age, dose, *ward = shown["features"]
    assert (age["minus"], age["divided_by"], age["fill"]) == (40.0, 10.0, 40.0)
    assert (dose["minus"], dose["divided_by"], dose["fill"]) == (None, None, None)
    assert [each["value"] for each in ward] == [None, None]
    assert (shown["source"], shown["classes"], shown["columns"]) == (None, None, kept["columns"])
    assert not {"a", "b", "no", "yes", "clinic.csv"} & set(re.findall(r"[\w.]+", json.dumps(shown)))
    assert (has_gaps(kept), has_gaps(shown)) == (False, True)


def test_leave_out_own__all_declared__leaves_out_the_files_name_alone(tmp_path: Path) -> None:
    dose = {"mean": 2.0, "deviation": 1.0}
    kept = read_recipe(enrol(tmp_path, dose, ward=["b", "a"], sick=["yes", "no"]))
    assert kept is not None
    assert (kept["source"], kept["classes"]) == ("clinic.csv", ["yes", "no"])
    shown = leave_out_own(kept)
    assert (shown, has_gaps(shown)) == ({**kept, "source": None}, False)


def test_leave_out_own__a_built_in_set__is_everybodys() -> None:
    kept = describe_recipe(load("digits"))
    assert (leave_out_own(kept), has_gaps(leave_out_own(kept))) == (kept, False)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "data.json: expected JSON, got"), ("[]", "expected a table with an entry features")],
)
def test_read_recipe__a_damaged_file__is_one_clear_error(
    tmp_path: Path, content: str, told: str
) -> None:
    assert read_recipe(tmp_path) is None
    (tmp_path / RECIPE).write_text(content)
    with pytest.raises(UnreadableFile) as caught:
        read_recipe(tmp_path)
    assert told in str(caught.value)
