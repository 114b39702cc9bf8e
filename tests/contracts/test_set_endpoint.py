"""`set_endpoint`: where a seat's blobs are served."""

import pytest
from federation_lab import Lab, OpenLab
from retirement_lab import QUICK, SILENT, retire_silent

from chain.errors import Reverted
from chain.types import EndpointSet


def test_set_endpoint__own_seat__tells_and_changes_nothing_else(lab: Lab) -> None:
    before = lab.read_seat(0)
    url = "http://" + "x" * 249
    assert lab.act("set_endpoint", 0, url, by=0).only(EndpointSet) == EndpointSet(0, url)
    assert lab.read_seat(0) == before


def test_set_endpoint__not_the_owner__refused(lab: Lab) -> None:
    with lab.refused("seats: not the owner"):
        lab.act("set_endpoint", 0, "x", by=1)
    with lab.refused("seats: not the owner"):
        lab.act("set_endpoint", 5, "x", by=1)
    with lab.refused("seats: no such seat"):
        lab.act("set_endpoint", 128, "x", by=1)


def test_set_endpoint__longer_than_256_bytes__refused(lab: Lab) -> None:
    with pytest.raises(Reverted):
        lab.act("set_endpoint", 0, "x" * 257, by=0)


def test_set_endpoint__retired__still_told(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    retire_silent(lab, 2)
    assert lab.act("set_endpoint", SILENT, "back soon", by=SILENT).events
