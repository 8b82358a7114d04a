namespace OnnxEff.CustomOps.Native;

/// <summary>The state of one node of a session; it may be computed from several threads at once.</summary>
abstract class NodeKernel
{
    /// <summary>Computes the node.</summary>
    /// <exception cref="OrtException">The inputs are refused, or ONNX Runtime failed.</exception>
    public abstract void Compute(KernelContext context);
}

/// <summary>Creates a node's state from its attributes.</summary>
delegate NodeKernel NodeKernelFactory(KernelInfo info);

/// <summary>Tells the shapes of a node's outputs as far as they are known when a session is made.</summary>
delegate void ShapeInference(ShapeInferContext context);
