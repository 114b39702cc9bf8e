"""Tables with declared columns, and rows from code, in a federation."""

import pytest
from runs_lab import run, small

from localnet.network import Localnet
from node.data.errors import InvalidCell, InvalidPartition
from node.errors import WorkerFailed
from node.learning.errors import InvalidOption
from node.learning.hosting import Hosting
from node.spec import parse_spec

COLUMNS = {"clinic": "group", "sex": ["f", "m"], "note": "ignore"}


@pytest.fixture
def patients(tmp_path):
    """Sixty patients of three clinics, the younger and female well, the others ill."""
    lines = ["clinic,age,sex,note,outcome"]
    for number in range(60):
        is_female = number % 2 == 0
        age = 20 + number
        outcome = "well" if age + 30 * (not is_female) < 65 else "ill"
        lines.append(f"{'abc'[number % 3]},{age},{'f' if is_female else 'm'},x,{outcome}")
    path = tmp_path / "patients.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def declared(path, **changed):
    usual = {"peers": 3, "dataset": str(path), "partition": "natural", "min_updates": 2}
    return small(**{**usual, "data": {"columns": COLUMNS}, **changed})


def test_run__a_table_as_declared__is_dealt_by_its_groups_and_stands_in_the_spec(patients):
    with Localnet(declared(patients)) as net:
        for _ in net.run():
            pass
        spec = parse_spec(net.setting.observer.ledger.spec)
        balance = net.setting.task.deal.balance
        assert net.summary().accuracy > 0.7
    assert spec.layout.shapes[0] == (2, 3)
    assert spec.schema.find("sex").values == ("f", "m")
    assert balance is not None
    # Of a clinic each: twenty patients, of whom a fifth or so is only judged on.
    assert sum(peer.samples for peer in balance.peers) == 48
    assert all(13 <= peer.samples <= 19 for peer in balance.peers)


def test_run__natural_without_groups__is_refused(patients):
    with pytest.raises(InvalidPartition, match="expected a column declared as group, got none"):
        run(declared(patients, data={"columns": {**COLUMNS, "clinic": "ignore"}}))


def test_run__a_cell_that_is_not_as_declared__is_named(patients):
    patients.write_text(patients.read_text().replace(",f,", ",x,", 1))
    with pytest.raises(InvalidCell, match=r"line 2, column sex: expected one of f, m, got 'x'"):
        run(declared(patients))


def test_run__a_number_to_learn__is_for_learners_of_ones_own(patients):
    columns = {**COLUMNS, "outcome": "ignore"}
    scenario = declared(patients, label="age", data={"columns": columns, "target": "number"})
    with pytest.raises(InvalidOption, match="expected classes, got a number to learn"):
        run(scenario)


ROWS = """
def make():
    for number in range(60):
        yield [number / 60, number % 7], "low" if number < 30 else "high"

def broken():
    raise KeyError("no such table")
"""


def test_run__rows_from_code__are_read_in_a_process_apart(tmp_path):
    (tmp_path / "rows.py").write_text(ROWS)
    hosting = Hosting(code=tmp_path)
    ended, summary = run(small(dataset="rows:make"), hosting=hosting)
    assert [report.is_agreed for report in ended] == [True] * 3
    assert summary.accuracy > 0.5
    with pytest.raises(WorkerFailed, match=r"KeyError: 'no such table' \(rows.py line 7\)"):
        run(small(dataset="rows:broken"), hosting=hosting)
