using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>An operator of the domain as a function of standard operators.</summary>
interface IOperatorBody
{
    /// <summary>The operator.</summary>
    OperatorSchema Schema { get; }

    /// <summary>Writes the body.</summary>
    /// <param name="b">Where to.</param>
    /// <param name="element">Of the call's activations.</param>
    void Write(BodyBuilder b, ElementType element);
}

/// <summary>
/// A model-local function for each stored product, so that a host without the operator library runs the file as well, though slowly: each call unpacks
/// its weight. Where a kernel is registered ONNX Runtime takes that, and else the function. What a body does depends on the sizes of the weight and on what a call
/// leaves out, so calls that are alike share one, by its overload.
/// </summary>
public sealed class FunctionBodies : GraphPass
{
    const long OldestOpset = 16; // ScatterND that adds.
    const long OldestIrVersion = 10; // Overloads.

    static readonly Dictionary<string, IOperatorBody> Bodies =
        new IOperatorBody[] { new VqMatMulBody(), new VptqMatMulBody(), new AffineMatMulBody(), new AffineGatherBody() }.ToDictionary(body => body.Schema.Name);

    /// <inheritdoc/>
    public override string Name => "function-bodies";

    /// <inheritdoc/>
    public override string Summary => "VqMatMul, VptqMatMul, AffineMatMul, AffineGather ⇒ themselves, with a function that computes the same";

    /// <summary>Whether an operator has a body.</summary>
    public static bool Knows(string domain, string opType) => domain == OnnxEffOperators.Domain && Bodies.ContainsKey(opType);

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var model = context.Model;
        model.Functions.RemoveAll(function => Knows(function.Domain, function.Name));
        var known = new Dictionary<string, string>();
        var count = 0;
        foreach (var node in model.Graph.SelfAndSubgraphs().SelectMany(graph => graph.Nodes).Where(node => Knows(node.Domain, node.OpType)).ToArray())
        {
            node.Overload = "";
            if (Refusal(model, node) is { } sentence)
            {
                context.Refuse(this, node, sentence);
                continue;
            }
            var signature = Signature(node);
            if (!known.TryGetValue(signature, out var overload))
            {
                overload = $"{known.Count + 1}";
                known.Add(signature, overload);
                model.Functions.Add(Write(model, node, overload));
            }
            node.Overload = overload;
            count++;
        }
        if (count > 0) model.IrVersion = Math.Max(model.IrVersion, OldestIrVersion);
        return new(count);
    }

    static string? Refusal(Model model, Node node) =>
        model.Opset < OldestOpset ? $"its function needs version {OldestOpset} of the standard operators, and the model imports {model.Opset}; without the operator library it does not run"
        : Stored(node).Any(value => value.Constant is null) ? "its weight is no constant, so no function is written for it"
        : null;

    // The activations, or what is looked up, are the only input that a call computes.
    static IEnumerable<Value> Stored(Node node) => node.Inputs.Where((_, index) => index != Computed(node)).OfType<Value>();

    static int Computed(Node node) => node.OpType == AffineGather.Schema.Name ? 1 : 0;

    // Lists are as long as K or N say, or, as those of outliers, of a length that no body asks for.
    static string Signature(Node node) => string.Join(' ',
        [node.OpType, Element(node), .. node.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={(a.Value as IntAttribute)?.Value}"),
            .. node.Inputs.Select((value, index) => value is null ? "-" : index == Computed(node) || value.Constant!.Rank == 1 ? "x" : string.Join(',', value.Constant.Dims.ToArray()))]);

    static ElementType Element(Node node) => node.Input(Computed(node))?.Type?.Element ?? ElementType.Float32;

    static Function Write(Model model, Node node, string overload)
    {
        var body = Bodies[node.OpType];
        var graph = new Graph(node.OpType);
        body.Write(new BodyBuilder(body.Schema, node, graph), Element(node));
        var function = new Function(node.Domain, node.OpType, graph) { Overload = overload };
        function.AttributeNames.AddRange(node.Attributes.Keys);
        function.Opsets[""] = model.Opset;
        return function;
    }
}
