"""What holds for every test."""

import gc

from hypothesis import settings

# A machine that is busy elsewhere is no fault of what is tested.
settings.register_profile("holdfast", deadline=None)
settings.load_profile("holdfast")


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it for garbage again and again took an eighth of the
    time of what runs on a chain."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
