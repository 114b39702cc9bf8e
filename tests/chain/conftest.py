"""Federations to try things on."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "models"))
sys.path.append(str(Path(__file__).parent / "devnet"))

from federation_lab import lab, open_lab

__all__ = ["lab", "open_lab"]
