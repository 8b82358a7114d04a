using OnnxEff.Ir;

namespace OnnxEff.Formats;

/// <summary>
/// A linear layer's weight W [N, K] in integers of 2, 4 or 8 bits with a scale and a zero point for each block of inputs, as com.microsoft.MatMulNBits takes it:
/// W[o, i] = (code(o, i) − zero(o, i div size)) · scale(o, i div size). Codes and zero points fill bytes from the lowest bits; codes behind K are zero.
/// </summary>
/// <param name="Outputs">N.</param>
/// <param name="Inputs">K.</param>
/// <param name="Bits">2, 4 or 8.</param>
/// <param name="BlockSize">Inputs of a block: 16, 32, 64, 128 or 256.</param>
/// <param name="Codes">uint8 [N, blocks, size · bits / 8].</param>
/// <param name="Scales">fp32 or fp16 [N, blocks].</param>
/// <param name="ZeroPoints">uint8 [N, ceil(blocks · bits / 8)].</param>
public sealed record IntBlocks(int Outputs, int Inputs, int Bits, int BlockSize, Tensor Codes, Tensor Scales, Tensor ZeroPoints)
{
    /// <summary>Blocks of a row.</summary>
    public int Blocks => BlocksOf(Inputs, BlockSize);

    /// <summary>Blocks of so many inputs.</summary>
    public static int BlocksOf(int inputs, int blockSize) => (inputs + blockSize - 1) / blockSize;

    /// <summary>Why no weight has these sizes, or null when they are fine.</summary>
    public static string? Refusal(int bits, int blockSize) =>
        bits is not (2 or 4 or 8) ? $"integers have 2, 4 or 8 bits, not {bits}"
        : blockSize is not (16 or 32 or 64 or 128 or 256) ? $"a block has 16, 32, 64, 128 or 256 inputs, not {blockSize}"
        : null;

    /// <summary>Packs a weight.</summary>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="blockSize">Inputs of a block.</param>
    /// <param name="codes">[N, K].</param>
    /// <param name="scales">[N, blocks], fp32 or fp16.</param>
    /// <param name="zeroPoints">[N, blocks].</param>
    /// <exception cref="ArgumentException">The sizes are none of a weight.</exception>
    public static IntBlocks Pack(int outputs, int inputs, int bits, int blockSize, ReadOnlySpan<byte> codes, Tensor scales, ReadOnlySpan<byte> zeroPoints)
    {
        if (Refusal(bits, blockSize) is { } refusal) throw new ArgumentException($"Not to be packed: {refusal}.");
        var blocks = BlocksOf(inputs, blockSize);
        var (blockBytes, zeroBytes) = (blockSize * bits / 8, (blocks * bits + 7) / 8);
        var (packed, zeros) = (new byte[outputs * blocks * blockBytes], new byte[outputs * zeroBytes]);
        for (var o = 0; o < outputs; o++)
        {
            for (var i = 0; i < inputs; i++) Put(packed.AsSpan(o * blocks * blockBytes), i, bits, codes[o * inputs + i]);
            for (var b = 0; b < blocks; b++) Put(zeros.AsSpan(o * zeroBytes), b, bits, zeroPoints[o * blocks + b]);
        }
        return new(outputs, inputs, bits, blockSize, Tensor.Create<byte>([outputs, blocks, blockBytes], packed), scales, Tensor.Create<byte>([outputs, zeroBytes], zeros));
    }

    /// <summary>The dense weight [N, K], row-major.</summary>
    public float[] Decode()
    {
        var scales = VptqCodes.Floats(Scales);
        ReadOnlySpan<byte> codes = Codes.As<byte>(), zeros = ZeroPoints.As<byte>();
        var (rowBytes, zeroBytes) = (Blocks * BlockSize * Bits / 8, (Blocks * Bits + 7) / 8);
        var dense = new float[(long)Outputs * Inputs];
        for (var o = 0; o < Outputs; o++)
            for (var i = 0; i < Inputs; i++)
            {
                var block = i / BlockSize;
                var difference = Get(codes[(o * rowBytes)..], i, Bits) - Get(zeros[(o * zeroBytes)..], block, Bits);
                dense[o * Inputs + i] = difference * scales[o * Blocks + block];
            }
        return dense;
    }

    static void Put(Span<byte> bytes, int index, int bits, int code) => bytes[index * bits / 8] |= (byte)(code << index * bits % 8);

    static int Get(ReadOnlySpan<byte> bytes, int index, int bits) => bytes[index * bits / 8] >> index * bits % 8 & ((1 << bits) - 1);
}
