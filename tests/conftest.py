"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("house", deadline=None)  # a busy machine is no counterexample
settings.load_profile("house")
