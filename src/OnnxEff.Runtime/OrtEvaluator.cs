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

        public IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> tensors)
        {
            var feeds = new List<OrtFeed>();
            var results = Array.Empty<OrtTensor>();
            try
            {
                foreach (var name in inputs)
                    feeds.Add(new(name, OrtTensor.From(tensors.TryGetValue(name, out var tensor) ? tensor
                        : throw new InvalidOperationException($"The input '{name}' of the evaluated graph was given no value."))));
                results = session.Run([.. feeds], outputs);
                return [.. results.Select(r => r.ToTensor())];
            }
            catch (OrtException e)
            {
                throw new InvalidOperationException(e.Message, e);
            }
            finally
            {
                foreach (var feed in feeds) feed.Tensor.Dispose();
                foreach (var result in results) result.Dispose();
            }
        }

        public void Dispose() => session.Dispose();
    }
}
