"""Fused attention kernels, for models that call them by name; through torch.nn they arrive taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from efficienttrust.models.counting._formulas import register_all
from efficienttrust.resources.flops import Cost, attention_cost


def _attention(arguments: Mapping[str, Any], output: Any) -> Cost:
    """Q [.., heads, L, d], K [.., heads, S, d], V [.., heads, S, e]; a causal mask saves nothing here."""
    query, key, value = (arguments[name] for name in ("query", "key", "value"))
    queries, width = query.shape[-2:]
    keys = key.shape[-2]
    cost = attention_cost(query.numel() / (queries * width), queries, keys, width, value.shape[-1])
    mask = arguments.get("attn_mask") is not None or arguments.get("attn_bias") is not None
    return cost._replace(other=cost.other + mask * query.numel() / width * keys)


register_all(
    (
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
        "_scaled_dot_product_fused_attention_overrideable",
    ),
    _attention,
)
