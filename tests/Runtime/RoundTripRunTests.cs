using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

/// <summary>A file that was read and written again without a pass computes the same, bit by bit.</summary>
public class RoundTripRunTests
{
    static readonly OrtSessionOptions OneThread = new() { IntraOpThreads = 1, Spinning = false };

    public RoundTripRunTests() => Native.Require();

    /// <summary>Files with a case of inputs beside them.</summary>
    public static TheoryData<string> Files => [.. Fixtures.SharedFiles("model.onnx", "matrix").Concat(Fixtures.SharedFiles("model.onnx", "conformance", "node"))];

    [Theory, MemberData(nameof(Files))]
    public void A_copy_computes_the_same_bits(string file)
    {
        var path = Fixtures.Shared(file);
        var inputs = Path.Combine(Path.GetDirectoryName(path)!, "test_data_set_0");
        if (!Directory.Exists(inputs)) Assert.Skip("There are no inputs for this file.");
        using var folder = new TempFolder();
        OnnxWriter.Save(OnnxReader.Load(path), folder["copy.onnx"]);
        var tensors = Directory.EnumerateFiles(inputs, "input_*.pb").OrderBy(f => f.Length).ThenBy(f => f, StringComparer.Ordinal)
            .Select(f => TensorFile.Read(f).Tensor).ToArray();
        Tensor[] original = [];
        try
        {
            original = Run(path, tensors);
        }
        catch (OrtException e)
        {
            Assert.Skip($"ONNX Runtime does not run the original: {e.Message}");
        }
        foreach (var (expected, actual) in original.Zip(Run(folder["copy.onnx"], tensors)))
        {
            Assert.Equal(expected.Dims.ToArray(), actual.Dims.ToArray());
            Assert.True(expected.Data.Span.SequenceEqual(actual.Data.Span));
        }
    }

    static Tensor[] Run(string path, Tensor[] tensors)
    {
        using var session = OrtSession.Open(path, OneThread);
        var feeds = session.Inputs.Zip(tensors, (i, t) => new OrtFeed(i.Name, OrtTensor.From(t))).ToArray();
        try
        {
            return Array.ConvertAll(session.Run(feeds), t =>
            {
                using (t) return t.ToTensor();
            });
        }
        finally
        {
            foreach (var feed in feeds) feed.Tensor.Dispose();
        }
    }
}
