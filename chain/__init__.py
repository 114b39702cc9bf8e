"""Ethereum: everything that knows roots and seats, and nothing of learning."""

import os

# Tries and contracts hash all the time; of eth-hash's two backends this one takes a sixth of the
# time, and without a word it would choose the other.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
