using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>Order of the axes of a tensor that holds heads.</summary>
enum HeadLayout
{
    /// <summary>[B, H, S, D].</summary>
    HeadsFirst,
    /// <summary>[B, S, H, D].</summary>
    TokensFirst,
}

/// <summary>A four-dimensional tensor of heads, in either layout.</summary>
readonly record struct Heads(Value Value, HeadLayout Layout)
{
    static readonly Var X = new("x");
    static readonly long[] Swap = [0, 2, 1, 3];
    static readonly Pattern Swapped = Pattern.Op("Transpose", X).With("perm", Swap);
    static readonly Scalar C = new("c");
    static readonly Pattern Scaled = X * C, Divided = X / C;
    static readonly Pattern Reshaped = Pattern.Op("Reshape", X, Pattern.Any);

    TensorShape? Shape => Value.Type?.Shape is { Rank: 4 } shape ? shape : null;

    /// <summary>H, or null if it is not known.</summary>
    public long? Count => Shape?[Layout == HeadLayout.HeadsFirst ? 1 : 2].Constant;

    /// <summary>B, or null if it is not known.</summary>
    public Dim? Batch => Shape?[0];

    /// <summary>D, or null if it is not known.</summary>
    public long? Size => Shape?[3].Constant;

    /// <summary>S or T.</summary>
    public Dim? Tokens => Shape?[Layout == HeadLayout.HeadsFirst ? 2 : 1];

    /// <summary>
    /// The value at the start of a cone that ends in these heads, read as heads of the same number and size, or as their flat form
    /// [B, S, H·D]; null if it is neither.
    /// </summary>
    public Heads? BeforeIn(HiddenCone cone)
    {
        if (Count is not { } count || Size is not { } size || Batch is not { } batch || Tokens is not { } tokens)
            return null;
        var shape = cone.From.Type?.Shape;
        return shape is null ? null
            : shape.Equals(new TensorShape(batch, tokens, count, size)) || shape.Equals(new TensorShape(batch, tokens, count * size))
                ? new(cone.From, HeadLayout.TokensFirst)
            : shape.Equals(new TensorShape(batch, count, tokens, size)) ? new(cone.From, HeadLayout.HeadsFirst)
            : null;
    }

    /// <summary>The same heads, a flat value split into <paramref name="count"/> of them.</summary>
    public Heads Split(long count, GraphBuilder build)
    {
        if (Value.Type!.Shape is not { Rank: 3 } flat)
            return this;
        var size = flat[2].Constant!.Value / count;
        return this with
        {
            Value = build.Op("Reshape", [Value, build.Constant(Tensor.Vector<long>(0, 0, count, size))],
                new TensorType(Value.Type.Element, new TensorShape(flat[0], flat[1], count, size))),
        };
    }

    /// <summary>The heads multiplied by a number.</summary>
    public Heads Times(double factor, GraphBuilder build) => this with
    {
        Value = build.Op("Mul", [Value, build.Constant(Constants.Scalar(factor, Value.Type!.Element))], Value.Type),
    };

    /// <summary>What the heads were before they were multiplied with a number, and the number; else the same heads and 1.</summary>
    public (Heads Heads, double Factor) WithoutFactor()
    {
        var heads = Scaled.TryMatch(Value, out _) || Divided.TryMatch(Value, out _) ? this : BehindTranspose();
        return Scaled.TryMatch(heads.Value, out var m) ? (heads with { Value = m[X] }, m[C])
            : Divided.TryMatch(heads.Value, out m) ? (heads with { Value = m[X] }, 1 / m[C])
            : (this, 1);
    }

    /// <summary>The same heads with their tokens first, if a transposition makes them so.</summary>
    Heads BehindTranspose() => Layout == HeadLayout.HeadsFirst && Swapped.TryMatch(Value, out var m)
        ? new(m[X], HeadLayout.TokensFirst) : this;

    /// <summary>The heads as [B, S, H·D]: what the graph split into heads, or a new reshaping.</summary>
    public Value ToFlat(GraphBuilder build)
    {
        var heads = BehindTranspose();
        if (heads.Layout == HeadLayout.HeadsFirst)
            heads = new(build.Op("Transpose", [heads.Value], heads.SwappedType(), ("perm", Swap)), HeadLayout.TokensFirst);
        var (count, size) = (heads.Count!.Value, heads.Size!.Value);
        if (Reshaped.TryMatch(heads.Value, out var m) && m[X].Type?.Shape is { Rank: 3 } flat && flat[2] == count * size
            && flat[1] == heads.Tokens && flat[0] == heads.Shape![0])
        {
            return m[X];
        }
        var type = new TensorType(heads.Value.Type!.Element, new TensorShape(heads.Shape![0], heads.Tokens!, count * size));
        return build.Op("Reshape", [heads.Value, build.Constant(Tensor.Vector<long>(0, 0, count * size))], type);
    }

    /// <summary>The heads as [B, H, S, D].</summary>
    public Value ToHeadsFirst(GraphBuilder build) => Layout == HeadLayout.HeadsFirst ? Value : build.Op("Transpose", [Value], SwappedType(), ("perm", Swap));

    /// <summary>
    /// Lets [B, S, H·D] take the place of the heads: where the graph merges them into that shape it reads
    /// <paramref name="flat"/> directly, elsewhere it is split again.
    /// </summary>
    public void ReplaceWith(Value flat, GraphBuilder build)
    {
        if (Value.Type?.Shape?.Rank == 3)
        {
            Replacement.Put(Value, flat);
            return;
        }
        foreach (var merged in MergedUses(flat).ToArray())
            Replacement.Put(merged, flat);
        if (Value.Uses.Count == 0 && !Value.IsOutput)
            return;
        var split = build.Op("Reshape", [flat, build.Constant(Tensor.Vector<long>(0, 0, Count!.Value, Size!.Value))],
            Layout == HeadLayout.TokensFirst ? Value.Type! : SwappedType());
        if (Layout == HeadLayout.HeadsFirst)
            split = build.Op("Transpose", [split], Value.Type!, ("perm", Swap));
        Replacement.Put(Value, split);
    }

    /// <summary>Results of Transpose > Reshape (or Reshape alone) behind the heads that have the flat type.</summary>
    IEnumerable<Value> MergedUses(Value flat)
    {
        var tokensFirst = Layout == HeadLayout.TokensFirst ? [Value]
            : Value.Uses.Select(u => u.Node).Where(n => n.Is("Transpose") && n.Ints("perm")?.AsSpan().SequenceEqual(Swap) == true)
                .Select(n => n.Result).ToArray();
        return tokensFirst.SelectMany(v => v.Uses).Where(u => u.Index == 0 && u.Node.Is("Reshape")
            && u.Node.Result.Type?.Shape is { } s && s.Equals(flat.Type?.Shape)).Select(u => u.Node.Result);
    }

    TensorType SwappedType() => new(Value.Type!.Element, new TensorShape(Shape![0], Shape[2], Shape[1], Shape[3]));
}
