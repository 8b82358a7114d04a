using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>Which keys the masks of an attention show on a sample, and what they add to the logits of those, as [B, H, S, T].</summary>
public sealed class MaskGrid(PositionSample sample)
{
    /// <summary>An additive mask this low hides a key: exp(-1e4) is 0 in every float type.</summary>
    public const double Hidden = -1e4;

    int _heads = 1;
    bool[] _visible = [.. Enumerable.Repeat(true, sample.Batch * sample.New * sample.Total)];
    double[]? _bias;

    /// <summary>The sample.</summary>
    public PositionSample Sample => sample;

    /// <summary>True if numbers other than 0 are added to the logits of keys that are shown.</summary>
    public bool HasBias => _bias is not null;

    /// <summary>H, or 1 if all heads are masked alike.</summary>
    public int Heads => _heads;

    /// <summary>True if query <paramref name="q"/> of row <paramref name="b"/> sees key <paramref name="k"/>.</summary>
    public bool Sees(int b, int h, int q, int k) => _visible[At(b, h, q, k)];

    /// <summary>What is added to the logit.</summary>
    public double Bias(int b, int h, int q, int k) => _bias?[At(b, h, q, k)] ?? 0;

    /// <summary>True if a rule shows the same keys to every query that is a token.</summary>
    public bool Agrees(MaskFact fact)
    {
        for (var b = 0; b < sample.Batch; b++)
        {
            for (var q = 0; q < sample.New; q++)
            {
                if (!sample.IsToken(b, sample.Past + q))
                    continue;
                for (var k = 0; k < sample.Total; k++)
                {
                    var expected = fact.Sees(sample, b, q, k);
                    for (var h = 0; h < _heads; h++)
                    {
                        if (Sees(b, h, q, k) != expected)
                            return false;
                    }
                }
            }
        }
        return true;
    }

    /// <summary>Adds a mask whose axes broadcast to [B, H, S, T]; says why it cannot be read.</summary>
    /// <param name="mask">Its values: booleans, or numbers to be added.</param>
    /// <param name="trueHides">True if a boolean hides the keys where it is true.</param>
    public string? Add(Tensor mask, bool trueHides)
    {
        long[] dims = [.. Enumerable.Repeat(1L, Math.Max(0, 4 - mask.Rank)), .. mask.Dims];
        var fits = dims.Length == 4 && (dims[0] == 1 || dims[0] == sample.Batch)
            && (dims[2] == 1 || dims[2] == sample.New) && (dims[3] == 1 || dims[3] == sample.Total);
        if (!fits || mask.ToDouble() is not { } values || (_heads > 1 && dims[1] > 1 && dims[1] != _heads))
        {
            return $"the mask is {mask.Element}[{string.Join(", ", mask.Dims.ToArray())}] where "
                + $"[{sample.Batch}, heads, {sample.New}, {sample.Total}] was expected";
        }
        if (Array.Exists(values, double.IsNaN))
            return "the mask holds NaN";
        if (dims[1] > 1 && _heads == 1)
            SpreadOverHeads((int)dims[1]);
        for (var b = 0; b < sample.Batch; b++)
        {
            for (var h = 0; h < _heads; h++)
            {
                for (var q = 0; q < sample.New; q++)
                {
                    for (var k = 0; k < sample.Total; k++)
                        Add(At(b, h, q, k), values[Source(dims, b, h, q, k)], mask.Element == ElementType.Bool, trueHides);
                }
            }
        }
        return null;
    }

    void Add(int at, double value, bool isBoolean, bool trueHides)
    {
        if (isBoolean)
            _visible[at] &= (value != 0) != trueHides;
        else if (value <= Hidden)
            _visible[at] = false;
        else if (value != 0)
            (_bias ??= new double[_visible.Length])[at] += value;
    }

    void SpreadOverHeads(int heads)
    {
        var (visible, bias) = (_visible, _bias);
        var perRow = sample.New * sample.Total;
        int Old(int at) => (at / perRow / heads * perRow) + (at % perRow);
        _visible = [.. Enumerable.Range(0, visible.Length * heads).Select(at => visible[Old(at)])];
        _bias = bias is null ? null : [.. Enumerable.Range(0, bias.Length * heads).Select(at => bias[Old(at)])];
        _heads = heads;
    }

    int At(int b, int h, int q, int k) => (((((b * _heads) + (h % _heads)) * sample.New) + q) * sample.Total) + k;

    static long Source(long[] dims, int b, int h, int q, int k) =>
        ((((b % dims[0] * dims[1]) + (h % dims[1])) * dims[2]) + (q % dims[2])) * dims[3] + (k % dims[3]);
}
