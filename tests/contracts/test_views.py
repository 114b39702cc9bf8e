"""The views: what they answer where there is nothing to tell."""

import pytest
from federation_lab import NOBODY, PARAMETERS, Lab, OpenLab

from chain.errors import Reverted


def test_terms__any_time__what_the_federation_was_created_with(lab: Lab) -> None:
    assert lab.federation.get_parameters() == PARAMETERS


def test_round__before_the_first__all_zero(open_lab: OpenLab) -> None:
    assert open_lab().federation.read("round") == (0,) * 7


def test_row__never_committed_to__all_zero(lab: Lab) -> None:
    assert lab.federation.get_row(lab.head, 1) == (bytes(32), 0, 0)


def test_tally__never_proposed__all_zero(lab: Lab) -> None:
    assert lab.federation.get_tally(lab.head) == (0, 0, 0)


def test_seat__free__all_zero(lab: Lab) -> None:
    assert lab.read_seat(4) == (NOBODY, 0, 0, 0, 0, 0)
    assert lab.read_seat(127) == (NOBODY, 0, 0, 0, 0, 0)


def test_seat__beyond_the_last__reverts(lab: Lab) -> None:
    with pytest.raises(Reverted):
        lab.read_seat(128)
