using OnnxEff.GraphPasses.Layers;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses;

/// <summary>Raise, transform, lower: what the command line does to a model, for embedding.</summary>
public static class Optimizer
{
    /// <summary>All passes of the default pipelines, in order, each once.</summary>
    public static IReadOnlyList<PassInfo> Passes { get; } = [.. Enum.GetValues<Target>()
        .SelectMany(t => Pipelines.Full(t, opset: 18).Steps.Select(s => (Target: t, s.Pass)))
        .GroupBy(p => p.Pass.Name)
        .Select(g => new PassInfo(g.Key, g.First().Pass.Exactness, g.First().Pass.Summary, [.. g.Select(p => p.Target).Distinct()]))];

    /// <summary>Rewrites a model in place.</summary>
    /// <param name="model">The model. After an exception it may be half-way between two passes.</param>
    /// <param name="options">What to do.</param>
    /// <param name="evaluator">Runs the parts that are recognised by evaluation.</param>
    /// <exception cref="ArgumentException">A pass that was asked for does not exist for the target.</exception>
    /// <exception cref="PassFailedException">A pass failed.</exception>
    /// <exception cref="NotSupportedException"><see cref="OptimizeOptions.PackedDocuments"/> is asked for and cannot be had.</exception>
    public static OptimizeReport Run(Model model, OptimizeOptions options, IGraphEvaluator evaluator)
    {
        var before = ModelMeasure.Of(model);
        var names = new FileNames(model);
        var declared = model.Graph.Inputs.Concat(model.Graph.Outputs).Select(v => v.Type).ToList();
        var trace = options.Explain ? new RewriteTrace() : null;
        var context = new PassContext(model, evaluator, trace);
        var raise = new Pipeline([.. Select(Pipelines.Raise, options)]).Run(context);
        var transform = new Pipeline(options.Transforms).Run(context);
        var layers = LayerReports.OfRaised(model, [.. raise.Refusals]);
        var lower = new Pipeline(Pipelines.Lower(options.Target, model.Opset, options.PackedDocuments, options.GatesApart)).Run(context);
        if (options.PackedDocuments && lower.Applied("plan-masks") < layers.Count)
            throw new NotSupportedException($"Documents cannot be packed in this model's rows: {lower.Refusals.FirstOrDefault(r => r.Rule == "plan-masks")?.Sentence ?? "an attention was left"}.");
        ImportDomains(model);
        NameNodesApart(model);
        // What was proven about inputs and outputs helps passes; the file keeps what its author declared.
        foreach (var (type, value) in declared.Zip(model.Graph.Inputs.Concat(model.Graph.Outputs)))
            value.Type = type;
        PipelineReport all = new([.. raise.Passes, .. transform.Passes, .. lower.Passes]);
        return new()
        {
            Target = options.Target,
            Passes = all.Passes,
            Layers = layers.Lowered(model.Graph, [.. lower.Refusals], names),
            LayerCount = layers.Count,
            Before = before,
            After = ModelMeasure.Of(model),
            NearMisses = trace is null ? [] : [.. trace.NearMisses],
        };
    }

    /// <summary>Recognises what a model is. The model is changed on the way.</summary>
    public static ModelFacts Inspect(Model model, IGraphEvaluator evaluator)
    {
        var size = ModelMeasure.Of(model);
        var names = new FileNames(model);
        var weights = ModelMeasure.WeightBytesByType(model);
        string[] inputs = [.. model.Graph.Inputs.Where(i => i.Initializer is null).Select(i => i.ToString())];
        string[] outputs = [.. model.Graph.Outputs.Select(o => o.ToString())];
        var signature = DecoderSignature.Recognise(model.Graph, out var refusal);
        var report = new Pipeline(Pipelines.Raise).Run(new PassContext(model, evaluator));
        var layers = LayerReports.OfRaised(model, [.. report.Refusals]);
        return new()
        {
            Exporter = $"{model.ProducerName} {model.ProducerVersion}".Trim(),
            Opsets = model.Opsets,
            Size = size,
            WeightBytesByType = weights,
            Signature = signature,
            SignatureRefusal = refusal,
            Inputs = inputs,
            Outputs = outputs,
            Layers = LayerFacts.Of(model.Graph, layers, names),
            Vocabulary = signature?.Logits.Type?.Shape?[-1].Constant,
            HiddenSize = model.Graph.Nodes.FirstOrDefault(n => n.Is(Vocabulary.RmsNorm, Vocabulary.Domain) || n.Is("LayerNormalization"))
                ?.Input(0)?.Type?.Shape?[-1].Constant,
            Refused = [.. layers.Lines(names).Where(l => l.IsRefused)],
        };
    }

    /// <summary>The steps asked for. Normalising always runs: what follows reads its spelling.</summary>
    static IEnumerable<PipelineStep> Select(IReadOnlyList<PipelineStep> steps, OptimizeOptions options)
    {
        if (options.Passes is { } asked)
        {
            var unknown = asked.Where(a => Passes.All(p => p.Name != a || !p.Targets.Contains(options.Target))).ToArray();
            if (unknown.Length > 0)
                throw new ArgumentException($"There is no pass '{unknown[0]}' for this target; `onnxeff passes` lists them.");
        }
        foreach (var step in steps)
        {
            if (options.Passes is { } only && step.Pass.Name.StartsWith("raise-", StringComparison.Ordinal) && !only.Contains(step.Pass.Name))
                continue;
            yield return options.Progress is null ? step : step with { Pass = new Announced(step.Pass, options.Progress) };
        }
    }

    /// <summary>A model imports the domains that its nodes use, and no others of ours.</summary>
    static void ImportDomains(Model model)
    {
        var used = model.AllGraphs.SelectMany(g => g.Nodes).Select(n => n.Domain).ToHashSet();
        foreach (var domain in (string[])["com.microsoft", OnnxEffOperators.Domain])
        {
            if (used.Contains(domain))
                model.Opsets.TryAdd(domain, 1);
        }
    }

    /// <summary>ONNX Runtime takes no two nodes of one name; nodes that stand for the same one got its name.</summary>
    static void NameNodesApart(Model model)
    {
        foreach (var graph in model.AllGraphs)
        {
            var names = new HashSet<string>();
            foreach (var node in graph.Nodes.Where(n => n.Name.Length > 0 && !names.Add(n.Name)))
                node.Name = graph.FreshName(node.Name);
        }
    }

    /// <summary>Says its name before it runs.</summary>
    sealed class Announced(GraphPass pass, IProgress<string> progress) : GraphPass
    {
        public override string Name => pass.Name;

        public override string Summary => pass.Summary;

        public override Exactness Exactness => pass.Exactness;

        public override PassResult Run(PassContext context)
        {
            progress.Report(pass.Name);
            return pass.Run(context);
        }
    }
}
