"""Names and options of algorithms, in texts and in pages."""

from dataclasses import replace

import pytest

from localnet.scenario import Scenario
from node.algorithms.admm import Admm
from node.algorithms.catalogue import (
    ALGORITHMS,
    build_algorithm,
    describe_algorithm,
    parse_algorithm,
)
from node.algorithms.errors import AlgorithmRefused
from node.algorithms.fedavg import FedAvg
from node.algorithms.fednova import FedNova
from node.algorithms.fedprox import FedProx
from node.algorithms.gradient_descent import GradientDescent
from node.algorithms.momentum import Momentum
from node.algorithms.scaffold import Scaffold
from node.encoding import Layout
from node.errors import SpecRefused
from node.founding import read_plan
from node.spec import Spec, parse_spec, write_spec

SPEC = Spec("t", 0, "mlp", {}, "d", None, "iid", 0.2, Layout(("a",), ((1,),), ("float32",)))
TEXTS = {
    "fedavg": FedAvg(),
    "fedprox": FedProx(),
    "fedprox:0.25": FedProx(0.25),
    "fedprox:mu=1": FedProx(1),
    "scaffold:40": Scaffold(40),
    "scaffold:steps=40,learning_rate=0.05": Scaffold(40, 0.05),
    "fednova:8": FedNova(8),
    "gradient_descent": GradientDescent(),
    "admm": Admm(),
    "admm:rho=0.5": Admm(0.5),
    "momentum:0.5": Momentum(0.5),
}


@pytest.mark.parametrize("text", TEXTS)
def test_parse_algorithm__a_text__is_that_algorithm_in_a_spec_and_a_page_too(text):
    algorithm = TEXTS[text]
    assert parse_algorithm(text) == algorithm
    assert build_algorithm(*describe_algorithm(algorithm)) == algorithm
    spec = replace(SPEC, algorithm=algorithm)
    assert parse_spec(write_spec(spec)) == spec
    page = f'holdfast = 1\nname = "x"\nlearner = "mlp"\nalgorithm = "{text}"\n'
    assert read_plan(page.encode()).algorithm == algorithm
    assert Scenario(algorithm=text).build_algorithm() == algorithm


def test_catalogue__every_algorithm__is_among_the_texts():
    assert {type(each) for each in TEXTS.values()} == set(ALGORITHMS.values())


def test_write_spec__federated_averaging__has_no_table():
    assert b"algorithm" not in write_spec(SPEC)
    assert write_spec(replace(SPEC, algorithm=FedProx(0.5))) == write_spec(SPEC).replace(
        b"[data]\n", b'[algorithm]\nname = "fedprox"\noptions = { "mu" = 0.5 }\n\n[data]\n'
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fedsgd", "algorithm: expected fedavg, fedprox.*, got 'fedsgd'"),
        ("", "algorithm: expected fedavg, .*, got ''"),
        ("fedprox:rho=1", "option of algorithm fedprox: expected mu, got 'rho'"),
        ("fedprox:mu=", "algorithm fedprox: mu: expected a number of at least 0, got ''"),
        (
            f"fedprox:1{'0' * 400}",
            "algorithm fedprox: mu: expected a number of at least 0, got 1000",
        ),
        (f"admm:1{'0' * 400}", "algorithm admm: rho: expected a number above 0, got 1000"),
        (f"fednova:1{'0' * 400}", "algorithm fednova: steps: .* that a float can be, got more"),
        ("fedprox:much", "algorithm fedprox: mu: expected a number of at least 0, got 'much'"),
        ("fednova", "algorithm fednova: steps: expected one, as fednova:steps=VALUE, got none"),
        ("fednova:0", "fednova: steps: expected those .*: a whole number, at least 1, got 0"),
        ("fednova:2.5", "steps: expected those of a usual peer in a round: .*, got 2.5"),
        ("scaffold:steps=5,learning_rate=0", "scaffold: learning_rate: .* above 0, got 0"),
        ("admm:0", "algorithm admm: rho: expected a number above 0, got 0"),
        ("momentum:1", "momentum: beta: expected a number of at least 0 and below 1, got 1"),
        ("fedavg:1", "option of algorithm fedavg: expected none, got 'value'"),
    ],
)
def test_parse_algorithm__no_such_thing__is_told_in_one_line(text, told):
    with pytest.raises(AlgorithmRefused, match=told):
        parse_algorithm(text)
    with pytest.raises(AlgorithmRefused, match=told):
        Scenario(algorithm=text).check()
    page = f'holdfast = 1\nname = "x"\nlearner = "mlp"\nalgorithm = "{text}"\n'
    with pytest.raises(AlgorithmRefused, match=told):
        read_plan(page.encode())
    spec = write_spec(SPEC).replace(b"seed = 0\n", f'seed = 0\nalgorithm = "{text}"\n'.encode())
    with pytest.raises(SpecRefused, match=told):
        parse_spec(spec)


def test_parse_spec__an_entry_that_the_table_has_not__is_refused_by_name():
    spec = write_spec(SPEC).replace(b"[data]", b"[algorithm]\nmu = 1\n\n[data]")
    with pytest.raises(SpecRefused, match=r"algorithm\.mu: expected one of name, options"):
        parse_spec(spec)


def test_parse_algorithm__an_option_twice__is_refused():
    with pytest.raises(
        AlgorithmRefused, match="algorithm fedprox: mu: expected one value, got two"
    ):
        parse_algorithm("fedprox:0.1,mu=0.2")
