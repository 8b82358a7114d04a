using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary><see cref="AffineMatMul"/> on the CPU.</summary>
public static unsafe class AffineMatMulKernel
{
    const int TokensOfWords = 16; // Words cost the same for each token; a decoded tile costs once.
    const int TokensOfTiles = 1024;
    const long ProductsWorthThreads = 1 << 18;

    /// <summary>Computes one call.</summary>
    /// <typeparam name="TLanes">The vector width of the level that runs.</typeparam>
    /// <param name="layout">What <see cref="AffineMatMul.Layout"/> returned for the sizes.</param>
    /// <param name="accuracyLevel">The attribute.</param>
    /// <param name="input">x [tokens, K]</param>
    /// <param name="units">The weight.</param>
    /// <param name="bias">[N], or null.</param>
    /// <param name="output">y [tokens, N]</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="parallel">The host's threads, or null to stay on this one.</param>
    /// <exception cref="OutOfMemoryException">Scratch memory is not to be had.</exception>
    public static void Run<TLanes>(AffineBlockLayout layout, int accuracyLevel, float* input, byte* units, float* bias, float* output, int tokens, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        if ((long)tokens * layout.Outputs * layout.Inputs < ProductsWorthThreads) parallel = null;
        // The three widths are as many types, of which a level is compiled with one.
        if (typeof(TLanes) == typeof(V512)) Run<V512, Words512>(layout, accuracyLevel, input, units, bias, output, tokens, parallel);
        else if (typeof(TLanes) == typeof(V256)) Run<V256, Words256>(layout, accuracyLevel, input, units, bias, output, tokens, parallel);
        else Run<V128, Words128>(layout, accuracyLevel, input, units, bias, output, tokens, parallel);
    }

    static void Run<TLanes, TWords>(AffineBlockLayout layout, int accuracyLevel, float* input, byte* units, float* bias, float* output, int tokens, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TWords : unmanaged, IWordLanes<TWords, TLanes>
    {
        if (layout.Bits == 4) Run<TLanes, TWords, Bits4>(layout, accuracyLevel, input, units, bias, output, tokens, parallel);
        else Run<TLanes, TWords, Bits8>(layout, accuracyLevel, input, units, bias, output, tokens, parallel);
    }

    static void Run<TLanes, TWords, TBits>(AffineBlockLayout layout, int accuracyLevel, float* input, byte* units, float* bias, float* output, int tokens, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TWords : unmanaged, IWordLanes<TWords, TLanes>
        where TBits : ICodeBits
    {
        int most = tokens <= TokensOfWords ? TokensOfWords : TokensOfTiles;
        for (int from = 0; from < tokens; from += most)
        {
            int count = Math.Min(most, tokens - from);
            float* x = input + (long)from * layout.Inputs, y = output + (long)from * layout.Outputs;
            if (tokens <= TokensOfWords) MultiplyWords<TLanes, TWords, TBits>(layout, x, units, bias, y, count, parallel);
            else MultiplyTiles<TLanes, TWords, TBits>(layout, accuracyLevel, x, units, bias, y, count, parallel);
        }
    }

    static void MultiplyWords<TLanes, TWords, TBits>(AffineBlockLayout layout, float* x, byte* units, float* bias, float* y, int tokens, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TWords : unmanaged, IWordLanes<TWords, TLanes>
        where TBits : ICodeBits
    {
        using var scratch = new Scratch(checked((nuint)tokens * AffineInputs.Bytes(layout.Blocks)));
        var inputs = AffineInputs.In(scratch.Bytes, tokens, layout.Blocks);
        for (int t = 0; t < tokens; t++) inputs.Write(t, x + (long)t * layout.Inputs, layout.Inputs);
        if (AffineTileProduct.Exists) AffineTileProduct.Run(layout, units, inputs, bias, y, tokens, parallel);
        else AffineProduct<TLanes, TWords, TBits>.Run(layout, units, inputs, bias, y, tokens, parallel);
    }

    static void MultiplyTiles<TLanes, TWords, TBits>(AffineBlockLayout layout, int accuracyLevel, float* x, byte* units, float* bias, float* y, int tokens, ParallelFor? parallel)
        where TLanes : unmanaged, ILanes<TLanes>
        where TWords : unmanaged, IWordLanes<TWords, TLanes>
        where TBits : ICodeBits
    {
        for (int t = 0; t < tokens; t++)
        {
            var row = new Span<float>(y + (long)t * layout.Outputs, layout.Outputs);
            if (bias == null) row.Clear();
            else new ReadOnlySpan<float>(bias, layout.Outputs).CopyTo(row);
        }
        TileProduct<TLanes>.Add(new AffineTiles<TLanes, TWords, TBits>(layout, units), accuracyLevel, x, y, new(tokens, layout.Inputs, layout.Outputs), parallel);
    }
}
