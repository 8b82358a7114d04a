using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;

namespace OnnxEff.Benchmarks.Table;

/// <summary>What is stored of the matrices of a file that another tool quantised, and how large a file is.</summary>
static class StoredBits
{
    /// <summary>Bits of all that the file's MatMulNBits read beside their input, by weights; 32 where it has none.</summary>
    public static double PerWeight(string path)
    {
        Node[] products = [.. OnnxReader.Load(path).Graph.Nodes.Where(node => node.Is("MatMulNBits", "com.microsoft"))];
        long weights = products.Sum(node => node.Int("K") * node.Int("N"));
        long bytes = products.SelectMany(node => node.Inputs.Skip(1)).OfType<Value>().Distinct().Sum(value => (long)(value.Constant?.Data.Length ?? 0));
        return weights == 0 ? 32 : bytes * 8.0 / weights;
    }

    /// <summary>Bytes of a model with its data.</summary>
    public static long FileBytes(string path) => Runtime.ModelSize.Of(path, OnnxReader.Load(path).Graph).Bytes;
}
