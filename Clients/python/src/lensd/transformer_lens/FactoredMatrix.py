"""`transformer_lens.FactoredMatrix`."""  # noqa: N999

from lensd.factored_matrix import FactoredMatrix

__all__ = ["FactoredMatrix"]
