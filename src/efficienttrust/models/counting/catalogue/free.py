"""Operators that do no floating-point arithmetic: views, copies, look-ups, selections, constants, logic.

Only what is on this list costs nothing; what is neither here nor has a formula is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from efficienttrust.models.counting._formulas import register_all
from efficienttrust.resources.flops import Cost

VIEWS = (
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "view_as_real", "view_as_complex", "as_strided", "alias"),
    *("t", "transpose", "permute", "movedim", "swapaxes", "squeeze", "unsqueeze", "expand", "detach", "unfold"),
    *("slice", "select", "narrow", "split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", "chunk"),
    *("unbind", "diagonal", "real", "imag", "lift", "lift_fresh", "_conj", "_neg_view", "resolve_conj", "resolve_neg"),
)
COPIES = (
    *("clone", "copy", "_to_copy", "to", "contiguous", "cat", "stack", "repeat", "repeat_interleave", "roll", "flip"),
    *("tril", "triu", "constant_pad_nd", "im2col", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "rot90"),
    *("reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d"),
    *("replication_pad3d", "slice_scatter", "select_scatter", "diag_embed", "resize", "set", "lift_fresh_copy"),
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact2d", "diagonal_copy"),
    *("_upsample_nearest_exact1d", "_upsample_nearest_exact3d", "alias_copy", "as_strided_copy", "as_strided_scatter"),
    *("block_diag", "complex", "diagonal_scatter", "expand_copy", "max_unpool2d", "max_unpool3d", "narrow_copy"),
    *("permute_copy", "resize_as", "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy", "transpose_copy"),
    *("unbind_copy", "unfold_copy", "unsqueeze_copy", "view_copy", "_chunk_cat", "_conj_physical", "copysign"),
)
LOOK_UPS = (
    *("embedding", "index", "index_select", "gather", "take", "take_along_dim", "_unsafe_index"),
    *("index_fill", "index_copy", "masked_fill", "masked_select", "where", "nonzero", "bucketize"),
    *("searchsorted", "masked_scatter", "_local_scalar_dense", "item", "is_nonzero", "equal", "_unique2"),
    *("unique_consecutive", "nonzero_static"),
)
CONSTANTS = (
    *("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "zeros", "zeros_like", "new_zeros"),
    *("ones", "ones_like", "new_ones", "full", "full_like", "new_full", "fill", "zero", "arange", "eye", "linspace"),
    *("scalar_tensor", "_efficientzerotensor", "empty_permuted", "tril_indices", "triu_indices"),
)
LOGIC = (
    *("logical_and", "logical_or", "logical_not", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_not"),
    *("bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "any", "all", "signbit", "isfinite"),
    *("is_same_size", "sym_size", "sym_numel", "sym_stride", "_assert_async", "_assert_scalar"),
)
RANDOM = (
    *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "bernoulli", "normal"),
    *("uniform", "exponential", "log_normal", "cauchy", "geometric"),
)
"""Generators draw bits; what is done with the numbers is counted where it is done."""


def _nothing(arguments: Mapping[str, Any], output: Any) -> Cost:
    return Cost()


register_all((*VIEWS, *COPIES, *LOOK_UPS, *CONSTANTS, *LOGIC, *RANDOM), _nothing)
