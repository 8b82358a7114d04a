using System.Text.Json;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;
using OnnxEff.Tests.CustomOps;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>A checkpoint's layers in graphs that are named as exporters name them.</summary>
public sealed class ImportVptqTests : IDisposable
{
    const int Tokens = 5;

    static readonly string Checkpoint = Fixtures.Of("vptq--outliers");

    readonly TempFolder folder = new();

    public ImportVptqTests() => OperatorLibrary.Require();

    [Fact]
    public void Layers_are_found_by_the_names_of_nodes() => Imports(Checkpoint, layers => layers.Select(layer => new Product([layer], Path(layer), NameIsOfWeight: false)));

    [Fact]
    public void Layers_are_found_by_the_names_of_weights() => Imports(Checkpoint, layers => layers.Select(layer => new Product([layer], $"model.{layer}", NameIsOfWeight: true)));

    [Fact]
    public void Products_that_the_graph_has_joined_are_found() => Imports(Checkpoint, Joined);

    [Fact]
    public void Biases_and_other_types_of_side_data_are_taken_over() =>
        Imports(Fixtures.Shared("vptq", "j_bias_bf16"), layers => Joined(layers).Select(product => product with { Biased = true }));

    [Fact]
    public void What_does_not_fit_is_left_with_the_reason()
    {
        const string up = "model.layers.0.mlp.up_proj", down = "model.layers.0.mlp.down_proj", query = "model.layers.1.self_attn.q_proj";
        Save([new([up], Path(up), false), new([down], Path("model.layers.7.mlp.down_proj"), false), new([up], Path(down), false), new([query], Path(query), false) { Biased = true }]);
        ToolResult run = CliProcess.Run("import-vptq", Checkpoint, folder["in.onnx"], folder["out.onnx"], "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal([up], json.RootElement.GetProperty("imported").EnumerateArray().Select(i => i.GetProperty("layers")[0].GetString()));
        Assert.Equal(
            [
                "/model/layers.0/mlp/down_proj/MatMul: it multiplies 128 inputs to 192 outputs, and the checkpoint 192 to 128",
                "/model/layers.1/self_attn/q_proj/Add: of the graph and the checkpoint only one has a bias",
                "/model/layers.7/mlp/down_proj/MatMul: no layer of the checkpoint is named like it",
            ],
            json.RootElement.GetProperty("left").EnumerateArray().Select(l => $"{l.GetProperty("node")}: {l.GetProperty("reason")}").Order(StringComparer.Ordinal));
        Assert.Equal(13, json.RootElement.GetProperty("unused").GetArrayLength());
    }

    [Fact]
    public void A_graph_without_any_of_the_layers_is_refused()
    {
        Save([new(["model.layers.0.mlp.up_proj"], "/something/MatMul", false)]);
        ToolResult run = CliProcess.Run("import-vptq", Checkpoint, folder["in.onnx"], folder["out.onnx"]);
        Assert.Equal((4, ""), (run.ExitCode, run.Output));
        Assert.Contains("no layer of the checkpoint is named like it", run.Error);
        Assert.Equal(["in.onnx"], folder.Names);
    }

    [Fact]
    public void A_hostile_checkpoint_is_refused_with_one_sentence()
    {
        Save([new(["model.layers.0.mlp.up_proj"], Path("model.layers.0.mlp.up_proj"), false)]);
        var place = VptqCheckpoint.Open(Checkpoint).Tensors["model.layers.0.mlp.up_proj.centroids.weight"].Data.File!.Offset;
        byte[] bytes = File.ReadAllBytes(System.IO.Path.Combine(Checkpoint, "model.safetensors"));
        (bytes[place], bytes[place + 1]) = (0x00, 0x7E);
        Directory.CreateDirectory(folder["checkpoint"]);
        File.WriteAllBytes(System.IO.Path.Combine(folder["checkpoint"], "model.safetensors"), bytes);
        File.Copy(System.IO.Path.Combine(Checkpoint, "config.json"), System.IO.Path.Combine(folder["checkpoint"], "config.json"));
        ToolResult run = CliProcess.Run("import-vptq", folder["checkpoint"], folder["in.onnx"], folder["out.onnx"]);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("number 0 of the codebook is not finite", run.Error);
        Assert.Single(run.Error.Trim().Split('\n'));
        Assert.False(File.Exists(folder["out.onnx"]));
    }

    public void Dispose() => folder.Dispose();

    /// <summary>A MatMul of the graph.</summary>
    sealed record Product(string[] Layers, string Name, bool NameIsOfWeight)
    {
        public bool Biased { get; init; }
    }

    static string Path(string layer) => $"/{layer.Replace('.', '/').Replace("layers/", "layers.", StringComparison.Ordinal)}/MatMul";

    static IEnumerable<Product> Joined(IEnumerable<string> layers) => layers.GroupBy(layer => layer[..layer.LastIndexOf('.')]).SelectMany(block => block.Key.EndsWith("mlp", StringComparison.Ordinal)
        ? (Product[])[new([$"{block.Key}.gate_proj", $"{block.Key}.up_proj"], Path($"{block.Key}.gate_up_proj"), false), new([$"{block.Key}.down_proj"], Path($"{block.Key}.down_proj"), false)]
        : [new([$"{block.Key}.q_proj", $"{block.Key}.k_proj", $"{block.Key}.v_proj"], Path($"{block.Key}.qkv_proj"), false), new([$"{block.Key}.o_proj"], Path($"{block.Key}.o_proj"), false)]);

    /// <summary>Imports into a graph of products, all of which then compute what the decoded weights do.</summary>
    void Imports(string checkpointFolder, Func<IEnumerable<string>, IEnumerable<Product>> make)
    {
        var checkpoint = VptqCheckpoint.Open(checkpointFolder);
        Product[] products = [.. make(checkpoint.Layers)];
        Assert.Equal(checkpoint.Layers, products.SelectMany(p => p.Layers).Order(StringComparer.Ordinal));
        Dictionary<int, Dense<float>> inputs = Save(products, checkpointFolder);
        ToolResult run = CliProcess.Run("import-vptq", checkpointFolder, folder["in.onnx"], folder["out.onnx"], "--report", folder["report.json"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains($"{products.Length} products are VptqMatMul", run.Output);
        using var report = JsonDocument.Parse(File.ReadAllText(folder["report.json"]));
        Assert.Equal(0, report.RootElement.GetProperty("unused").GetArrayLength() + report.RootElement.GetProperty("left").GetArrayLength());

        Model written = OnnxReader.Load(folder["out.onnx"]);
        Assert.Equal(checkpoint.Layers.Count, written.Graph.Nodes.Count(n => n.Is(VptqMatMul.Schema.Name, OnnxEffOperators.Domain)));
        Assert.DoesNotContain(written.Graph.Nodes, n => n.OpType is "MatMul" or "FusedMatMul");
        using var session = OrtSession.Open(folder["out.onnx"], OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] });
        OrtTensor[] outputs = [.. session.Run([.. inputs.Select(x => new OrtFeed($"x{x.Key}", OrtTensor.From<float>(x.Value.Data, x.Value.Dims)))],
            [.. products.Select((_, i) => new OrtFetch($"y{i}"))])];
        for (int i = 0; i < products.Length; i++)
        {
            VptqCodes[] codes = [.. products[i].Layers.Select(checkpoint.Read)];
            float[][] parts = [.. codes.Select(c => VptqMatMul.Reference(c, inputs[c.Layout.Inputs]).Data)];
            float[] expected = [.. Enumerable.Range(0, Tokens).SelectMany(t => parts.SelectMany(p => p.Chunk(p.Length / Tokens).ElementAt(t)))];
            AttentionRun.Near(new(outputs[i].Dims.ToArray(), expected), new(outputs[i].Dims.ToArray(), outputs[i].ToFloats()), 1e-5 * expected.Max(MathF.Abs));
        }
    }

    /// <summary>Writes in.onnx, with weights that are not the checkpoint's, and gives an input for each width.</summary>
    Dictionary<int, Dense<float>> Save(IEnumerable<Product> products, string? checkpointFolder = null)
    {
        var checkpoint = VptqCheckpoint.Open(checkpointFolder ?? Checkpoint);
        var graph = new Graph("products");
        var random = new Random(5);
        var inputs = new Dictionary<int, (Value Value, Dense<float> Data)>();
        int number = 0;
        foreach (Product product in products)
        {
            VptqLayout[] layouts = [.. product.Layers.Select(layer => checkpoint.Read(layer).Layout)];
            (int k, int n) = (layouts[0].Inputs, layouts.Sum(l => l.Outputs));
            if (!inputs.TryGetValue(k, out var input))
                inputs[k] = input = (graph.AddInput($"x{k}", new TensorType(ElementType.Float32, new TensorShape(Dim.Symbol("b"), Dim.Symbol("s"), Dim.Of(k)))), new([1, Tokens, k], Draw(Tokens * k)));
            long[] dims = product.NameIsOfWeight ? [n, k] : [k, n];
            Value weight = graph.AddInitializer(product.NameIsOfWeight ? $"{product.Name}.weight" : $"onnx::MatMul_{number}", Tensor.Create<float>(dims, Draw(n * k)));
            if (product.NameIsOfWeight)
            {
                Node transpose = graph.AddNode("Transpose", "", [weight]);
                transpose.SetAttribute("perm", new IntsAttribute([1, 0]));
                weight = transpose.AddOutput($"t{number}");
            }
            Node node = graph.AddNode("MatMul", "", [input.Value, weight]);
            node.Name = product.NameIsOfWeight ? $"node_linear_{number}" : product.Name;
            Value result = node.AddOutput(product.Biased ? $"product{number}" : $"y{number}");
            if (product.Biased)
            {
                Node add = graph.AddNode("Add", "", [result, graph.AddInitializer($"bias{number}", Tensor.Vector<float>(Draw(n)))]);
                add.Name = product.Name.Replace("MatMul", "Add", StringComparison.Ordinal);
                result = add.AddOutput($"y{number}");
            }
            result.Type = new TensorType(ElementType.Float32, new TensorShape(Dim.Symbol("b"), Dim.Symbol("s"), Dim.Of(n)));
            graph.Outputs.Add(result);
            number++;
        }
        var model = new Model(graph) { IrVersion = 8 };
        model.Opsets[""] = 17;
        OnnxWriter.Save(model, folder["in.onnx"], new());
        return inputs.ToDictionary(i => i.Key, i => i.Value.Data);

        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
    }
}
