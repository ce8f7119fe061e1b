"""Gradients: the methods of `Model` for them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lensd.arrays import Array
from lensd.cache import NamesFilter
from lensd.errors import InvalidArgument
from lensd.gradients import GradientOf, Gradients, PassRecipe, attributions, scalar_of, take_gradients
from lensd.hook_names import resolve_key
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.metrics import Metric
from lensd.passing import Passing
from lensd.prompts import Input


class Differentiating(Passing):
    """The part of a model that takes the way back through a pass."""

    def gradient(
        self,
        input: Input,
        of: GradientOf | Metric = "loss",
        wrt: NamesFilter = None,
        *,
        interventions: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
    ) -> Gradients:
        """The gradient of a scalar with respect to activations, without torch: a cache as `run_with_cache` gives it.

        `of` is "loss", an objective such as `lensd.logit_diff(5, 9)`, a metric of sweeps such as
        `lensd.metrics.logit_diff(" Lily", " Tom")`, or cotangents `{hook: [batch, …]}`: the gradient of the sum of
        their products with the activations. `wrt` names points as `names_filter` does. With an edit at
        a point the gradient there is that of the edited activation.
        """
        if self._hooks.calls() or self._hooks.calls("bwd"):
            self._hooks.refuse("gradient")
        prompts = self._token_prompts(input, prepend_bos)
        if isinstance(of, Metric):
            of = of.objective(self.to_single_token)
        scalar, wanted = scalar_of(of, len(prompts), wrt, self.hook_names)
        lengths = [len(prompt.tokens.ids) for prompt in prompts]
        edits = intervention_messages((*self._hooks.interventions(), *interventions), self.name)
        recipe = PassRecipe(self.name, self.fingerprint, prompts, edits)
        taken = take_gradients(self._channel, recipe, scalar, lengths, self._arrays, wanted=wanted)
        return Gradients(taken, self._arrays, self.hook_names, wanted, np.array(lengths, np.int64))

    def attribution_patching(
        self,
        clean: Input,
        corrupted: Input,
        metric: GradientOf | Metric,
        hook: str = "z",
        prepend_bos: bool | None = True,
    ) -> Array:
        """What patching each part of the clean run into the corrupted one would do to a metric, to first order.

        The gradient on the corrupted run times (clean - corrupted), summed over the prompts: [layer, head] for a point
        with heads, [layer, pos] for others (`"resid_pre"`, `"mlp_out"`, …). Prompts correspond and have one length.
        """
        names = [resolve_key((hook, layer), self.hook_names, self.cfg.n_layers) for layer in range(self.cfg.n_layers)]
        gradients = self.gradient(corrupted, metric, names, prepend_bos=prepend_bos)
        there, here = (
            self.run_with_cache(each, None, prepend_bos=prepend_bos, names_filter=names)[1]
            for each in (clean, corrupted)
        )
        lengths = [cache.lengths.tolist() for cache in (there, here)]
        if lengths[0] != lengths[1] or len(set(lengths[0])) != 1:
            raise InvalidArgument(
                f"clean and corrupted prompts correspond and have one length; received {lengths[0]} and {lengths[1]}"
            )
        return self._arrays.array(attributions(gradients, there, here, names))
