using OnnxEff.Ir;
using OnnxEff.Tests.Testing;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>Feed-forward blocks between norms, with an activation written in a chosen way.</summary>
static class MlpSketch
{
    const int Hidden = 8, Wide = 12;

    /// <summary>Calls that compute the activation "a" of "gate", as "output operator inputs".</summary>
    public static IReadOnlyDictionary<string, string> Activations { get; } = new Dictionary<string, string>
    {
        ["silu"] = "s Sigmoid gate; a Mul gate s",
        ["gelu"] = "e0 Div gate root2; e1 Erf e0; e2 Add e1 one; e3 Mul gate e2; a Mul e3 half",
        ["gelu-tanh"] = "p Pow gate three; q Mul p k; r Add gate q; t0 Mul r c; t Tanh t0; u Add t one; h Mul gate half; a Mul h u",
        ["gelu-op"] = "a Gelu gate",
        ["quick-gelu"] = "g1 Mul gate slope; s Sigmoid g1; a Mul gate s",
        ["relu"] = "a Relu gate",
        ["relu-squared"] = "a0 Relu gate; a Mul a0 a0",
        ["clipped"] = "low Min gate limit; g1 Mul low slope; s Sigmoid g1; a Mul low s",
    };

    /// <summary>A model with one block.</summary>
    public static Model Build(string activation, bool isGated, bool isFused = false)
    {
        var s = new Sketch(opset: 20).Input("x", "batch", "sequence", Hidden).Const("two", 2f).Const("eps", 1e-5f).Const("last", -1)
            .Const("half", 0.5f).Const("one", 1f).Const("three", 3f).Const("root2", MathF.Sqrt(2)).Const("c", 0.79788458f).Const("k", 0.044715f)
            .Const("slope", 1.702f).Const("limit", 7f).Const("negative", -7f)
            .Weight("gamma", Hidden).Weight("w.gate", Hidden, Wide).Weight("w.both", Hidden, 2 * Wide).Weight("w.up", Hidden, Wide).Weight("w.down", Wide, Hidden)
            .Weight("b.gate", Wide).Weight("b.down", Hidden);
        s.Node("squares", "Pow", "x two").Node("mean", "ReduceMean", "squares last").Node("shifted", "Add", "mean eps").Node("root", "Sqrt", "shifted")
            .Node("inverse", "Reciprocal", "root").Node("normal", "Mul", "x inverse").Node("n", "Mul", "gamma normal");
        if (isFused)
        {
            s.Node("both", "MatMul", "n w.both").Node("gate up", "Split", "both", ("axis", -1L), ("num_outputs", 2L));
        }
        else
        {
            s.Node("gate0", "MatMul", "n w.gate").Node("gate", "Add", "gate0 b.gate");
            if (isGated)
                s.Node("up", "MatMul", "n w.up");
        }
        foreach (var words in Activations[activation].Split("; ").Select(c => c.Split(' ', 3)))
            s.Node(words[0], words[1], words[2]);
        if (activation == "clipped")
            s.Node("clip", "Clip", "up negative limit").Node("up1", "Add", "clip one");
        var hidden = "a";
        if (isGated)
            s.Node(hidden = "g", "Mul", activation == "clipped" ? "a up1" : "a up");
        return s.Node("down0", "MatMul", $"{hidden} w.down").Node("down", "Add", "down0 b.down").Node("y", "Add", "x down").Output("y").Model;
    }
}
