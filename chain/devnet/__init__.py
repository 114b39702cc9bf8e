"""The embedded development chain: py-evm in process, SQLite on disk, JSON-RPC for web3.

`chain.devnet.devnet.Devnet` is the door. Nothing is imported here, so that whoever only needs
`chain.devnet.errors` does not load py-evm.
"""
