"""`python -m cli` is `holdfast`, whether that is on the path or not."""

from cli.app import main

main()
