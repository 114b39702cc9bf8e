"""The embedded development chain: py-evm in process, SQLite on disk, JSON-RPC for web3."""

from chain.devnet.devnet import Devnet as Devnet
