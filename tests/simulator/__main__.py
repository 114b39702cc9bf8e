"""Play one seed again: `python -m tests.simulator SEED [--overrun] [--trace]`."""

import argparse
import logging
import sys

from .overrun import Overrun
from .world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--trace", action="store_true", help="print all that happens")
    parser.add_argument(
        "--overrun", action="store_true", help="let more than two thirds lie or hide"
    )
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    kind = Overrun if options.overrun else World
    world = kind(options.seed, is_traced=options.trace)
    try:
        counters = world.play()
    finally:
        sys.stdout.writelines(line + "\n" for line in world.lines)
    for name, count in sorted(counters.items()):
        sys.stdout.write(f"{count:6d} {name}\n")


if __name__ == "__main__":
    main()
