"""A resident model: tokens, passes, activations, ablations."""

from __future__ import annotations

from lensd.analysing import Analysing
from lensd.differentiating import Differentiating
from lensd.generating import Generating
from lensd.head_kinds import HeadKinds
from lensd.model_parts import Parts
from lensd.sweeping import Sweeping
from lensd.weight_analysing import WeightAnalysing


class Model(Parts, Analysing, WeightAnalysing, Differentiating, Sweeping, HeadKinds, Generating):
    """One form of a resident model, under the names and with the values of TransformerLens's `HookedTransformer`.

    Wherever an `input` is taken it is a text, token ids [pos] or [batch, pos] (lists, NumPy arrays, torch tensors), or
    a list of texts or of rows of ids, which may differ in length; results are then right-padded with zeros and have
    `.lengths`, and padding never influences a number. Token arrays from `to_tokens` are cut to their `.lengths`; the
    rows of any other array are run whole. `prepend_bos` counts for texts. Safe from several threads.
    """
