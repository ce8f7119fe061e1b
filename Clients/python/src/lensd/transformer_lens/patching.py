"""`transformer_lens.patching`: see `lensd.patching`."""

from lensd.patching import *  # noqa: F403
