using System.Runtime.InteropServices;
using OnnxEff.Ir;

namespace OnnxEff.Formats;

/// <summary>
/// A weight on a grid for each block of 32 inputs, as llama.cpp's Q4_1, Q4_0 and Q8_0 are, in the form that a kernel reads once from front to back: tiles of 16 rows,
/// in a tile one block after the other, in a block 16 scales, 16 minima where there are some, and the codes. W[o, i] = scale · code + minimum, or
/// scale · (code - 2^(bits-1)) without minima, in fp32, the product and the sum each rounded. 4 bits take 4.5 or 5 bits a weight, 8 take 8.5 or 9.
/// </summary>
/// <param name="Layout">The sizes.</param>
/// <param name="Units">uint8 [ceil(N/16), ceil(K/32), unit]; what lies behind N or K is 0.</param>
public sealed record AffineBlocks(AffineBlockLayout Layout, Tensor Units)
{
    /// <summary>Packs codes, scales and minima.</summary>
    /// <param name="layout">The sizes.</param>
    /// <param name="codes">[N, K]</param>
    /// <param name="scales">[N, ceil(K/32)]</param>
    /// <param name="minima">[N, ceil(K/32)]; not read where the layout has none.</param>
    public static AffineBlocks Pack(AffineBlockLayout layout, byte[] codes, Half[] scales, Half[] minima)
    {
        var units = new byte[(long)layout.Tiles * layout.Blocks * layout.UnitBytes];
        for (int o = 0; o < layout.Outputs; o++)
            for (int b = 0; b < layout.Blocks; b++)
            {
                Span<byte> unit = units.AsSpan(layout.UnitOf(o, b), layout.UnitBytes);
                int row = o % AffineBlockLayout.TileRows, first = b * AffineBlockLayout.BlockInputs;
                Span<Half> side = MemoryMarshal.Cast<byte, Half>(unit[..layout.SideBytes]);
                side[row] = scales[o * layout.Blocks + b];
                if (layout.HasMinima) side[AffineBlockLayout.TileRows + row] = minima[o * layout.Blocks + b];
                for (int i = 0; i < AffineBlockLayout.BlockInputs && first + i < layout.Inputs; i++)
                {
                    (int at, int bit) = layout.PlaceOf(row, i);
                    unit[layout.SideBytes + at] |= (byte)(codes[(long)o * layout.Inputs + first + i] << bit);
                }
            }
        return new(layout, Tensor.Create<byte>([layout.Tiles, layout.Blocks, layout.UnitBytes], units));
    }

    /// <summary>The dense weight [N, K], row-major.</summary>
    public float[] Decode()
    {
        var weight = new float[(long)Layout.Outputs * Layout.Inputs];
        for (int o = 0; o < Layout.Outputs; o++) DecodeRow(Layout, Units.As<byte>(), o, weight.AsSpan(o * Layout.Inputs, Layout.Inputs));
        return weight;
    }

    /// <summary>One row.</summary>
    /// <param name="layout">The sizes.</param>
    /// <param name="units">All bytes.</param>
    /// <param name="row">Its number.</param>
    /// <param name="target">[K]</param>
    public static void DecodeRow(AffineBlockLayout layout, ReadOnlySpan<byte> units, int row, Span<float> target)
    {
        int lane = row % AffineBlockLayout.TileRows, mask = (1 << layout.Bits) - 1;
        for (int b = 0; b < layout.Blocks; b++)
        {
            ReadOnlySpan<byte> unit = units.Slice(layout.UnitOf(row, b), layout.UnitBytes), codes = unit[layout.SideBytes..];
            ReadOnlySpan<Half> side = MemoryMarshal.Cast<byte, Half>(unit[..layout.SideBytes]);
            float scale = (float)side[lane], minimum = layout.HasMinima ? (float)side[AffineBlockLayout.TileRows + lane] : 0;
            Span<float> block = target.Slice(b * AffineBlockLayout.BlockInputs, Math.Min(AffineBlockLayout.BlockInputs, layout.Inputs - b * AffineBlockLayout.BlockInputs));
            for (int i = 0; i < block.Length; i++)
            {
                (int at, int bit) = layout.PlaceOf(lane, i);
                block[i] = scale * ((codes[at] >> bit & mask) - layout.Zero) + minimum;
            }
        }
    }
}
