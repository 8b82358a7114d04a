using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using Xunit;

namespace OnnxEff.Tests.Formats;

public class IntBlocksTests
{
    [Theory]
    [InlineData(2, 32)]
    [InlineData(2, 64)]
    [InlineData(4, 32)]
    [InlineData(4, 128)]
    [InlineData(8, 32)]
    [InlineData(8, 128)]
    public void A_decoded_weight_is_bit_for_bit_what_ONNX_Runtime_multiplies_with(int bits, int blockSize)
    {
        Native.Require();
        const int n = 24, k = 160; // The last block of 64 or 128 inputs is not full, and zero points do not fill their last byte.
        var random = new Random(bits * 1000 + blockSize);
        var blocks = IntBlocks.BlocksOf(k, blockSize);
        byte[] codes = [.. Enumerable.Range(0, n * k).Select(_ => (byte)random.Next(1 << bits))], zeros = [.. Enumerable.Range(0, n * blocks).Select(_ => (byte)random.Next(1 << bits))];
        float[] scales = [.. Enumerable.Range(0, n * blocks).Select(_ => random.NextSingle() + 0.1f)];
        var packed = IntBlocks.Pack(n, k, bits, blockSize, codes, Tensor.Create<float>([n, blocks], scales), zeros);

        var expected = packed.Decode();
        using var session = OrtSession.FromBytes(OnnxWriter.ToBytes(OneNode(packed)), OrtSessionOptions.Small);
        var identity = new float[k * k];
        for (var i = 0; i < k; i++) identity[i * k + i] = 1;
        using var input = OrtTensor.From<float>(identity, k, k);
        var product = session.Run([new("x", input)], [new("y")])[0].ToFloats(); // [K, N]: row i is column i of the weight.
        for (var o = 0; o < n; o++)
            for (var i = 0; i < k; i++)
            {
                Assert.Equal((codes[o * k + i] - zeros[o * blocks + i / blockSize]) * scales[o * blocks + i / blockSize], expected[o * k + i]);
                Assert.Equal(expected[o * k + i], product[i * n + o]);
            }
    }

    [Theory]
    [InlineData(3, 32, "integers have 2, 4 or 8 bits, not 3")]
    [InlineData(4, 48, "a block has 16, 32, 64, 128 or 256 inputs, not 48")]
    public void Sizes_that_no_kernel_has_are_refused(int bits, int blockSize, string sentence) => Assert.Equal(sentence, IntBlocks.Refusal(bits, blockSize));

    static Model OneNode(IntBlocks weight)
    {
        var graph = new Graph("product");
        var x = graph.AddInput("x", new TensorType(ElementType.Float32, new TensorShape(Dim.Symbol("tokens"), Dim.Of(weight.Inputs))));
        var node = graph.AddNode("MatMulNBits", "com.microsoft", [x, graph.AddConstant(weight.Codes), graph.AddConstant(weight.Scales), graph.AddConstant(weight.ZeroPoints)]);
        foreach (var (name, value) in ((string, int)[])[("K", weight.Inputs), ("N", weight.Outputs), ("bits", weight.Bits), ("block_size", weight.BlockSize)])
            node.SetAttribute(name, new IntAttribute(value));
        graph.Outputs.Add(node.AddOutput("y", new TensorType(ElementType.Float32, null)));
        var model = new Model(graph) { IrVersion = 8 };
        model.Opsets[""] = 17;
        model.Opsets["com.microsoft"] = 1;
        return model;
    }
}
