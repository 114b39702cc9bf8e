"""From the artifact to an address."""

from dataclasses import replace

import pytest
from federation_lab import PARAMETERS, START, Clock

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.errors import ParametersRefused
from chain.sender import Sender
from chain.types import Created


def test_deploy__good_parameters__federation_and_where_its_history_starts() -> None:
    with Devnet(clock=Clock(START), accounts=1) as devnet:
        web3 = connect_devnet(devnet)
        sender = Sender(web3, devnet.accounts[0])
        first, second = (deploy(web3, sender, b"spec", PARAMETERS) for _ in range(2))
        assert first.federation.address != second.federation.address
        assert (first.block, second.block) == (2, 4), "each behind its judge"
        (logged,) = second.federation.get_events(0, 10)
        assert isinstance(logged.event, Created)
        assert logged.at.block == second.block
        assert 0 < first.gas_used == web3.eth.get_block(2)["gasUsed"]


@pytest.mark.parametrize("is_gas_free", [False, True])
def test_deploy__refused_parameters__nothing_is_sent(is_gas_free: bool) -> None:
    with Devnet(clock=Clock(START), accounts=1) as devnet:
        web3 = connect_devnet(devnet)
        sender = Sender(web3, devnet.accounts[0], is_gas_free=is_gas_free)
        with pytest.raises(ParametersRefused, match="rule: no coordinates"):
            deploy(web3, sender, b"spec", replace(PARAMETERS, coordinates=0))
        assert web3.eth.block_number == 0
        assert web3.eth.get_transaction_count(devnet.accounts[0].address, "pending") == 0
