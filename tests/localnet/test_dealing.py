"""What is told of a federation's data is what its peers deal to themselves."""

from runs_lab import small

from localnet.dealing import HELD_OUT, describe_deal
from node.data.share import Share
from node.learning.hosting import Hosting


def test_describe_deal__data_of_holdfasts__is_each_peers_own_share():
    scenario = small(partition="dirichlet:0.3")
    report = describe_deal(scenario, Hosting())
    counts = []
    for which in range(1, scenario.peers + 1):
        share = Share(
            scenario.dataset,
            None,
            (which, scenario.peers),
            scenario.partition,
            HELD_OUT,
            scenario.seed,
        )
        train_on, _ = share.load()
        counts.append(tuple(train_on.class_counts()))
    assert [peer.counts for peer in report.balance.peers] == counts
    assert report.balance.skew > 0


def test_describe_deal__code_that_gives_rows__is_read_in_a_process(tmp_path):
    (tmp_path / "table.py").write_text(
        "def rows():\n    return [{'a': float(i), 'kind': 'xy'[i % 2]} for i in range(40)]\n"
    )
    scenario = small(dataset="table:rows", peers=2, min_updates=2, label="kind")
    report = describe_deal(scenario, Hosting(code=tmp_path))
    assert sum(peer.samples for peer in report.balance.peers) == 32
    assert report.balance.classes == ("x", "y")


def test_describe_deal__learners_with_data_of_their_own__is_nobodys_business():
    assert describe_deal(small(dataset="own", learner="guests:make"), Hosting()) is None
