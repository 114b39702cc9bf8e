"""A model held against a peer's rows: laws of permutation importance, and whose rows are judged."""

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression

from node.data.dataset import Dataset
from node.learning.diagnosis import SEEDS
from node.learning.examination import Examination, summarise_drops

ROWS, REPEATS, SEED = 400, 6, 11
NAMES = ("a", "b", "b", "c", "d")


def make_rows(columns=NAMES):
    """Return rows whose class follows from column `a` alone, and somewhat from `b`; `d` is
    constant."""
    random = np.random.default_rng(5)
    features = random.normal(size=(ROWS, len(NAMES))).astype(np.float32)
    features[:, 4] = 0.5
    labels = (features[:, 0] + 0.2 * features[:, 1] > 0).astype(np.int64)
    return Dataset("made", features, labels, ("no", "yes"), columns=columns)


@pytest.fixture(scope="module")
def estimator():
    rows = make_rows()
    return LogisticRegression().fit(rows.features, rows.labels)


def judge_with(estimator):
    """Return what judges rows as the adapter of scikit-learn does, and keeps what it saw."""

    def judge(rows):
        right = estimator.predict(rows.features) == rows.labels
        return float(1 - right.mean()), rows.samples, {"accuracy": float(right.mean())}

    return judge


def drops_of(examination, seed=SEED):
    columns = examination.describe().columns
    return {
        name: [examination.shuffle(place, repeat, seed) for repeat in range(REPEATS)]
        for place, name in enumerate(columns)
    }


def test_shuffle__columns_of_one_feature__is_what_scikit_learn_says(estimator):
    rows = make_rows(columns=())
    examination = Examination(judge_with(estimator), rows, rows)
    theirs = permutation_importance(
        estimator, rows.features, rows.labels, n_repeats=REPEATS, random_state=SEED
    )
    drawn = int(np.random.RandomState(SEED).randint(SEEDS))
    ours = list(drops_of(examination, drawn).values())
    assert np.array_equal(np.array(ours), theirs.importances)
    means, deviations = zip(*map(summarise_drops, ours), strict=True)
    assert means == pytest.approx(theirs.importances_mean)
    assert deviations == pytest.approx(theirs.importances_std)
    assert theirs.importances_mean[0] > 0.2


def test_shuffle__a_constant_column__loses_exactly_nothing_and_judges_nothing(estimator):
    rows, asked = make_rows(), []

    def judge(judged):
        asked.append(judged)
        return judge_with(estimator)(judged)

    examination = Examination(judge, rows, rows)
    before = len(asked)
    assert [examination.shuffle(3, repeat, SEED) for repeat in range(REPEATS)] == [0.0] * REPEATS
    assert len(asked) == before


def test_shuffle__the_one_column_that_tells__loses_most(estimator):
    rows = make_rows()
    drops = drops_of(Examination(judge_with(estimator), rows, rows))
    means = {name: summarise_drops(each)[0] for name, each in drops.items()}
    assert list(means) == ["a", "b", "c", "d"]
    assert max(means, key=means.get) == "a"
    assert means["a"] > 5 * max(abs(means["b"]), abs(means["c"]))


def test_shuffle__columns_in_another_order__each_loses_the_same(estimator):
    rows, order = make_rows(), [3, 4, 1, 2, 0]
    moved = Dataset(
        "moved",
        rows.features[:, order],
        rows.labels,
        rows.classes,
        columns=tuple(NAMES[place] for place in order),
    )
    back = np.argsort(order)

    def judge(judged):
        turned = Dataset("", judged.features[:, back], judged.labels, judged.classes)
        return judge_with(estimator)(turned)

    plain = drops_of(Examination(judge_with(estimator), rows, rows))
    other = drops_of(Examination(judge, moved, moved))
    assert list(other) == ["c", "d", "b", "a"]
    assert other == plain


def test_shuffle__a_category__all_its_features_go_together(estimator):
    rows, seen = make_rows(), []

    def judge(judged):
        seen.append(judged.features)
        return judge_with(estimator)(judged)

    Examination(judge, rows, rows).shuffle(1, 0, SEED)
    shuffled = seen[-1]
    assert np.array_equal(np.delete(shuffled, [1, 2], 1), np.delete(rows.features, [1, 2], 1))
    pairs, before = (sorted(map(tuple, x[:, 1:3].tolist())) for x in (shuffled, rows.features))
    assert pairs == before
    assert not np.array_equal(shuffled, rows.features)


def test_shuffle__no_accuracy__the_loss_is_what_grows():
    rows = make_rows()
    numbers = Dataset(
        "numbers",
        rows.features,
        rows.labels,
        ("low", "high"),
        targets=3 * rows.features[:, 0],
        columns=NAMES,
    )

    def judge(judged):
        guesses = 3 * judged.features[:, 0]
        return float(np.square(guesses - judged.targets).mean()), judged.samples, {}

    drops = drops_of(Examination(judge, numbers, numbers))
    variance = float(numbers.targets.var())
    # Two independent draws of the same numbers differ by twice their variance.
    assert summarise_drops(drops["a"])[0] == pytest.approx(2 * variance, rel=0.15)
    assert [drops[name] for name in "bcd"] == [[0.0] * REPEATS] * 3


def test_describe__classes__are_judged_each_by_itself(estimator):
    rows = make_rows()
    train = rows.take(np.flatnonzero(rows.labels == 1))
    told = Examination(judge_with(estimator), train, rows).describe()
    no, yes = told.classes
    assert (no.name, no.trained, yes.trained) == ("no", 0, train.samples)
    assert no.judged.samples + yes.judged.samples == told.whole.samples == ROWS
    hits = no.judged.samples * no.judged.accuracy + yes.judged.samples * yes.judged.accuracy
    assert hits == pytest.approx(ROWS * told.whole.accuracy)
    only = Examination(judge_with(estimator), rows, train).describe()
    assert only.classes[0].judged is None
    assert only.reason is None


def test_describe__a_learner_that_judges_on_other_rows__is_found_out():
    rows = make_rows()
    said = {"accuracy": 0.9, "accuracy_by_class": {"no": 0.8, "yes": 1.0}}
    for count in (ROWS, 77):
        told = Examination(lambda judged: (0.1, count, said), rows, rows).describe()  # noqa: B023
        assert told.columns == ()
        assert told.reason == "its learner judges on other rows than those that it was given"
        assert {each.name: each.judged.accuracy for each in told.classes} == {"no": 0.8, "yes": 1.0}


def test_describe__a_learner_with_data_of_its_own__tells_what_it_says_and_why_no_more():
    told = Examination(lambda judged: (0.1, 9, {"accuracy": 0.9}), None, None).describe()
    assert (told.whole.samples, told.whole.loss, told.whole.accuracy) == (9, 0.1, 0.9)
    assert (told.classes, told.columns) == ((), ())
    assert told.reason == "its learner brings its own data, whose columns are not known here"
