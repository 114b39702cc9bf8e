"""Small federations, run to their end in a second."""

from dataclasses import replace

from localnet.network import Localnet
from localnet.report import RoundEnded
from localnet.scenario import Scenario

SMALL = Scenario(
    peers=5,
    rounds=3,
    dataset="breast_cancer",
    learner="softmax",
    partition="iid",
    seed=7,
)


def small(**changed):
    return replace(SMALL, **changed)


def run(scenario, **how):
    """Return the rounds' reports and the summary; on one core, since each starts a process and the
    tests are on all of them."""
    with Localnet(scenario, **{"cores": 1, **how}) as net:
        ended = [report for report in net.run() if isinstance(report, RoundEnded)]
        return ended, net.summary()


def audit_kept(directory):
    """Return the finding of an audit of a kept run, and the model roots that it recomputed."""
    from chain.keys import compute_genesis_key
    from localnet.source import open_kept
    from node.audit import Audit

    with open_kept(directory) as source:
        source.contract.observer.poll()
        federation = source.contract.federation
        genesis = compute_genesis_key(
            federation.chain_id, federation.address, source.contract.parameters.genesis
        )
        audit = Audit(genesis, federation.chain_id, federation.address, source.blobs)
        checked = list(audit.run(source.contract.observer.history))
        return audit.finding, [each.model_root for each in checked]
