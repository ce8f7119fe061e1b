"""`transformer_lens.head_detector`: see `lensd.head_detector`."""

from lensd.head_detector import *  # noqa: F403
