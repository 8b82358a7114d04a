using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Tests.Testing;

/// <summary>Runs models that tests and passes make in ONNX Runtime.</summary>
public sealed class OrtEvaluator : IGraphEvaluator
{
    /// <inheritdoc/>
    public IEvaluation Open(Model model)
    {
        try
        {
            return new Evaluation(OrtSession.FromBytes(OnnxWriter.ToBytes(model), OrtSessionOptions.Small));
        }
        catch (OrtException e)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }

    sealed class Evaluation(OrtSession session) : IEvaluation
    {
        public IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs)
        {
            OrtFeed[] feeds = [.. session.Inputs.Where(i => inputs.ContainsKey(i.Name)).Select(i => new OrtFeed(i.Name, OrtTensor.From(inputs[i.Name])))];
            var results = session.Run(feeds);
            Tensor[] tensors = [.. results.Select(r => r.ToTensor())];
            foreach (var tensor in feeds.Select(f => f.Tensor).Concat(results))
                tensor.Dispose();
            return tensors;
        }

        public void Dispose() => session.Dispose();
    }
}
