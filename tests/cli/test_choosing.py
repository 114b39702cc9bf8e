"""What the options of a simulation come to, and those that would come to nothing."""

import pytest
import typer

from cli.choosing import LEARNER_OPTIONS, choose_scenario, find_code, parse_options

OWN = {"learner": "client:client_fn"}


@pytest.mark.parametrize("name", LEARNER_OPTIONS)
def test_choose_scenario__an_option_of_the_built_in_learners__is_not_for_ones_own(name):
    flag = "--" + name.replace("_", "-")
    with pytest.raises(typer.BadParameter) as caught:
        choose_scenario({**OWN, name: True if name == "class_weights" else 64})
    told = str(caught.value)
    assert told.startswith(f"{flag}: expected a learner that comes with Holdfast (mlp, softmax)")
    value = "true" if name == "class_weights" else "64"
    assert told.endswith(f"hand your own learner an option by --option {name}={value}")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({**OWN, "partition": "iid"}, "--partition: expected data that Holdfast deals"),
        ({**OWN, "label": "kind"}, "--label: expected data that Holdfast deals"),
        ({"hidden": "wide"}, "--hidden: expected widths such as 32,16, got 'wide'"),
        ({"epochs": 2, "option": ["epochs=3"]}, "--epochs: expected one value, got another by"),
        ({**OWN, "option": ["rate=1", "rate=2"]}, "--option rate: expected one value, got two"),
    ],
)
def test_choose_scenario__what_would_do_nothing__is_refused(given, told):
    with pytest.raises(typer.BadParameter, match=told):
        choose_scenario(given)


def test_choose_scenario__a_learner_of_ones_own__is_handed_the_options():
    scenario = choose_scenario({**OWN, "option": ["epochs=3", "name=a b", "deep=[2, 1]"]})
    assert scenario.options == {"epochs": 3, "name": "a b", "deep": [2, 1]}
    assert scenario.brings_data


def test_choose_scenario__its_own_learner_on_dealt_data__may_say_how_they_are_dealt():
    scenario = choose_scenario({**OWN, "dataset": "digits", "partition": "iid"})
    assert (scenario.dataset, scenario.partition) == ("digits", "iid")


@pytest.mark.parametrize(("peers", "fewest"), [(1, 1), (2, 2), (3, 3), (10, 3)])
def test_choose_scenario__no_min_updates__is_three_or_all_of_fewer(peers, fewest):
    scenario = choose_scenario({"peers": peers})
    assert scenario.min_updates == fewest
    scenario.check()


def test_choose_scenario__min_updates_given__is_taken_as_it_is():
    assert choose_scenario({"peers": 2, "min_updates": 3}).min_updates == 3


def test_find_code__no_folder__is_refused(tmp_path):
    (tmp_path / "client.py").write_text("")
    assert find_code(tmp_path) == tmp_path.resolve()
    for path in (tmp_path / "absent", tmp_path / "client.py"):
        with pytest.raises(typer.BadParameter, match="expected the folder of its module, got"):
            find_code(path)


def test_parse_options__none__is_none():
    assert parse_options(None) == {}
