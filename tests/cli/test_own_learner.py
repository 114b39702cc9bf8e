"""A learner of one's own on the command line: simulated, drafted, and by real programs."""

import tomllib
from pathlib import Path

import pytest
from consortium_lab import end

from node.algorithms.fedprox import FedProx
from node.founding import read_plan
from node.learning.context import read_state
from node.settings import KEYSTORE, read_settings

MODULE = '''
import numpy as np

class Line:
    """Fits y = 2 x + 1 to its own points."""

    def __init__(self, context):
        partition = context.node_config["partition-id"]
        self.rate = context.run_config.get("rate", 0.1)
        self.state = context.state
        self.x = np.linspace(-1, 1, 20) + partition / 10
        self.y = 2 * self.x + 1

    def get_parameters(self, config):
        return [np.zeros(2, np.float32), np.array(0)]

    def fit(self, parameters, config):
        print("epoch 1 of 1")
        self.state["rounds"] = self.state.get("rounds", 0) + 1
        (slope, offset), count = parameters
        for _ in range(50):
            error = slope * self.x + offset - self.y
            slope = slope - self.rate * (error @ self.x) / 20
            offset = offset - self.rate * error.mean()
        return [np.array([slope, offset], np.float32), count + 1], 20, {"steps": 50}

    def evaluate(self, parameters, config):
        error = parameters[0][0] * self.x + parameters[0][1] - self.y
        return float(np.square(error).mean()), 20, {}

def make(context):
    if context.run_config.get("is_broken"):
        raise RuntimeError("no table called patients")
    return Line(context)
'''


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "line.py").write_text(MODULE)
    return folder


def own(code, *more):
    return ("--learner", "line:make", "--learner-path", str(code), *more)


def test_localnet_run__a_learner_of_ones_own__tells_what_was_chosen_and_has_a_loss(holdfast, code):
    told = holdfast("localnet", "run", "--peers", "4", "--rounds", "2", *own(code))
    assert told.code == 0, told.err
    assert "data   each peer's learner brings its own" in told.out
    assert "kept   array_1 (int64 []) stays with each peer" in told.out
    assert "chosen update_bits " in told.out
    assert "chosen clip " in told.out
    assert "accuracy none" in told.out
    assert "epoch 1 of 1" not in told.out


def test_localnet_run__json__has_no_accuracy_and_takes_options(holdfast, code, tmp_path):
    arguments = ("localnet", "run", "--peers", "4", "--rounds", "2", "--json")
    picture = tmp_path / "picture.png"
    told = holdfast(*arguments, *own(code, "--option", "rate=0.05", "--plot", str(picture)))
    assert told.code == 0, told.err
    assert [line["accuracy"] for line in told.lines] == [None, None, None]
    assert told.lines[1]["loss"] < told.lines[0]["loss"]
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_localnet_run__a_factory_that_raises__is_told_in_one_line(holdfast, code):
    told = holdfast("localnet", "run", *own(code, "--option", "is_broken=true"))
    assert told.code == 1
    assert told.err.count("\n") == 1
    assert "RuntimeError: no table called patients (line.py line 33; traceback in " in told.err


def test_federation_init__a_learner__writes_a_page_that_is_one(holdfast, code, tmp_path):
    page = tmp_path / "own.toml"
    told = holdfast(
        *("federation", "init", "--out", str(page), "--name", "lines", "--peers", "3"), *own(code)
    )
    assert told.code == 0, told.err
    assert "chosen   array 'array_1' (int64, 1) stays with each peer" in told.out
    table = tomllib.loads(page.read_text())
    assert table["learner"]["name"] == "line:make"
    assert table["model"]["arrays"] == [{"name": "array_0", "shape": [2], "dtype": "float32"}]
    assert table["model"]["kept"][0]["dtype"] == "int64"
    assert read_plan(page.read_bytes()).rule.clip == table["rule"]["clip"] > 0
    again = holdfast("federation", "init", "--out", str(page), *own(code))
    assert (again.code, "expected a file that is not there yet" in again.err) == (2, True)


def test_federation_init__json__is_the_page_in_figures(holdfast, code, tmp_path):
    page = tmp_path / "own.toml"
    told = holdfast("federation", "init", "--out", str(page), "--json", *own(code))
    rule = tomllib.loads(page.read_text())["rule"]
    assert told.summary["coordinates"] == 2
    assert {name: told.summary[name] for name in ("update_bits", "model_bits", "clip")} == {
        name: rule[name] for name in ("update_bits", "model_bits", "clip")
    }


def test_federation_init__a_data_page__its_columns_stand_on_the_page(holdfast, tmp_path):
    table, columns, page = (tmp_path / name for name in ("pumps.csv", "data.toml", "plan.toml"))
    rows = (f"{'AB'[i % 2]},{i % 7},{'' if i == 3 else i % 5},{i % 2}" for i in range(40))
    table.write_text("\n".join(["site,age,heat,failed", *rows]) + "\n")
    columns.write_text(
        '[data]\nlabel = "failed"\npartition = "natural"\nmissing = "fill"\n'
        '[data.columns]\nsite = "group"\nage = "number"\nheat = "number"\n'
    )
    told = holdfast(
        *("federation", "init", "--out", str(page), "--learner", "softmax"),
        *("--data", str(table), "--data-page", str(columns)),
    )
    assert told.code == 0, told.err
    written, wanted = tomllib.loads(page.read_text())["data"], tomllib.loads(columns.read_text())
    assert written == {**wanted["data"], "source": "pumps.csv"}
    assert read_plan(page.read_bytes()).page.data.build_schema().columns["site"]


def test_federation_init__an_algorithm__stands_on_the_page(holdfast, tmp_path):
    page = tmp_path / "plan.toml"
    told = holdfast(
        *("federation", "init", "--out", str(page), "--learner", "softmax"),
        *("--data", "breast_cancer", "--algorithm", "fedprox:0.5"),
    )
    assert told.code == 0, told.err
    table = tomllib.loads(page.read_text())["algorithm"]
    assert table == {"name": "fedprox", "options": {"mu": 0.5}}
    assert read_plan(page.read_bytes()).algorithm == FedProx(0.5)


@pytest.mark.parametrize(
    ("algorithm", "told"),
    [
        ("fedprox", "algorithm fedprox: expected a learner whose fit obeys config['proximal_mu']"),
        ("fedsgd", "algorithm: expected fedavg, fedprox, scaffold, fednova, gradient_descent, ad"),
    ],
)
def test_federation_init__an_algorithm_that_cannot_be__is_told_in_one_line(
    holdfast, code, tmp_path, algorithm, told
):
    page = tmp_path / "plan.toml"
    outcome = holdfast(
        "federation", "init", "--out", str(page), "--algorithm", algorithm, *own(code)
    )
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert outcome.err.startswith(f"holdfast: {told}")
    assert not page.exists()


def test_peer_init__a_learner_path__is_kept_so_that_it_holds_anywhere(
    consortium, code, monkeypatch
):
    monkeypatch.chdir(code.parent)
    consortium.init("a", "1/3", "--learner-path", "code")
    assert read_settings(Path(consortium.folder("a"))).learner_path == str(code)


@pytest.mark.slow
def test_peer_run__three_programs__train_a_learner_of_their_own(consortium, holdfast, code):
    page = consortium.directory / "plan.toml"
    drafted = holdfast(
        *("federation", "init", "--out", str(page), "--peers", "3", "--algorithm", "momentum:0.5"),
        *own(code),
    )
    assert drafted.code == 0, drafted.err
    more = ("--data", "own", "--set", f"learner.path={code}", "--set", "learner.seconds=60")
    consortium.init("a", "1/3", *more)
    created = consortium.ask(
        *("federation", "create", str(page), "--peer", consortium.folder("a"), "--json"),
        *("--password-file", str(consortium.password)),
    )
    assert created["reasons"] == ["array 'array_1' (int64, 1) stays with each peer"]
    for number, name in enumerate("bc", 2):
        consortium.init(name, f"{number}/3", *more, "--contract", str(created["contract"]))
    for name in "abc":
        consortium.act("join", name)
    checked = holdfast(
        *("peer", "doctor", consortium.folder("b")),
        *("--password-file", str(consortium.password)),
    )
    assert "2 coordinates of line:make, on data of its own" in checked.out
    for process in [consortium.run(name, 2) for name in "abc"]:
        end(process)
    states = [consortium.status(name) for name in "abc"]
    assert len({state["head"] for state in states}) == 1
    assert states[0]["height"] == 2
    for name in "abc":
        notes = Path(consortium.folder(name))
        assert (notes / KEYSTORE).exists()
        assert {"rounds", "holdfast.kept", "holdfast.algorithm"} == set(read_state(notes))
        assert "epoch 1 of 1" in (notes / "learner.log").read_text()


def test_localnet_run__a_data_page__declares_the_columns(holdfast, tmp_path):
    rows = "".join(f"{age},{'fm'[age % 2]},{'ab'[age > 40]}\n" for age in range(20, 60))
    (tmp_path / "own.csv").write_text("age,sex,kind\n" + rows)
    page = tmp_path / "page.toml"
    source = tmp_path / "own.csv"
    page.write_text(f'[data]\nsource = "{source}"\ncolumns = {{ sex = ["f", "m"] }}\n')
    picture = tmp_path / "shares.png"
    told = holdfast(
        *("localnet", "run", "--data-page", str(page), "--peers", "3", "--rounds", "2"),
        *("--learner", "softmax", "--class-weights", "--plot-data", str(picture)),
    )
    assert told.code == 0, told.err
    assert "softmax of 8 coordinates" in told.out
    assert picture.read_bytes()[:4] == b"\x89PNG"
    page.write_text("[data]\nrows = 3\n")
    told = holdfast("localnet", "run", "--data-page", str(page))
    assert (told.code, "got 'rows'" in told.err) == (1, True)
