"""What holds for every test."""

from hypothesis import settings

# A machine that is busy elsewhere is no fault of what is tested.
settings.register_profile("holdfast", deadline=None)
settings.load_profile("holdfast")
