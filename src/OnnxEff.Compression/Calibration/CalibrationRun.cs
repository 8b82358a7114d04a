using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.Compression;

/// <summary>
/// Runs a text through a model segment by segment, all windows through one before the next, so that only the values between two segments are held, and
/// a weight can be replaced before what it changes is computed. The products xᵀ·x are made by the runtime, in the segment itself.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="signature">What its inputs mean.</param>
/// <param name="windows">The text.</param>
/// <param name="evaluator">Runs the segments.</param>
/// <param name="pool">Memory of values, which several runs may share; null for memory of its own.</param>
public sealed class CalibrationRun(Model model, DecoderSignature signature, CalibrationWindows windows, IGraphEvaluator evaluator, TensorPool? pool = null)
{
    readonly TensorPool _pool = pool ?? new();
    readonly Dictionary<string, Tensor>[] _values = [.. Enumerable.Range(0, windows.Count).Select(i => windows.Feeds(i, signature))];
    readonly Dictionary<string, int> _readers = [];
    readonly List<Tensor> _ownTaps = []; // Those that no later segment reads.

    /// <summary>Weights that are read in the place of the model's.</summary>
    public Dictionary<Value, Tensor> Replaced { get; } = [];

    /// <summary>Tapped values of the segment last run, one for each window, valid until the next; held only where asked for.</summary>
    public IReadOnlyList<Tensor> Taps { get; private set; } = [];

    /// <summary>Says how often values will be read, so that they are let go after.</summary>
    public void Prepare(IEnumerable<GraphSegment> segments)
    {
        foreach (var value in segments.SelectMany(segment => segment.Reads))
            _readers[value.Name] = _readers.GetValueOrDefault(value.Name) + 1;
    }

    /// <summary>Runs all windows through the next segment.</summary>
    /// <param name="segment">The segment; those before it have been run.</param>
    /// <param name="moment">Where the second moment of the tap goes; null for none.</param>
    /// <param name="keepsTaps">True to hold <see cref="Taps"/>.</param>
    /// <param name="other">Tapped values of another run, to which the cross moment is made.</param>
    public void Run(GraphSegment segment, InputMoment? moment, bool keepsTaps = false, IReadOnlyList<Tensor>? other = null)
    {
        if (moment is null && !keepsTaps && segment.Makes.Count == 0) return; // The last one, and nobody asks for its tap.
        foreach (var tap in _ownTaps) _pool.Return(tap);
        _ownTaps.Clear();
        var made = segment.Makes.ToList().IndexOf(segment.Tap);
        var cut = Cut(segment, moment, keepsTaps && made < 0, other is not null);
        var taps = new List<Tensor>();
        using var evaluation = Asked(segment, "", () => evaluator.Open(cut));
        foreach (var (values, index) in _values.Select((values, index) => (values, index)))
        {
            var feeds = segment.Reads.ToDictionary(value => value.Name, value => values[value.Name]);
            if (other is not null) feeds[OtherName] = other[index];
            var results = Asked(segment, $" on windows of {windows.Window} tokens", () => _pool.Run(evaluation, feeds));
            for (var i = 0; i < segment.Makes.Count; i++) values[segment.Makes[i].Name] = results[i];
            var next = segment.Makes.Count;
            if (keepsTaps && made < 0) _ownTaps.Add(results[next++]);
            if (keepsTaps) taps.Add(made < 0 ? _ownTaps[^1] : results[made]);
            if (moment is null) continue;
            moment.Add(segment.Tap.Name, windows.Window, results[next], other is null ? null : results[next + 1]);
            foreach (var part in results.Skip(next)) _pool.Return(part);
        }
        Taps = taps;
        foreach (var read in segment.Nodes.SelectMany(Graph.Reads)) Replaced.Remove(read); // No other segment reads a weight of this one.
        foreach (var value in segment.Reads)
            if (--_readers[value.Name] == 0)
                foreach (var values in _values)
                    if (values.Remove(value.Name, out var tensor)) _pool.Return(tensor);
    }

    const string OtherName = "onnxeff.other";

    /// <summary>What the runtime does with a segment; what it says when it cannot is about the model or the text.</summary>
    static T Asked<T>(GraphSegment segment, string onWhat, Func<T> runtime)
    {
        try
        {
            return runtime();
        }
        catch (InvalidOperationException fault)
        {
            throw new InvalidDataException($"ONNX Runtime does not run the part of the model that leads to '{segment.Tap.Name}'{onWhat}: {fault.Message}", fault);
        }
    }

    Model Cut(GraphSegment segment, InputMoment? moment, bool keepsTaps, bool compares)
    {
        var cut = model.EmptyAlike("segment");
        var copier = new GraphCopier(cut.Graph);
        foreach (var value in segment.Reads) copier.Map[value] = cut.Graph.AddInput(value.Name, TypeOf(value));
        foreach (var weight in segment.Nodes.SelectMany(Graph.Reads).Distinct())
            if (Replaced.TryGetValue(weight, out var tensor)) copier.Map[weight] = cut.Graph.AddInitializer(weight.Name, tensor);
        copier.CopyAll(segment.Nodes);
        cut.Graph.Outputs.AddRange(segment.Makes.Select(copier.Resolve));
        var tap = copier.Resolve(segment.Tap);
        if (keepsTaps) cut.Graph.Outputs.Add(Output(cut.Graph, "Identity", [tap]));
        if (moment is null) return cut;
        var rows = Rows(cut.Graph, tap, moment.Size);
        var transposed = Output(cut.Graph, "Transpose", [rows]);
        cut.Graph.Outputs.Add(Output(cut.Graph, "MatMul", [transposed, rows], ElementType.Float32));
        if (compares)
        {
            var other = Rows(cut.Graph, cut.Graph.AddInput(OtherName, TypeOf(segment.Tap)), moment.Size);
            cut.Graph.Outputs.Add(Output(cut.Graph, "MatMul", [transposed, other], ElementType.Float32));
        }
        return cut;
    }

    /// <summary>The tokens of a value as rows [T, K] in fp32.</summary>
    static Value Rows(Graph graph, Value value, int size)
    {
        var rows = Output(graph, "Reshape", [value, graph.AddConstant(Tensor.Vector<long>(-1, size))]);
        var cast = Output(graph, "Cast", [rows], ElementType.Float32);
        cast.Producer!.SetAttribute("to", new IntAttribute(1)); // TensorProto.FLOAT
        return cast;
    }

    static Value Output(Graph graph, string op, ReadOnlySpan<Value?> inputs, ElementType? element = null)
    {
        var node = graph.AddNode(op, "", inputs);
        return node.AddOutput(graph.FreshName(op), element is { } known ? new TensorType(known, null) : null);
    }

    /// <summary>The type of a value that goes from segment to segment: its element type is known once a window was there.</summary>
    TensorType TypeOf(Value value) => new(_values[0].TryGetValue(value.Name, out var tensor) ? tensor.Element : value.Type?.Element ?? ElementType.Float32, null);
}
