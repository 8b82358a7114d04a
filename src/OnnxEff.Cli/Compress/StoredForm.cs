using OnnxEff.Compression;
using OnnxEff.GraphPasses;

namespace OnnxEff.Cli.Compress;

/// <summary>A stored form as <c>--weights</c> names it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Target">What else the model's graph may be lowered to: forms that ONNX Runtime knows need no library.</param>
/// <param name="Create">Makes the quantiser, from the model's layers and the seed.</param>
sealed record StoredForm(string Name, Target Target, Func<FoundLinears, int, SiteQuantizer> Create)
{
    /// <summary>All forms. A new one is a line here.</summary>
    public static IReadOnlyList<StoredForm> All { get; } =
    [
        Vq("vq:1.5", new(4, 64)),
        Vq("vq:2", new(4, 256)),
        Vq("vq:3", new(2, 64)),
        Vq("vq:4", new(2, 256)),
        new("vptq:2", Target.OnnxEff, (_, seed) => new VptqQuantizer(seed)),
        Int("int2", 2, 64),
        Int("int4", 4, 32),
        Int("int8", 8, 128),
    ];

    /// <summary>Vectors along the inputs at a mean rate.</summary>
    public static StoredForm Around(double bits) => new("vq", Target.OnnxEff, (found, seed) => VqQuantizer.Around(bits, found, seed));

    static StoredForm Int(string name, int bits, int blockSize) => new(name, Target.Ort, (_, _) => new IntQuantizer(bits, blockSize));

    static StoredForm Vq(string name, VqRate rate) => new(name, Target.OnnxEff, (_, seed) => VqQuantizer.Of(rate, seed));
}
