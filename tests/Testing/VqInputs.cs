using OnnxEff.Formats;

namespace OnnxEff.Tests.Testing;

/// <summary>Drawn weights of vectors along the inputs.</summary>
static class VqInputs
{
    /// <summary>A weight with everything that one may have.</summary>
    public static VqInputWeight Draw(int outputs, int inputs, int v, int centroids, int seed, int outliers)
    {
        var random = new Random(seed);
        int[] permutation = [.. Enumerable.Range(0, inputs)];
        random.Shuffle(permutation);
        var places = new SortedSet<(int Output, int Input)>();
        while (places.Count < Math.Min(outliers, (long)outputs * inputs)) places.Add((random.Next(outputs), random.Next(inputs)));
        return new(outputs, inputs, v, [.. Enumerable.Range(0, outputs * ((inputs + v - 1) / v)).Select(_ => (byte)random.Next(centroids))], Numbers(centroids * v, 1))
        {
            ColumnScale = Numbers(inputs, 1),
            RowScale = Numbers(outputs, 1),
            Permutation = permutation,
            Outliers = [.. places.Select(place => new OutlierWeight(place.Output, place.Input, Numbers(1, 8)[0]))],
        };

        Half[] Numbers(int count, float size) => [.. Enumerable.Range(0, count).Select(_ => (Half)(size * (random.NextSingle() * 2 - 1)))];
    }
}
