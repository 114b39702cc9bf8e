"""Writes merkle.json and rule.json: `python tests/vectors/generate_rule_vectors.py`.

Trees are hashed by the definition, recursively; results come from the rule's readable form. Neither
the fast Merkle code nor numpy has a part in it, so the files hold those to account, and later the
contract.
"""

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from eth_abi import encode
from eth_hash.auto import keccak

from node.rule.parameters import Member, Roll, Rule, Selection, Weighting, check_rule
from node.rule.readable import aggregate_readably, clip_update, find_step

HERE = Path(__file__).parent


def hash_tree(leaves, first, depth):
    """Return the node over the `2**depth` leaves from `first` on."""
    if depth == 0:
        return leaves[first] if first < len(leaves) else bytes(32)
    half = 2 ** (depth - 1)
    left = hash_tree(leaves, first, depth - 1)
    right = hash_tree(leaves, first + half, depth - 1)
    return sha256(b"\x01" + left + right).digest()


def build_tree_case(size, tag, leaf_index):
    payload = bytes((7 * i + 3) % 256 for i in range(size))
    count = (size + 255) // 256
    padded = payload + bytes(256 * count - size)
    chunks = [padded[256 * i : 256 * (i + 1)] for i in range(count)]
    leaves = [sha256(b"\x00" + tag + chunk).digest() for chunk in chunks]
    depth = 0
    while 2**depth < count:
        depth += 1
    path = [hash_tree(leaves, (leaf_index >> level ^ 1) << level, level) for level in range(depth)]
    return {
        "payload": payload.hex(),
        "tag": tag.hex(),
        "depth": depth,
        "leaves": [leaf.hex() for leaf in leaves],
        "root": hash_tree(leaves, 0, depth).hex(),
        "leaf_index": leaf_index,
        "chunk": chunks[leaf_index].hex(),
        "path": [node.hex() for node in path],
    }


def build_tag_case(chain_id, address, round_id, seat):
    words = encode(
        ["uint256", "address", "uint256", "uint256"], [chain_id, address, round_id, seat]
    )
    return {
        "chain_id": chain_id,
        "contract": address.hex(),
        "round": round_id,
        "seat": seat,
        "tag": keccak(words).hex(),
    }


def build_merkle():
    blank, ones = bytes(32), b"\x11" * 32
    trees = [(1, blank, 0), (256, ones, 0), (257, blank, 1), (600, ones, 2), (1025, blank, 4)]
    tags = [(1, bytes(20), 0, 0), (31337, bytes(range(1, 21)), 7, 127)]
    return {
        "trees": [build_tree_case(*case) for case in trees],
        "tags": [build_tag_case(*case) for case in tags],
    }


def build_aggregate_case(name, rule, stakes, samples, head, updates, absent_wei=0, absent=0):
    members = [
        Member(seat, stake, claim)
        for seat, (stake, claim) in enumerate(zip(stakes, samples, strict=True))
    ]
    roll = Roll(sum(stakes) + absent_wei, len(stakes) + absent)
    check_rule(rule, len(head))
    result = aggregate_readably(rule, roll, members, head, updates)
    return {
        "name": name,
        "rule": asdict(rule),
        "roll": asdict(roll),
        "members": [asdict(member) for member in members],
        "head": head,
        "updates": updates,
        "coefficients": [list(pair) for pair in result.coefficients],
        "wire": "".join(f"{c:08x}{a:08x}" for c, a in result.coefficients),
        "credited": list(result.credited),
        "model": result.model,
    }


def build_aggregates():
    stake, equal, samples = Weighting.STAKE, Weighting.EQUAL, Weighting.SAMPLES
    none, vouched, krum = Selection.NONE, Selection.VOUCHED, Selection.MULTI_KRUM
    four, five = [1] * 4, [1] * 5
    far = [[10, 0], [12, 1], [11, -1], [9, 0], [-300, 400]]
    top = [2**31 - 1, -(2**31)]
    return [
        build_aggregate_case(
            "the mean of equals",
            Rule(equal, none, 0, 0, 0, 2, 14, 14),
            four,
            four,
            [0, 100, -100],
            [[1, 2, 3], [2, 2, 3], [2, 2, 3], [2, 2, 4]],
        ),
        build_aggregate_case(
            "the mean by stake, dust weighs nothing",
            Rule(stake, none, 0, 0, 0, 2, 14, 20),
            [3 * 10**18, 10**18, 1],
            [0, 0, 0],
            [5, -5],
            [[100, -100], [60, -60], [9000, 9000]],
        ),
        build_aggregate_case(
            "the mean by samples, a boast is capped",
            Rule(samples, none, 0, 0, 0, 2, 14, 16),
            [1, 1, 1],
            [100, 50, 10**9],
            [0],
            [[4], [8], [-4]],
        ),
        build_aggregate_case(
            "one long update is clipped",
            Rule(equal, none, 0, 0, 1000, 2, 14, 14),
            four,
            four,
            [0, 0],
            [[3, 4], [4, 3], [-3, 4], [300, -400]],
        ),
        build_aggregate_case(
            "vouched leaves out the boosted one",
            Rule(stake, vouched, 0, 2000, 1000, 2, 14, 20),
            five,
            five,
            [0, 1000],
            far,
        ),
        build_aggregate_case(
            "vouched by unequal stakes, one seat absent",
            Rule(stake, vouched, 0, 2000, 20, 2, 14, 18),
            [30, 25, 20, 15, 10],
            five,
            [7, 7],
            far,
            absent_wei=5,
            absent=1,
        ),
        build_aggregate_case(
            "vouched and trimmed",
            Rule(stake, vouched, 1500, 1000, 1000, 1, 7, 20),
            [30, 25, 20, 15, 10],
            five,
            [7, 7],
            [[10, 0], [12, 1], [11, -1], [9, 0], [-128, 127]],
        ),
        build_aggregate_case(
            "vouched among ties goes by position",
            Rule(equal, vouched, 0, 2500, 100, 2, 14, 14),
            five,
            five,
            [0, 0],
            [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]],
        ),
        build_aggregate_case(
            "multi_krum drops the farthest",
            Rule(equal, krum, 0, 2000, 1000, 2, 14, 20),
            five,
            five,
            [0, 0],
            far,
        ),
        build_aggregate_case(
            "the median of an even number lies between two",
            Rule(equal, none, 5000, 2500, 0, 2, 14, 14),
            four,
            four,
            [0, 0, 0],
            [[1, -1, 5], [2, -2, 5], [3, -3, 6], [900, -900, 6]],
        ),
        build_aggregate_case(
            "a trim cuts through a weight",
            Rule(stake, none, 1000, 500, 0, 2, 14, 17),
            [2, 3, 5],
            [0, 0, 0],
            [0],
            [[30], [10], [20]],
        ),
        build_aggregate_case(
            "the head saturates at both ends",
            Rule(equal, none, 0, 0, 0, 2, 0, 20),
            [1],
            [1],
            top,
            [[32767, -32768]],
        ),
    ]


def build_rule():
    steps = [
        ([-1, 0], [1, 1], 0, 0),
        ([-3, 0], [1, 1], 0, 0),
        ([3, 0], [1, 1], 0, 0),
        ([-1, 0, 0], [1, 1, 1], 0, 1),
        ([5, -7, 9], [2, 3, 4], 2500, 6),
        ([5, -7, 9], [2, 3, 4], 5000, 6),
        ([5, -7, 9, 9], [2, 3, 4, 1], 5000, 6),
        ([5, 5, -7], [0, 3, 4], 4999, 6),
        ([-32768] * 2, [2**24, 2**24 - 1], 0, 20),
        ([32767, -32768], [2**24, 2**24 - 1], 1, 20),
        ([-128, 127], [2**24, 2**24 - 1], 5000, 28),
    ]
    clips = [
        (value, factor)
        for value in (-32768, -3, -1, 0, 1, 3, 32767)
        for factor in (0, 1, 32768, 65535, 65536)
    ]
    return {
        "aggregates": build_aggregates(),
        "steps": [
            {
                "values": values,
                "weights": weights,
                "trim_bps": trim_bps,
                "guard": guard,
                "step": find_step(values, weights, trim_bps, guard),
            }
            for values, weights, trim_bps, guard in steps
        ],
        "clips": [
            {"value": value, "factor": factor, "clipped": clip_update([value], factor)[0]}
            for value, factor in clips
        ],
    }


def write(name, vectors):
    """Write one group an entry, one case a line: small, and a change shows in a diff."""
    groups = []
    for group, cases in vectors.items():
        lines = ",\n".join("  " + json.dumps(case) for case in cases)
        groups.append(f' "{group}": [\n{lines}\n ]')
    (HERE / name).write_text("{\n" + ",\n".join(groups) + "\n}\n")


if __name__ == "__main__":
    write("merkle.json", build_merkle())
    write("rule.json", build_rule())
