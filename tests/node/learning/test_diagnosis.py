"""Diagnosis in a learner's own process: each kind of learner, on rows that Holdfast deals."""

import textwrap

import numpy as np
import pytest

from node.data.share import Share
from node.encoding import encode_model, to_payload
from node.errors import WorkerFailed
from node.learning.diagnosis import Diagnosis
from node.learning.hosting import Hosting, Place
from node.learning.keeping import describe_shared
from node.learning.trial import Subject, Trial
from node.rule.choices import RuleOptions
from node.training import Course

LEARNERS = """
import numpy as np


def estimator(context):
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss")


class Client:
    \"\"\"A Flower client in shape: one weight a column, on rows that Holdfast deals.\"\"\"

    def __init__(self, data):
        self.data = data

    def get_parameters(self, config):
        return [np.zeros(self.data.x_test.shape[1])]

    def fit(self, parameters, config):
        return parameters, 1, {"steps": 1}

    def evaluate(self, parameters, config):
        guesses = (self.data.x_test @ parameters[0] > 0).astype(int)
        return 0.0, len(guesses), {"accuracy": float((guesses == self.data.y_test).mean())}


def client(context):
    return Client(context.data)


def failing(context):
    if len(context.data.y_test) < 60:
        raise RuntimeError("no rows to speak of")
    return Client(context.data)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with learners and a table whose class follows from `age` alone."""
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "clinic_learners.py").write_text(textwrap.dedent(LEARNERS))
    random = np.random.default_rng(3)
    rows = [
        f"{age:.3f},{weight:.3f},1.0,{'ill' if age > 0 else 'well'}"
        for age, weight in random.normal(size=(300, 2))
    ]
    (folder / "rows.csv").write_text("age,weight,unit,outcome\n" + "\n".join(rows) + "\n")
    return folder


def open_diagnosis(folder, name, aim):
    """Diagnose the model that `aim` makes of the arrays that the learner starts from."""
    share = Share(str(folder / "rows.csv"), None, None, "iid", 0.3, 7)
    subject = Subject(name, {}, share, Place(seed=7))
    hosting = Hosting(code=folder, notes=folder, seconds=60.0)
    with Trial(subject, hosting) as trial:
        names, arrays = trial.describe()
    layout = describe_shared(names, arrays, ())
    rule = RuleOptions("mean").build(0)
    course = Course(layout, rule, 7, 0)
    model = encode_model(layout.flatten(aim(arrays)), rule.model_bits)
    return Diagnosis(subject, course, to_payload(model), hosting)


def by_age(arrays):
    """Give weight to the first column alone: softmax has a row for each class, `ill` the first;
    the others have one row, which speaks for `well`."""
    found = [np.zeros_like(array) for array in arrays]
    found[0][..., 0] = [4.0, -4.0] if found[0].shape[:-1] == (2,) else -4.0
    return found


@pytest.mark.parametrize(
    "name",
    [
        "softmax",
        "clinic_learners:client",
        # Each process imports scikit-learn.
        pytest.param("clinic_learners:estimator", marks=pytest.mark.slow),
    ],
)
def test_diagnosis__each_kind_of_learner__names_the_column_that_tells(place, name):
    steps = []
    with open_diagnosis(place, name, by_age) as diagnosis:
        examined = diagnosis.examined
        measured = diagnosis.measure(3, 7, lambda: steps.append("a shuffle"))
        found = {each.column: each for each in measured}
    assert len(steps) == 3 * len(found)
    assert examined.reason is None
    assert examined.columns == ("age", "weight", "unit")
    assert examined.whole.accuracy > 0.95
    assert [each.name for each in examined.classes] == ["ill", "well"]
    assert sum(each.trained for each in examined.classes) == 210
    assert sum(each.judged.samples for each in examined.classes) == examined.whole.samples == 90
    assert found["age"].mean > 0.3
    assert (found["weight"].mean, found["unit"].mean) == (0.0, 0.0)


def test_diagnosis__a_learner_that_fails_on_a_class__is_one_line(place):
    diagnosis = open_diagnosis(place, "clinic_learners:failing", by_age)
    with pytest.raises(WorkerFailed, match="no rows to speak of"), diagnosis:
        pass
