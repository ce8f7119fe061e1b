"""`transformer_lens.utils`: see `lensd.transformer_lens.utilities`."""

from lensd.transformer_lens.utilities import *  # noqa: F403
