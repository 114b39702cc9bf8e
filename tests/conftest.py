"""What holds for every test."""

import gc

import pytest
from hypothesis import settings

# A machine that is busy elsewhere is no fault of what is tested.
settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("long", deadline=None, max_examples=200)


def pytest_configure(config: pytest.Config) -> None:
    """Where the slow tests run, hypothesis takes its time, too; a profile of the command line goes
    before this one."""
    if config.getoption("--hypothesis-profile", None) is None:
        is_quick = config.getoption("-m") == "not slow"
        settings.load_profile("quick" if is_quick else "long")


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it for garbage again and again took an eighth of the
    time of what runs on a chain."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
