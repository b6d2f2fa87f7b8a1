"""What holds for all tests."""

import signal

from hypothesis import settings

signal.signal(signal.SIGINT, signal.default_int_handler)
"""What a shell runs in the background ignores it, and so would the programs that tests interrupt."""

settings.register_profile("house", deadline=None)  # a busy machine is no counterexample
settings.load_profile("house")
