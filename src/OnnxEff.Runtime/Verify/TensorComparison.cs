using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>Compares all outputs of two graphs that are no decoders: encoders, parts of models.</summary>
static class TensorComparison
{
    /// <summary>Runs both files on the same random inputs. What the first file does not take says nothing about the second.</summary>
    /// <exception cref="NotSupportedException">The first file takes none of the inputs.</exception>
    public static List<VerifyCase> Run(VerifyModel first, VerifyModel second, VerifyOptions options, double tolerance, Action<string>? onCase)
    {
        var expected = new List<(TensorScenario Scenario, Tensor[]? Outputs, string Refusal)>();
        using (var session = Open(first))
            foreach (var scenario in TensorScenario.Seeded(first.Graph, options.Length, options.Seed))
            {
                onCase?.Invoke($"{scenario.Name} (first file)");
                var (outputs, refusal) = TryRun(session, scenario);
                expected.Add((scenario, outputs, refusal));
            }
        if (expected.TrueForAll(e => e.Outputs is null))
            throw new NotSupportedException($"Both files cannot be compared: ONNX Runtime runs the first on none of the inputs that its types allow: {expected[0].Refusal}");

        using var other = Open(second);
        return [.. expected.Select(e =>
        {
            if (e.Outputs is null) return new VerifyCase(e.Scenario.Name, e.Refusal, [], null, []);
            onCase?.Invoke($"{e.Scenario.Name} (second file)");
            var (outputs, refusal) = TryRun(other, e.Scenario);
            return outputs is null ? new(e.Scenario.Name, null, [new("all outputs", double.PositiveInfinity, 1, false)], null, [refusal])
                : Compare(first.Graph, e.Scenario, e.Outputs, outputs, tolerance);
        })];
    }

    static OrtSession Open(VerifyModel model) => OrtSession.Open(model.Path, (model.Options ?? new()).Session with { MemoryPattern = false });

    static (Tensor[]? Outputs, string Refusal) TryRun(OrtSession session, TensorScenario scenario)
    {
        OrtFeed[] feeds = [.. scenario.Feeds.Select(f => new OrtFeed(f.Key, OrtTensor.From(f.Value)))];
        try
        {
            return (Array.ConvertAll(session.Run(feeds), tensor =>
            {
                using (tensor) return tensor.ToTensor();
            }), "");
        }
        catch (OrtException fault)
        {
            return (null, fault.Message);
        }
        finally
        {
            foreach (var feed in feeds) feed.Tensor.Dispose();
        }
    }

    static VerifyCase Compare(Graph graph, TensorScenario scenario, Tensor[] expected, Tensor[] actual, double tolerance)
    {
        var notes = new List<string>();
        var differences = new List<TensorDifference>();
        for (var i = 0; i < expected.Length; i++)
        {
            var name = graph.Outputs[i].Name;
            if (i >= actual.Length || !expected[i].Dims.SequenceEqual(actual[i].Dims))
            {
                notes.Add($"{name}: [{string.Join(", ", expected[i].Dims.ToArray())}] in the first file, "
                    + (i < actual.Length ? $"[{string.Join(", ", actual[i].Dims.ToArray())}] in the second" : "missing in the second"));
                differences.Add(new(name, double.PositiveInfinity, 1, false));
            }
            else
                differences.Add(Differences.Between(name, Meaningful(graph, graph.Outputs[i], scenario, expected[i]), Meaningful(graph, graph.Outputs[i], scenario, actual[i]), tolerance));
        }
        return new(scenario.Name, null, differences, null, notes);
    }

    /// <summary>The numbers of an output; where it has a row of them for each token, those of padding are left out.</summary>
    static float[][] Meaningful(Graph graph, Value output, TensorScenario scenario, Tensor tensor)
    {
        var numbers = tensor.ToDouble() ?? throw new NotSupportedException($"The output {output} holds no numbers.");
        if (scenario.Mask is null || !HasTokens(graph, output, scenario, tensor))
            return [Array.ConvertAll(numbers, n => (float)n)];
        var (rows, tokens) = (tensor.Dims[0], tensor.Dims[1]);
        var width = (int)(tensor.Count / Math.Max(1, rows * tokens));
        return [.. Enumerable.Range(0, (int)(rows * tokens)).Where(at => scenario.IsToken(at / tokens, at % tokens))
            .Select(at => Array.ConvertAll(numbers[(at * width)..((at + 1) * width)], n => (float)n))];
    }

    // By the names of dimensions where the file has some, since a width can be as large as a row is long.
    static bool HasTokens(Graph graph, Value output, TensorScenario scenario, Tensor tensor)
    {
        var mask = scenario.Feeds[scenario.Mask!];
        if (tensor.Rank < 2 || tensor.Dims[0] != mask.Dims[0] || tensor.Dims[1] != mask.Dims[1]) return false;
        var declared = graph.Inputs.First(i => i.Name == scenario.Mask).Type!.Shape![1];
        return output.Type?.Shape is not { } shape || !shape[1].IsConstant || shape[1] == declared;
    }
}
