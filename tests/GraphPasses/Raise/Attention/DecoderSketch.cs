using OnnxEff.Ir;
using OnnxEff.Tests.Testing;

namespace OnnxEff.Tests.GraphPasses.Raise.Attention;

/// <summary>One-layer decoders whose attention is written in a chosen way.</summary>
public sealed record DecoderSketch
{
    public const int Heads = 4, KvHeads = 2, Size = 8, Hidden = Heads * Size, Vocabulary = 200;

    public enum Factor { OnQuery, OnKeys, OnBoth, OnLogits, DividesLogits }

    public enum MaskKind { Added, AddedLowest, Shows, Hides, None }

    public Factor Scale { get; init; } = Factor.OnLogits;

    public MaskKind Mask { get; init; } = MaskKind.Added;

    public int? Window { get; init; }

    /// <summary>True to make the mask for all keys as queries and to cut the new ones out of it.</summary>
    public bool SquareMask { get; init; }

    public string Repeat { get; init; } = "Expand";

    /// <summary>The axis at which repeated heads are inserted; 2 keeps a head's copies together.</summary>
    public int RepeatAxis { get; init; } = 2;

    public bool GuardsNaN { get; init; }

    public bool HasCache { get; init; } = true;

    public bool SplitsHalves { get; init; }

    public float? Softcap { get; init; }

    public int SoftmaxAxis { get; init; } = -1;

    /// <summary>What is added to the logits beside the mask: a constant [1, Hq, 1, 1].</summary>
    public bool HasHeadBias { get; init; }

    public Sketch Build()
    {
        var s = new Sketch(opset: 18);
        s.Input("input_ids", ElementType.Int64, "batch", "sequence").Input("attention_mask", ElementType.Int64, "batch", HasCache ? "total" : "sequence")
            .Input("position_ids", ElementType.Int64, "batch", "sequence");
        if (HasCache)
            s.Input("past.key", "batch", KvHeads, "past", Size).Input("past.value", "batch", KvHeads, "past", Size);
        s.Weight("table", Vocabulary, Hidden).Weight("wq", Hidden, Hidden).Weight("wk", Hidden, KvHeads * Size).Weight("wv", Hidden, KvHeads * Size)
            .Weight("wo", Hidden, Vocabulary).Const("small", 0.01f);
        s.Node("embedded", "Gather", "table input_ids").Node("x", "Mul", "embedded small");
        Head(s, "q", Heads);
        Head(s, "k", KvHeads);
        Head(s, "v", KvHeads);
        Angles(s);
        Rotate(s, "q");
        Rotate(s, "k");
        var (keys, values) = ("k.rot", "v.heads");
        if (HasCache)
        {
            s.Node("present.key", "Concat", "past.key k.rot", ("axis", -2L)).Node("present.value", "Concat", "past.value v.heads", ("axis", 2L));
            (keys, values) = ("present.key", "present.value");
        }
        Repeated(s, keys, "k.all");
        Repeated(s, values, "v.all");
        Core(s);
        s.Const("merge", 0, 0, Hidden).Node("y.tokens", "Transpose", "y.heads", ("perm", (long[])[0, 2, 1, 3])).Node("y", "Reshape", "y.tokens merge")
            .Node("logits", "MatMul", "y wo");
        return HasCache ? s.Output("logits", "present.key", "present.value") : s.Output("logits");
    }

    static void Head(Sketch s, string name, long heads) => s.Node(name, "MatMul", $"x w{name}").Const($"{name}.split", 0, 0, heads, Size)
        .Node($"{name}.tokens", "Reshape", $"{name} {name}.split").Node($"{name}.heads", "Transpose", $"{name}.tokens", ("perm", (long[])[0, 2, 1, 3]));

    static void Angles(Sketch s) => s
        .Const("frequencies", Tensor.Create<float>([1, 1, Size / 2], [1f, 0.1f, 0.01f, 0.001f])).Const("axis2", 2).Const("axis1", 1)
        .Node("p.float", "Cast", "position_ids", ("to", 1L)).Node("p.column", "Unsqueeze", "p.float axis2").Node("angles", "Mul", "p.column frequencies")
        .Node("doubled", "Concat", "angles angles", ("axis", -1L)).Node("cos3", "Cos", "doubled").Node("sin3", "Sin", "doubled")
        .Node("cos", "Unsqueeze", "cos3 axis1").Node("sin", "Unsqueeze", "sin3 axis1")
        .Const("zero", 0).Const("half", Size / 2).Const("end", long.MaxValue).Const("last", -1).Const("step", 1);

    void Rotate(Sketch s, string name)
    {
        if (SplitsHalves)
            s.Node($"{name}.low {name}.high", "Split", $"{name}.heads", ("axis", -1L), ("num_outputs", 2L));
        else
            s.Node($"{name}.low", "Slice", $"{name}.heads zero half last step").Node($"{name}.high", "Slice", $"{name}.heads half end last step");
        s.Node($"{name}.neg", "Neg", $"{name}.high").Node($"{name}.turned", "Concat", $"{name}.neg {name}.low", ("axis", -1L))
            .Node($"{name}.a", "Mul", $"{name}.heads cos").Node($"{name}.b", "Mul", $"{name}.turned sin").Node($"{name}.rot", "Add", $"{name}.a {name}.b");
    }

    void Repeated(Sketch s, string heads, string result)
    {
        var target = RepeatAxis == 2 ? "r.a r.b r.c" : "r.a r.c r.b";
        if (result == "k.all")
        {
            s.Const("repeats", RepeatAxis == 2 ? [1, 1, Heads / KvHeads, 1, 1] : [1, Heads / KvHeads, 1, 1, 1]).Const("insert", RepeatAxis)
                .Const("r.b", KvHeads).Const("r.c", Heads / KvHeads).Const("r.d", Size).Const("r.h", Heads);
        }
        s.Node($"{result}.shape", "Shape", heads).Const($"{result}.i0", 0).Const($"{result}.i2", 2)
            .Node($"{result}.batch", "Gather", $"{result}.shape {result}.i0").Node($"{result}.total", "Gather", $"{result}.shape {result}.i2")
            .Node($"{result}.5d", "Unsqueeze", $"{heads} insert");
        var expanded = target.Replace("r.a", $"{result}.batch", StringComparison.Ordinal);
        if (Repeat == "Expand")
            s.Node($"{result}.to", "Concat", $"{expanded} {result}.total r.d", ("axis", 0L)).Node($"{result}.copies", "Expand", $"{result}.5d {result}.to");
        else
            s.Node($"{result}.copies", "Tile", $"{result}.5d repeats");
        s.Node($"{result}.flat", "Concat", $"{result}.batch r.h {result}.total r.d", ("axis", 0L)).Node(result, "Reshape", $"{result}.copies {result}.flat");
    }

    void Core(Sketch s)
    {
        var scale = 1 / MathF.Sqrt(Size);
        s.Const("s", scale).Const("root", MathF.Sqrt(scale)).Const("inverse", 1 / scale);
        s.Node("kT", "Transpose", "k.all", ("perm", (long[])[0, 1, 3, 2]));
        var (query, keys, logits) = ("q.rot", "kT", "qk");
        if (Scale is Factor.OnQuery or Factor.OnBoth)
            s.Node(query = "q.scaled", "Mul", Scale == Factor.OnBoth ? "q.rot root" : "s q.rot");
        if (Scale is Factor.OnKeys or Factor.OnBoth)
            s.Node(keys = "kT.scaled", "Mul", Scale == Factor.OnBoth ? "kT root" : "kT s");
        s.Node(logits, "MatMul", $"{query} {keys}");
        if (Scale == Factor.OnLogits)
            s.Node(logits = "qk.scaled", "Mul", "qk s");
        if (Scale == Factor.DividesLogits)
            s.Node(logits = "qk.scaled", "Div", "qk inverse");
        if (Softcap is { } cap)
            s.Const("cap", cap).Node("c1", "Div", $"{logits} cap").Node("c2", "Tanh", "c1").Node(logits = "capped", "Mul", "c2 cap");
        if (HasHeadBias)
            s.Weight("head.bias", 1, Heads, 1, 1).Node("biased", "Add", $"{logits} head.bias").Node(logits = "biased2", "Identity", "biased");
        s.Node("p0", "Softmax", Masked(s, logits), ("axis", (long)SoftmaxAxis));
        if (GuardsNaN)
            s.Const("nothing", 0f).Node("bad", "IsNaN", "p0").Node("p", "Where", "bad nothing p0");
        s.Node("y.heads", "MatMul", $"{(GuardsNaN ? "p" : "p0")} v.all");
    }

    string Masked(Sketch s, string logits)
    {
        if (Mask == MaskKind.None)
            return logits;
        s.Node("m.shape", "Shape", "attention_mask").Node("x.shape", "Shape", "input_ids").Const("one", Tensor.Scalar(1L)).Const("nil", Tensor.Scalar(0L))
            .Node("T", "Gather", "m.shape one").Node("S", "Gather", "x.shape one").Node("P", "Sub", "T S")
            .Node("keys", "Range", "nil T one").Node("queries0", "Range", SquareMask ? "nil T one" : "P T one").Node("queries", "Unsqueeze", "queries0 axis1")
            .Node("rule0", "LessOrEqual", "keys queries");
        var rule = "rule0";
        if (Window is { } window)
            s.Const("window", Tensor.Scalar((long)window)).Node("edge", "Sub", "queries window").Node("near", "Greater", "keys edge").Node(rule = "rule1", "And", "rule0 near");
        if (SquareMask)
            s.Node("from", "Unsqueeze", "P zero").Node("to", "Unsqueeze", "T zero").Node("rows", "Slice", $"{rule} from to zero").Node(rule = "rule2", "Identity", "rows");
        const string visible = "visible";
        s.Node("tokens", "Cast", "attention_mask", ("to", 9L)).Const("axes", 1, 2)
            .Node("tokens4", "Unsqueeze", "tokens axes").Node(visible, "And", $"{rule} tokens4");
        s.Const("low", Mask == MaskKind.Added ? float.NegativeInfinity : float.MinValue).Const("open", 0f);
        switch (Mask)
        {
            case MaskKind.Shows: s.Node("masked", "Where", $"{visible} {logits} low"); break;
            case MaskKind.Hides: s.Node("hidden", "Not", visible).Node("masked", "Where", $"hidden low {logits}"); break;
            default: s.Node("added", "Where", $"{visible} open low").Node("masked", "Add", $"added {logits}"); break;
        }
        return "masked";
    }
}
