using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;

namespace OnnxEff.Runtime;

/// <summary>Runs models from memory for passes, with ONNX Runtime.</summary>
public sealed class OrtEvaluator : IGraphEvaluator
{
    readonly OrtSessionOptions options;

    /// <summary>An evaluator whose sessions have these options; the default is made for small graphs.</summary>
    public OrtEvaluator(OrtSessionOptions? options = null) => this.options = options ?? OrtSessionOptions.Small;

    /// <inheritdoc/>
    public IEvaluation Open(Model model)
    {
        try
        {
            return new Evaluation(OrtSession.FromBytes(OnnxWriter.ToBytes(model), options), model);
        }
        catch (OrtException e)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }

    sealed class Evaluation(OrtSession session, Model model) : IEvaluation
    {
        readonly string[] inputs = [.. model.Graph.Inputs.Where(i => i.Initializer is null).Select(i => i.Name)];
        readonly OrtFetch[] outputs = [.. model.Graph.Outputs.Select(o => new OrtFetch(o.Name))];

        readonly Dictionary<string, OrtTensor> feeds = []; // Their memory serves the next run of the same shapes.

        public IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> tensors) => Run(tensors, length => new byte[length]);

        public IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> tensors, Func<int, byte[]> memory)
        {
            var results = Array.Empty<OrtTensor>();
            try
            {
                results = session.Run([.. inputs.Select(name => new OrtFeed(name, Feed(name, tensors)))], outputs);
                return [.. results.Select(r => r.ToTensor(memory))];
            }
            catch (OrtException e)
            {
                throw new InvalidOperationException(e.Message, e);
            }
            finally
            {
                foreach (var result in results) result.Dispose();
            }
        }

        public void Dispose()
        {
            foreach (var feed in feeds.Values) feed.Dispose();
            session.Dispose();
        }

        OrtTensor Feed(string name, IReadOnlyDictionary<string, Tensor> tensors)
        {
            if (!tensors.TryGetValue(name, out var tensor)) throw new InvalidOperationException($"The input '{name}' of the evaluated graph was given no value.");
            if (feeds.TryGetValue(name, out var feed) && feed.Element == tensor.Element && feed.Dims.SequenceEqual(tensor.Dims)) feed.CopyFrom(tensor);
            else
            {
                feed?.Dispose();
                feeds[name] = feed = OrtTensor.From(tensor);
            }
            return feed;
        }
    }
}
