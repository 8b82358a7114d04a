using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>
/// Runs small models that passes cut out of a graph. Passes know only this interface; the runtime implements it with ONNX
/// Runtime, so that no operator is ever missing.
/// </summary>
public interface IGraphEvaluator
{
    /// <summary>Prepares a model for running.</summary>
    /// <exception cref="InvalidOperationException">The model cannot be run; the message has the runtime's reason.</exception>
    IEvaluation Open(Model model);
}

/// <summary>A prepared model.</summary>
public interface IEvaluation : IDisposable
{
    /// <summary>Computes all outputs, in the order of the graph's outputs.</summary>
    /// <param name="inputs">One tensor for each graph input, by name.</param>
    IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs);

    /// <summary>The same, with memory for results that the caller may have used before.</summary>
    /// <param name="inputs">One tensor for each graph input, by name.</param>
    /// <param name="memory">Gives an array of exactly so many bytes; asked once for each output, in their order.</param>
    IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs, Func<int, byte[]> memory);
}
