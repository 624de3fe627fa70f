"""Operators that do no floating-point arithmetic: views, copies, look-ups, selections, constants, logic.

Only what is on this list costs nothing; what is neither here nor has a formula is an error.
"""

from __future__ import annotations

from efficienttrust.resources.onnx_counting._formulas import free, register_all

COPIES = (
    *("Identity", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Concat", "Split", "Slice", "Expand"),
    *("Tile", "Pad", "Cast", "CastLike", "DepthToSpace", "SpaceToDepth", "Trilu", "ReverseSequence", "Dropout"),
    *("CenterCropPad", "Compress", "BitCast"),
)
LOOK_UPS = (
    *("Gather", "GatherElements", "GatherND", "Where", "Scatter", "OneHot", "NonZero", "Unique"),
    *("StringConcat", "StringNormalizer", "StringSplit", "RegexFullMatch"),
)
CONSTANTS = (
    *("Constant", "ConstantOfShape", "Shape", "Size", "Range", "EyeLike", "RandomNormal", "RandomUniform"),
    *("RandomNormalLike", "RandomUniformLike"),
)
LOGIC = ("And", "Or", "Xor", "Not", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot")

register_all((*COPIES, *LOOK_UPS, *CONSTANTS, *LOGIC), free)
