"""Nodes to run a federation on."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "models"))
sys.path.append(str(Path(__file__).parents[1] / "chain" / "devnet"))
sys.path.append(str(Path(__file__).parents[1] / "node" / "blobs"))
