using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A codebook as tables are made of it: component by component, in fp32 and in words.</summary>
public sealed unsafe class VqCodebook
{
    readonly Array[] _pinned; // What the pointers point to.

    /// <summary>Takes a codebook apart.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="centroids">[k, v]</param>
    internal VqCodebook(VqInputLayout layout, Half* centroids)
    {
        (int k, int v) = (layout.Centroids, layout.VectorLength);
        float[] floats = GC.AllocateUninitializedArray<float>(v * k, pinned: true), largest = GC.AllocateUninitializedArray<float>(4, pinned: true);
        short[] words = GC.AllocateUninitializedArray<short>(v * k, pinned: true);
        _pinned = [floats, words, largest];
        Floats = First(floats);
        Words = First(words);
        Most = First(largest);
        HasWords = true;
        for (int i = 0; i < v; i++)
        {
            Span<float> component = floats.AsSpan(i * k, k);
            for (int c = 0; c < k; c++) component[c] = (float)centroids[c * v + i];
            float most = 0;
            foreach (float value in component) most = MathF.Max(most, MathF.Abs(value));
            HasWords &= float.IsFinite(most);
            for (int j = i; j < 4; j += v) largest[j] = most;
            float factor = most > 0 ? MostOf(v) / most : 0;
            for (int c = 0; c < k; c++) words[(i / 2 * k + c) * 2 + i % 2] = (short)MathF.Round(component[c] * factor);
        }
    }

    /// <summary>[v, k]</summary>
    public float* Floats { get; }

    /// <summary>True where words stand for all centroids: those of a component that is not finite do not.</summary>
    public bool HasWords { get; }

    /// <summary>[v / 2, k, 2]: of each component the largest amount is <see cref="MostOf"/>.</summary>
    public short* Words { get; }

    /// <summary>[4]: the largest amount of each component; of two, twice.</summary>
    public float* Most { get; }

    /// <summary>What the largest amount is in words: sums of v products with words stay below 2³¹.</summary>
    public static int MostOf(int vectorLength) => vectorLength == 2 ? short.MaxValue : short.MaxValue / 2;

    static T* First<T>(T[] pinned) where T : unmanaged
    {
        fixed (T* first = pinned) return first;
    }
}
