using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Ir.Shapes;
using OnnxEff.Rewriting;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>A model that mutations rewrite, with the chance that decides where, and the calls that write nodes.</summary>
public sealed class Manuscript
{
    readonly List<string> _log = [];
    ShapeFacts _shapes;

    /// <summary>A model with known types. Equal seeds make equal choices.</summary>
    public Manuscript(Model model, int seed)
    {
        (Model, Random) = (model, new Random(seed));
        _shapes = ShapeInference.Run(model);
    }

    /// <summary>The model as it is now.</summary>
    public Model Model { get; private set; }

    /// <summary>Its graph.</summary>
    public Graph Graph => Model.Graph;

    /// <summary>The version of standard ONNX that it imports.</summary>
    public long Opset => Model.Opset;

    /// <summary>What decides.</summary>
    public Random Random { get; }

    /// <summary>The mutations applied, in order.</summary>
    public IReadOnlyList<string> Log => _log;

    /// <summary>True with this chance.</summary>
    public bool Flip(double chance = 0.5) => Random.NextDouble() < chance;

    /// <summary>One of several.</summary>
    public T OneOf<T>(params ReadOnlySpan<T> choices) => choices[Random.Next(choices.Length)];

    /// <summary>Items in an order by chance.</summary>
    public T[] Shuffle<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        Random.Shuffle(shuffled);
        return shuffled;
    }

    /// <summary>Small known elements of a value, or null.</summary>
    public SymbolicValue? Known(Value value) => _shapes.ValueOf(value);

    /// <summary>Says that a mutation was applied, and brings order and types of the graph up to date.</summary>
    public void Note(string mutation)
    {
        _log.Add(mutation);
        Graph.RemoveDead();
        Graph.Sort();
        _shapes = ShapeInference.Run(Model);
    }

    /// <summary>Goes on with a copy of the model.</summary>
    public void ContinueWith(Model copy) => Model = copy;

    /// <summary>A new node's result.</summary>
    public Value Op(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        new GraphBuilder(Graph, "m").Op(opType, inputs, type: null, attributes);

    /// <summary>A new constant.</summary>
    public Value Const(Tensor tensor) => Graph.AddConstant(tensor, "m/const");

    /// <summary>A constant vector of integers.</summary>
    public Value Ints(params ReadOnlySpan<long> values) => Const(Tensor.Vector(values));

    /// <summary>A constant scalar.</summary>
    public Value Number(double value, ElementType element) => Const(Numbers.Of(element, [], [value]));

    /// <summary>Puts a value that was just written in the place of another.</summary>
    public static void Replace(Value old, Value value) => Replacement.Put(old, value, isNew: value.Producer is not null);

    /// <summary>Lets readers of a value, one or all of them, read what is made of it instead.</summary>
    public void Wrap(Value value, Func<Value, Value> make)
    {
        Use[] uses = [.. ReadsInMain(value)];
        if (Flip())
            uses = [uses[Random.Next(uses.Length)]];
        var made = make(value);
        foreach (var use in uses)
            use.Node.SetInput(use.Index, made);
    }

    /// <summary>The reads of a value by nodes of the main graph.</summary>
    public IEnumerable<Use> ReadsInMain(Value value) => value.Uses.Where(u => ReferenceEquals(u.Node.Graph, Graph));

    /// <summary>A transposition.</summary>
    public Value Transpose(Value x, params long[] perm) => Op("Transpose", [x], ("perm", perm));

    /// <summary>New axes of size 1; the axes are an input since opset 13.</summary>
    public Value Unsqueeze(Value x, params long[] axes) => Opset >= 13 ? Op("Unsqueeze", [x, Ints(axes)]) : Op("Unsqueeze", [x], ("axes", axes));

    /// <summary>Drops axes of size 1.</summary>
    public Value Squeeze(Value x, params long[] axes) => Opset >= 13 ? Op("Squeeze", [x, Ints(axes)]) : Op("Squeeze", [x], ("axes", axes));

    /// <summary>A sum along axes that stay.</summary>
    public Value ReduceSum(Value x, params long[] axes) => Opset >= 13 ? Op("ReduceSum", [x, Ints(axes)]) : Op("ReduceSum", [x], ("axes", axes));

    /// <summary>The elements from a start up to an end along one axis.</summary>
    public Value Slice(Value x, long axis, long start, long end) => Op("Slice", [x, Ints(start), Ints(end), Ints(axis), .. Flip() ? [Ints(1)] : (Value[])[]]);

    /// <summary>
    /// A dimension as int64 [1], computed: read off the shape of a value that has it, or from another dimension and a constant.
    /// </summary>
    public Value Extent(Value of, int axis) => Flip()
        ? Op("Gather", [Op("Shape", [of]), Ints(axis)])
        : Op("Slice", [Op("Shape", [of]), Ints(axis), Ints(axis + 1)]);

    /// <summary>
    /// Dimensions as int64 [n], computed where they are symbols: each read off the shape of one of the values; null if a
    /// dimension is none of theirs.
    /// </summary>
    public Value? Shape(IReadOnlyList<Dim> dims, params Value[] sources)
    {
        var parts = new List<Func<Value>>();
        foreach (var dim in dims)
        {
            if (dim.Constant is { } known)
            {
                parts.Add(() => Ints(known));
                continue;
            }
            var from = sources.FirstOrDefault(s => s.Type?.Shape?.Contains(dim) == true);
            if (from is null)
                return null;
            parts.Add(() => Extent(from, from.Type!.Shape!.ToList().IndexOf(dim)));
        }
        return parts.Count == 0 ? Ints() : parts.Count == 1 ? parts[0]() : Op("Concat", [.. parts.Select(p => (Value?)p())], ("axis", 0L));
    }
}
