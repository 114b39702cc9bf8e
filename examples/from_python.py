"""Five peers, one of them an attacker, agree on a model of handwritten digits."""

from localnet.network import Localnet
from localnet.report import RoundEnded
from localnet.scenario import Scenario

if __name__ == "__main__":
    scenario = Scenario(peers=5, rounds=5, learner="softmax", byzantine=("1:sign_flip:10",), seed=1)
    with Localnet(scenario) as net:
        for report in net.run():
            if isinstance(report, RoundEnded):
                print(f"round {report.round}: {report.votes} votes, accuracy {report.accuracy:.3f}")
        print("head 0x" + net.summary().head.hex())
