"""The operations that a file's graph may contain where we run it: numbers in, numbers out. No TensorFlow.

An allow-list: whatever reads, writes, prints, loads, calls Python or loops is not on it, and neither is what is new.
"""

from __future__ import annotations

UNARY = frozenset(
    "Abs Acos Asin Atan Cast Ceil CheckNumerics Cos Cosh Elu Erf Erfc Exp Expm1 Floor Identity Inv IsFinite IsInf "
    "IsNan LeakyRelu Log Log1p LogicalNot Neg OnesLike PreventGradient Reciprocal Relu Relu6 Rint Round Rsqrt Selu "
    "Sigmoid Sign Sin Sinh Snapshot Softplus Softsign Sqrt Square StopGradient Tan Tanh ZerosLike EnsureShape".split()
)
"""Each element by itself."""
BINARY = frozenset(
    "Add AddV2 Atan2 BiasAdd BiasAddV1 ClipByValue Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less "
    "LessEqual LogicalAnd LogicalOr Maximum Minimum Mod Mul MulNoNan NotEqual Pow RealDiv Select SelectV2 "
    "SquaredDifference Sub TruncateDiv TruncateMod Xdivy Xlogy".split()
)
"""Element by element of two or three arrays, the shorter stretched."""
PRODUCTS = frozenset("MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3".split())
CONVOLUTIONS = frozenset("Conv2D DepthwiseConv2dNative".split())
WEIGHTED = PRODUCTS | CONVOLUTIONS
"""The operations whose second input are a layer's weights."""
POOLS = frozenset("MaxPool AvgPool ExtractImagePatches".split())
NORMS = frozenset("FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3".split())
LISTS = frozenset("AddN Concat ConcatV2 ConcatOffset Einsum IdentityN Pack ShapeN DynamicStitch".split())
"""Operations of a number of inputs that the file chooses."""
RANDOM = frozenset("Multinomial RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal".split())
SIZES = frozenset("Rank Shape ShapeN Size".split())
"""What they give follows from their input's shape alone."""
LEAVES = frozenset("Const Placeholder PlaceholderV2 PlaceholderWithDefault".split())
OTHERS = frozenset(
    "All Any ArgMax ArgMin BatchToSpaceND BroadcastArgs BroadcastTo Bucketize Cumsum DepthToSpace Diag ExpandDims Fill "
    "Gather GatherNd GatherV2 InvertPermutation L2Loss LRN LinSpace LogSoftmax MatrixDiag Max MaxPoolV2 Mean Merge Min "
    "MirrorPad OneHot Pad PadV2 Prod Range Reshape ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor "
    "ReverseV2 Slice Softmax SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice Sum Switch Tile TopK TopKV2 "
    "Transpose Unpack".split()
)
ALLOWED = UNARY | BINARY | WEIGHTED | POOLS | NORMS | LISTS | RANDOM | SIZES | LEAVES | OTHERS
ACTIVATIONS = frozenset("Relu Relu6 Elu Selu LeakyRelu Sigmoid Tanh Softplus Softsign Softmax LogSoftmax".split())
"""A layer's non-linearity: what stands before it is "before the activation"."""
NOT_NEGATIVE = frozenset("Relu Relu6 Sigmoid Softplus Softmax Abs Square Exp Sqrt".split())
VARIABLES = frozenset("Variable VariableV2 AutoReloadVariable VarHandleOp TemporaryVariable".split())
LOOPS = frozenset("Enter Exit NextIteration LoopCond RefEnter RefExit RefNextIteration While StatelessWhile".split())


def refusal(op: str, node: str, source: str) -> str:
    """The sentence that says why a graph with this operation is not run."""
    if op in VARIABLES:
        return (
            f"{source} is not frozen: its variable {node[:80]} has no value in the file; "
            "open the checkpoint that was saved with it, or freeze the graph."
        )
    if op in LOOPS:
        return f"{source} cannot be run: its graph loops ({op[:40]}, {node[:80]}), which graphs here may not."
    return (
        f"{source} is refused: its graph needs the operation {op[:40]} ({node[:80]}), "
        "which is none of the numerical ones that may run."
    )
