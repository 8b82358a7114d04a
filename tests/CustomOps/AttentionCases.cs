using System.Collections.Concurrent;
using OnnxEff.Ops;
using Xunit;
using static OnnxEff.Tests.CustomOps.AttentionCase;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The crossed parameters of the attention tests.</summary>
public static class AttentionCases
{
    static readonly ConcurrentDictionary<AttentionCase, (BlockMaskedAttention.Inputs, BlockMaskedAttention.Outputs)> Known = [];

    /// <summary>A case's inputs and what the reference makes of them, computed once for all vector widths.</summary>
    public static (BlockMaskedAttention.Inputs Inputs, BlockMaskedAttention.Outputs Outputs) Expected(AttentionCase c) =>
        Known.GetOrAdd(c, static c =>
        {
            BlockMaskedAttention.Inputs x = c.Draw();
            return (x, BlockMaskedAttention.Reference(c.Attributes, x));
        });

    public static TheoryData<int, int, int, int> HeadShapes()
    {
        var data = new TheoryData<int, int, int, int>();
        foreach (int size in new[] { 1, 7, 8, 16, 40, 64, 80, 128, 256 })
            foreach ((int hq, int hkv) in new[] { (3, 3), (6, 2), (4, 1) })
                foreach (int sequence in new[] { 1, 37 })
                    data.Add(size, hq, hkv, sequence);
        return data;
    }

    public static TheoryData<Mask, bool, bool, int, int> Masks()
    {
        var data = new TheoryData<Mask, bool, bool, int, int>();
        foreach (Mask mask in Enum.GetValues<Mask>())
            foreach (bool bias in new[] { false, true })
                foreach ((bool causal, int window) in new[] { (true, -1), (false, -1), (true, 1), (true, 4), (true, 40) })
                    foreach (int sequence in new[] { 1, 3, 70 })
                        data.Add(mask, bias, causal, window, sequence);
        return data;
    }

    public static TheoryData<Mask, bool, int, int, int, int> Rules()
    {
        var data = new TheoryData<Mask, bool, int, int, int, int>();
        foreach (Mask mask in new[] { Mask.None, Mask.LeftPadding, Mask.Holes, Mask.SeqlensLater })
            foreach ((bool causal, int window, int right, int chunk) in new[]
                { (false, 1, -1, 0), (false, 40, -1, 0), (false, -1, 0, 0), (false, -1, 33, 0), (false, 5, 3, 0), (true, 5, 3, 0),
                  (true, -1, -1, 32), (true, -1, -1, 7), (false, -1, -1, 64), (false, 9, -1, 21), (true, 200, -1, 150), (false, 3, 0, 1) })
                foreach (int sequence in new[] { 1, 3, 70 })
                    data.Add(mask, causal, window, right, chunk, sequence);
        return data;
    }
}
