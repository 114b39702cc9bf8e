"""Signed requests against the standard spelled out by hand, and with one thing broken each."""

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_account import Account
from eth_hash.auto import keccak
from eth_keys import keys

from chain.signatures import Signatures
from chain.states import Reading
from chain.types import Seat

CONTRACT = "0x" + "Ab" * 20
KEY = bytes(31) + b"\x07"
ACCOUNT = Account.from_key(KEY)
READING = Reading(Seat(3), Seat(5), "GET", "/blobs/0xaa/0xbb", 1_700_000_000)
VECTOR = (
    "4de5aa4a936834b5ef325f2a57a20e570cb8cab4c02b8329dc4826b5bdfa8a4a06"
    "c178639240f4d423ade3c44b7678390e7e53e82699a6546c7b5cc085589d831b"
)
"""Over READING on chain 31337, by the key 7; deterministic (RFC 6979)."""


def digest_by_hand(chain_id, contract, reading):
    """EIP-712: keccak256(0x1901 | domain separator | hash of the struct)."""
    domain_type = keccak(
        b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    )
    domain = encode(
        ["bytes32", "bytes32", "bytes32", "uint256", "address"],
        [domain_type, keccak(b"Holdfast"), keccak(b"1"), chain_id, contract],
    )
    struct_type = keccak(
        b"Reading(uint256 reader,uint256 server,string method,string path,uint256 at)"
    )
    struct = encode(
        ["bytes32", "uint256", "uint256", "bytes32", "bytes32", "uint256"],
        [
            struct_type,
            reading.reader,
            reading.server,
            keccak(reading.method.encode()),
            keccak(reading.path.encode()),
            reading.at,
        ],
    )
    return keccak(b"\x19\x01" + keccak(domain) + keccak(struct))


def test_sign__known_key__is_the_vector_and_the_standard_by_hand():
    signature = Signatures(31337, CONTRACT).sign(ACCOUNT, READING)
    assert signature.hex() == VECTOR
    digest = digest_by_hand(31337, CONTRACT, READING)
    bare = keys.Signature(signature[:64] + bytes([signature[64] - 27]))
    assert bare.recover_public_key_from_msg_hash(digest).to_checksum_address() == ACCOUNT.address


def test_recover__what_was_signed__is_the_signer():
    signatures = Signatures(31337, CONTRACT)
    assert signatures.recover(READING, signatures.sign(ACCOUNT, READING)) == ACCOUNT.address


@pytest.mark.parametrize(
    "changed",
    [
        {"reader": Seat(4)},
        {"server": Seat(6)},
        {"method": "HEAD"},
        {"path": "/blobs/0xaa/0xbc"},
        {"at": READING.at + 1},
    ],
)
def test_recover__one_field_changed__is_somebody_else(changed):
    signatures = Signatures(31337, CONTRACT)
    signature = signatures.sign(ACCOUNT, READING)
    assert signatures.recover(replace(READING, **changed), signature) != ACCOUNT.address


@pytest.mark.parametrize("domain", [(1, CONTRACT), (31337, "0x" + "ac" * 20)])
def test_recover__another_chain_or_contract__is_somebody_else(domain):
    signature = Signatures(*domain).sign(ACCOUNT, READING)
    assert Signatures(31337, CONTRACT).recover(READING, signature) != ACCOUNT.address


@pytest.mark.parametrize(
    "signature",
    [b"", bytes(64), bytes(65), bytes(66), b"\xff" * 65, b"\xff" * 64 + b"\x1b"],
)
def test_recover__no_signature__is_nobody(signature):
    assert Signatures(31337, CONTRACT).recover(READING, signature) is None
