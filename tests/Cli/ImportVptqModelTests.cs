using System.Text.Json;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;
using OnnxEff.Tests.CustomOps;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>Whole Llama models: the graph of a checkpoint with other linear weights, the import, and the logits that PyTorch computes from the checkpoint.</summary>
public sealed class ImportVptqModelTests : IDisposable
{
    readonly TempFolder folder = new();

    public ImportVptqModelTests() => OperatorLibrary.Require();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("a_v8-k4096-0")]
    [InlineData("b_v8-k256-256")]
    [InlineData("c_v8-k65536-256")]
    [InlineData("e_outliers")]
    [InlineData("f_perm_norm_sharded")]
    [InlineData("g_groups")]
    [InlineData("h_padding")]
    [InlineData("i_unpacked")]
    [InlineData("i_unpacked_float")]
    [InlineData("j_bias_bf16")]
    public void An_imported_model_makes_the_logits_of_the_checkpoint(string name)
    {
        string checkpoint = Fixtures.Shared("vptq", name);
        Tensor ids = TensorFile.Read(Path.Combine(checkpoint, "golden_input_ids.pb")).Tensor, logits = TensorFile.Read(Path.Combine(checkpoint, "golden_logits.pb")).Tensor;
        new LlamaGraph(checkpoint).Save(folder["model.onnx"]);
        ToolResult run = CliProcess.Run("import-vptq", checkpoint, folder["model.onnx"], folder["out.onnx"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.DoesNotContain("layer that no product is named like", run.Output, StringComparison.Ordinal);

        using var session = OrtSession.Open(folder["out.onnx"], OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] });
        OrtTensor actual = session.Run([new("input_ids", OrtTensor.From<long>(ids.As<long>().ToArray(), ids.Dims.ToArray()))], [new("logits")])[0];
        float[] expected = logits.As<float>().ToArray();
        AttentionRun.Near(new(actual.Dims.ToArray(), expected), new(actual.Dims.ToArray(), actual.ToFloats()), 1e-4 * Math.Max(1, expected.Max(MathF.Abs)));
    }

    /// <summary>A Llama as an exporter writes it, with the checkpoint's sizes, norms and embeddings.</summary>
    sealed class LlamaGraph
    {
        readonly Graph graph = new("llama");
        readonly VptqCheckpoint checkpoint;
        readonly JsonElement config;
        readonly Value cos, sin, positions;

        public LlamaGraph(string folder)
        {
            checkpoint = VptqCheckpoint.Open(folder);
            config = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json"))).RootElement;
            Value ids = graph.AddInput("input_ids", new TensorType(ElementType.Int64, new TensorShape(Dim.Symbol("batch"), Dim.Symbol("sequence"))));
            int half = Number("head_dim") / 2, tokens = Number("max_position_embeddings");
            double theta = config.TryGetProperty("rope_theta", out var given) ? given.GetDouble() : config.GetProperty("rope_parameters").GetProperty("rope_theta").GetDouble();
            float[] Table(Func<double, double> f) => [.. from t in Enumerable.Range(0, tokens) from i in Enumerable.Range(0, half) select (float)f(t * Math.Pow(theta, -i / (double)half))];
            cos = graph.AddInitializer("cos", Tensor.Create<float>([tokens, half], Table(Math.Cos)));
            sin = graph.AddInitializer("sin", Tensor.Create<float>([tokens, half], Table(Math.Sin)));
            Value length = Op("Gather", "length", [Op("Shape", "shape", [ids]), Scalar(1)]);
            positions = Op("Expand", "positions", [Op("Range", "range", [Scalar(0), length, Scalar(1)]), Op("Shape", "shape_of_ids", [ids])]);

            Value x = Op("Gather", "embed", [Dense("model.embed_tokens"), ids]);
            for (int layer = 0; layer < Number("num_hidden_layers"); layer++) x = Layer(x, $"model.layers.{layer}");
            Value table = checkpoint.Tensors.ContainsKey("lm_head.weight") ? Dense("lm_head") : graph.Initializers.First(value => value.Name == "model.embed_tokens.weight");
            Value logits = Op("MatMul", "/lm_head/MatMul", [Norm(x, "model.norm"), Op("Transpose", "lm_head_transposed", [table], ("perm", new long[] { 1, 0 }))]);
            logits.Name = "logits";
            logits.Type = new TensorType(ElementType.Float32, new TensorShape(Dim.Symbol("batch"), Dim.Symbol("sequence"), Dim.Of(Number("vocab_size"))));
            graph.Outputs.Add(logits);
        }

        public void Save(string path)
        {
            var model = new Model(graph) { IrVersion = 10 };
            model.Opsets[""] = 23;
            OnnxWriter.Save(model, path, new());
        }

        int Number(string name) => config.GetProperty(name).GetInt32();

        Value Layer(Value x, string name)
        {
            int heads = Number("num_attention_heads"), kvHeads = Number("num_key_value_heads"), size = Number("head_dim"), hidden = Number("hidden_size"), wide = Number("intermediate_size");
            Value h = Norm(x, $"{name}.input_layernorm");
            Value q = Rotate(Linear(h, $"{name}.self_attn.q_proj", hidden, heads * size), heads), k = Rotate(Linear(h, $"{name}.self_attn.k_proj", hidden, kvHeads * size), kvHeads);
            Value mixed = Op("Attention", $"{name}.attention", [q, k, Linear(h, $"{name}.self_attn.v_proj", hidden, kvHeads * size)],
                ("is_causal", 1L), ("q_num_heads", (long)heads), ("kv_num_heads", (long)kvHeads));
            x = Op("Add", $"{name}.add1", [x, Linear(mixed, $"{name}.self_attn.o_proj", heads * size, hidden)]);
            h = Norm(x, $"{name}.post_attention_layernorm");
            Value gate = Linear(h, $"{name}.mlp.gate_proj", hidden, wide);
            Value active = Op("Mul", $"{name}.silu", [gate, Op("Sigmoid", $"{name}.sigmoid", [gate])]);
            return Op("Add", $"{name}.add2", [x, Linear(Op("Mul", $"{name}.mul", [active, Linear(h, $"{name}.mlp.up_proj", hidden, wide)]), $"{name}.mlp.down_proj", wide, hidden)]);
        }

        Value Rotate(Value x, int heads) => Op("RotaryEmbedding", $"{x.Name}.rotated", [x, cos, sin, positions], ("num_heads", (long)heads));

        Value Norm(Value x, string name) => Op("RMSNormalization", $"{name}.out", [x, Dense(name)], ("epsilon", (float)config.GetProperty("rms_norm_eps").GetDouble()));

        // Weights that are not the checkpoint's: what comes out right was imported.
        Value Linear(Value x, string name, int inputs, int outputs)
        {
            var random = new Random(name.Length);
            Value weight = graph.AddInitializer($"onnx::MatMul_{name}", Tensor.Create<float>([inputs, outputs], [.. Enumerable.Range(0, inputs * outputs).Select(_ => random.NextSingle() - 0.5f)]));
            Value y = Op("MatMul", $"/{name.Replace('.', '/').Replace("layers/", "layers.", StringComparison.Ordinal)}/MatMul", [x, weight]);
            return checkpoint.Read(name).Bias is null ? y : Op("Add", $"{name}.biased", [y, graph.AddInitializer($"{name}.bias", Tensor.Vector<float>(new float[outputs]))]);
        }

        Value Dense(string name)
        {
            Tensor stored = checkpoint.Tensors[$"{name}.weight"];
            return graph.AddInitializer($"{name}.weight", Tensor.Create<float>(stored.Dims, VptqCodes.Floats(stored)));
        }

        Value Scalar(long value) => graph.AddConstant(Tensor.Scalar(value));

        Value Op(string opType, string name, Value[] inputs, params (string Name, AttributeValue Value)[] attributes)
        {
            Node node = graph.AddNode(opType, "", inputs);
            node.Name = name;
            foreach ((string attribute, AttributeValue value) in attributes) node.SetAttribute(attribute, value);
            return node.AddOutput($"{name}_out");
        }
    }
}
