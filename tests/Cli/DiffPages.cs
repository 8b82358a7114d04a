using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>Pages to look at, each made once.</summary>
public sealed class DiffPages : IDisposable
{
    readonly TempFolder folder = new();
    readonly Lazy<string> rewritten, hostile, left;

    public DiffPages()
    {
        rewritten = new(() => Make("rewritten.html", "optimize", Demo.Model, folder["out.onnx"], "--target", "ort", "--no-verify", "--html"));
        left = new(() => Make("left.html", "optimize", Save("left.onnx", Attention("scores")), "--dry-run", "--html"));
        hostile = new(() => Make("hostile.html", "diff", Save("a.onnx", Attention(Hostile)), Save("b.onnx", Attention("plain")), "-o"));
    }

    /// <summary>A name that would be an element, a script and an attribute, and that turns the direction of writing.</summary>
    public const string Hostile = "</script><script>window.broken=1</script><img src=x onerror=window.broken=1>\"' onmouseover=alert(1) \u202Egnp.exe\u0007";

    /// <summary>What <c>optimize --html</c> wrote for the model in the repository.</summary>
    public string Rewritten => rewritten.Value;

    /// <summary>What <c>optimize --html</c> wrote for an attention that is left as it is.</summary>
    public string Left => left.Value;

    /// <summary>A comparison of a model whose names attack the page.</summary>
    public string OfHostileNames => hostile.Value;

    public void Dispose() => folder.Dispose();

    string Make(string name, params string[] command)
    {
        var result = CliProcess.Run([.. command, folder[name]]);
        Assert.True(result.ExitCode == 0, result.Error);
        return folder[name];
    }

    string Save(string name, Model model)
    {
        OnnxWriter.Save(model, folder[name]);
        return folder[name];
    }

    // Two layers of an attention that no pass takes: its probabilities are squared before they weigh the values.
    static Model Attention(string name)
    {
        var sketch = new Sketch().Input("ids", ElementType.Int64, "B", "S").Weight("table", 16, 8).Node("x0", "Gather", "table ids");
        for (var layer = 0; layer < 2; layer++)
        {
            var (x, l) = ($"x{layer}", $"l{layer}");
            sketch.Weight($"{l}_q", 8, 8).Weight($"{l}_k", 8, 8).Weight($"{l}_v", 8, 8)
                .Node($"{l}_qx", "MatMul", $"{x} {l}_q").Node($"{l}_kx", "MatMul", $"{x} {l}_k").Node($"{l}_vx", "MatMul", $"{x} {l}_v")
                .Node($"{l}_kt", "Transpose", $"{l}_kx", ("perm", new long[] { 0, 2, 1 })).Node($"{l}_s", "MatMul", $"{l}_qx {l}_kt")
                .Node($"{l}_p", "Softmax", $"{l}_s").Node($"{l}_c", "Cast", $"{l}_p", ("to", 1)).Node($"{l}_o", "MatMul", $"{l}_c {l}_vx").Node($"x{layer + 1}", "Add", $"{x} {l}_o");
        }
        sketch.Output("x2");
        var softmax = sketch.Graph.Nodes.First(node => node.OpType == "Softmax");
        (softmax.Name, softmax.Result.Name) = (name, $"{name}_result");
        return sketch.Model;
    }
}
