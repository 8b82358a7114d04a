using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// Writes the body of a function that computes an operator by standard ones. Functions hold no initializers, so constants are nodes; whole numbers are
/// computed in int64, which every ONNX Runtime has kernels for; indices of many weights stay in int32.
/// </summary>
sealed class BodyBuilder(OperatorSchema schema, Node call, Graph body)
{
    readonly Value[] _inputs = [.. schema.Inputs.Select(input => body.AddInput(input.Name))];

    /// <summary>The formal input of a name, or null where the call leaves it out.</summary>
    public Value? Input(string name)
    {
        var index = Array.FindIndex(schema.Inputs, input => input.Name == name);
        return call.Input(index) is null ? null : _inputs[index];
    }

    /// <summary>
    /// A constant input that ONNX Runtime must not unpack while it loads, since it would hold the unpacked weights of all layers, and all steps on the way, at once:
    /// its shape is made to depend on how many activations there are.
    /// </summary>
    public Value Late(string name, Value activations) =>
        Op("Reshape", [Input(name), Op("Add", [List(Sizes(name)), Op("Mul", [Op("Size", [activations]), Constant(Tensor.Scalar(0L))])])]);

    /// <summary>An attribute of the call: a body is written for what its calls have in common.</summary>
    public int Attribute(string name) => (int)call.Int(name);

    /// <summary>Sizes of a constant input of the call.</summary>
    public long[] Sizes(string name) => [.. call.Input(Array.FindIndex(schema.Inputs, input => input.Name == name))!.Constant!.Dims];

    /// <summary>A node with one output.</summary>
    public Value Op(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var node = body.AddNode(opType, "", inputs);
        foreach (var (name, value) in attributes) node.SetAttribute(name, value);
        return node.AddOutput(body.FreshName(opType));
    }

    /// <summary>A constant.</summary>
    public Value Constant(Tensor tensor) => Op("Constant", [], ("value", tensor));

    /// <summary>A constant list.</summary>
    public Value List(params ReadOnlySpan<long> values) => Constant(Tensor.Vector(values));

    /// <summary>A value as numbers of a type.</summary>
    public Value Cast(Value value, ElementType element) => Op("Cast", [value], ("to", (long)element));

    /// <summary>Whole numbers.</summary>
    public Value Whole(Value value) => Cast(value, ElementType.Int64);

    /// <summary>fp32 numbers of an input, or null where the call leaves it out.</summary>
    public Value? Floats(string name) => Input(name) is { } value ? Cast(value, ElementType.Float32) : null;

    /// <summary>(x div low) mod 2^bits for whole x.</summary>
    public Value Bits(Value x, long low, int bits) => Op("Mod", [Op("Div", [x, Constant(Tensor.Scalar(low))]), Constant(Tensor.Scalar(1L << bits))]);

    /// <summary>
    /// The parts of each byte, 8 / bits of them on a new last axis, the lowest first: what a table makes of each. A look-up takes a fraction of the time and
    /// memory of division and remainder.
    /// </summary>
    public Value Parts<T>(Value bytes, int bits, Func<int, T> entry) where T : unmanaged
    {
        int count = 8 / bits, mask = (1 << bits) - 1;
        T[] table = [.. Enumerable.Range(0, 256 * count).Select(at => entry(at / count >> at % count * bits & mask))];
        return Gather(Constant(Tensor.Create<T>([256, count], table)), Cast(bytes, ElementType.Int32));
    }

    /// <summary>Another shape.</summary>
    public Value Reshape(Value value, params ReadOnlySpan<long> sizes) => Op("Reshape", [value, List(sizes)]);

    /// <summary>Another order of axes.</summary>
    public Value Transpose(Value value, params long[] order) => Op("Transpose", [value], ("perm", order));

    /// <summary>Values one after the other along an axis.</summary>
    public Value Concat(long axis, params ReadOnlySpan<Value> values) => Op("Concat", values.ToArray(), ("axis", axis));

    /// <summary>From and to along an axis.</summary>
    public Value Slice(Value value, long axis, long from, long to) => Op("Slice", [value, List(from), List(to), List(axis)]);

    /// <summary>Entries of a table.</summary>
    public Value Gather(Value table, Value indices, long axis = 0) => Op("Gather", [table, indices], ("axis", axis));

    /// <summary>The first N rows and K columns of a matrix that was filled up.</summary>
    public Value Cut(Value matrix) => Op("Slice", [matrix, List(0, 0), List(Attribute("N"), Attribute("K"))]);

    /// <summary>x · Wᵀ</summary>
    public Value Product(Value x, Value w) => Op("MatMul", [x, Transpose(w, 1, 0)]);

    /// <summary>The function's result, in the element type of the call's activations.</summary>
    public void Return(Value value, ElementType element) => body.Outputs.Add(Op("Cast", [value], ("to", (long)element)));
}
