using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Ops.Onnx.Standard;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// softmax(softcap(scale · q · kᵀ) + masks) · v, in every spelling: scale on q, on k, on both or on the logits; masks
/// added or selected, before or behind each other; casts around the softmax; a guard against NaN behind it.
/// </summary>
static class SoftmaxAttention
{
    static readonly Var X = new("x"), Y = new("y"), Probabilities = new("probabilities"), Scores = new("scores"), V = new("v");
    static readonly Scalar C = new("c"), Low = new("low");

    static readonly Pattern Probability = Op("Softmax", Scores)
        .When(n => n.Int("axis", -1) is -1 or 3, "the softmax must run over the keys, the last axis");

    /// <summary>Where(IsNaN(p), 0, p): rows that see no key become zeros.</summary>
    static readonly Pattern Guarded = Op("Where", Op("IsNaN", Probabilities), 0.0, Probabilities) | Probabilities;

    /// <summary>The probabilities of the keys, without that of a sink behind them.</summary>
    static readonly Pattern OfKeys = Guarded.Maybe("Cast", "Dropout");
    static readonly Pattern WithoutSink = Op("Slice", OfKeys, 0.0, Any, (Pattern)3.0 | -1.0, ((Pattern)1.0).Optional())
        | Op("Split", OfKeys, Any.Optional()).When(n => n.Int("axis") is -1 or 3, "the probabilities are split along the keys").Output(0);

    static readonly Pattern Attended = Op("MatMul", (WithoutSink | OfKeys).Maybe("Cast", "Dropout"), V);

    /// <summary>A softmax does not see what is subtracted from all its logits.</summary>
    static readonly Pattern Centred = X - ReduceMax(X, axes: [-1]);

    static readonly Pattern Behind = Op("Concat", X, Y);

    static readonly Pattern Scaled = X * C;
    static readonly Pattern Divided = X / C;
    static readonly Pattern Capped = Op("Tanh", X);
    static readonly Pattern Sum = X + Y;
    static readonly Pattern Shown = Op("Where", Y, X, Low);
    static readonly Pattern HiddenByTrue = Op("Where", Y, Low, X);
    static readonly Pattern Product = Op("MatMul", X, Y);
    static readonly Pattern CastOnly = Op("Cast", X);

    /// <summary>The site around a softmax, or the sentence where it ends.</summary>
    public static bool TryMatch(Node softmax, [NotNullWhen(true)] out AttentionSite? site, out Node end, out string because)
    {
        site = null;
        (end, because) = (softmax, "");
        if (!Probability.TryMatch(softmax.Result, out var match, out var failure))
        {
            because = failure!.Sentence;
            return false;
        }
        if (FindProduct(softmax) is not { } product)
        {
            because = "the probabilities are not multiplied with values";
            return false;
        }
        var logits = new Logits();
        var (scores, sinks) = TakeSinks(match[Scores]);
        if (product.Input(0)!.Type?.Shape?[-1] != scores.Type?.Shape?[-1])
        {
            because = "the probabilities of some keys are left out";
            return false;
        }
        if (!logits.TryRead(scores))
        {
            (end, because) = (logits.End ?? softmax, logits.Because);
            return false;
        }
        var value = new Heads(StripCast(product.Input(1)!), HeadLayout.HeadsFirst);
        var query = new Heads(logits.Query!, HeadLayout.HeadsFirst);
        (end, because) = (product, "");
        if (product.Result.Type?.Shape?.Rank != 4 || query.Count is null || query.Size is null || logits.Key.Size != query.Size)
        {
            because = "the heads do not have four known dimensions [B, H, S, D]";
            return false;
        }
        site = new()
        {
            Anchor = softmax,
            Result = new(product.Result, HeadLayout.HeadsFirst),
            Query = query,
            Key = logits.Key,
            Value = value,
            Scale = logits.Scale,
            Softcap = logits.Softcap,
            Sinks = sinks,
            Masks = logits.Masks,
        };
        return true;
    }

    /// <summary>The logits of the keys, and those of sinks if one of each head stands behind them.</summary>
    static (Value Scores, Value? Sinks) TakeSinks(Value scores)
    {
        scores = StripCast(scores);
        if (Centred.TryMatch(scores, out var m))
            scores = StripCast(m[X]);
        if (!Behind.TryMatch(scores, out m) || scores.Producer!.Int("axis") is not (-1 or 3)
            || m[X].Type?.Shape is not { Rank: 4 } logits || m[Y].Type?.Shape is not { Rank: 4 } column || column[3] != Dim.One)
        {
            return (scores, null);
        }
        var sinks = m[Y];
        while (sinks.Producer is { OpType: "Expand" or "Tile" or "Unsqueeze" or "Reshape" or "Cast" or "Identity", Domain: "" } repeat && repeat.Input(0) is { } before)
            sinks = before;
        return sinks.Type?.Shape is { } shape && logits[1].Constant is { } heads && shape.Aggregate(Dim.One, (a, b) => a * b) == Dim.Of(heads) ? (m[X], sinks) : (scores, null);
    }

    /// <summary>The product with the values that a softmax ends in.</summary>
    static Node? FindProduct(Node softmax)
    {
        var reachable = new Stack<Value>([softmax.Result]);
        while (reachable.TryPop(out var value))
        {
            foreach (var use in value.Uses)
            {
                if (use.Node.Is("MatMul") && use.Index == 0)
                    return Attended.TryMatch(use.Node.Result, out var m) && StripCast(m[Probabilities]) == softmax.Result ? use.Node : null;
                if (use.Node.Domain.Length == 0 && use.Node.OpType is "Cast" or "Dropout" or "Where" or "IsNaN" or "Slice" or "Split")
                    reachable.Push(use.Node.Result);
            }
        }
        return null;
    }

    static Value StripCast(Value value) => CastOnly.TryMatch(value, out var m) && m[X].Type?.Element.IsFloat() == true ? m[X] : value;

    /// <summary>Reads the logits from the softmax inwards.</summary>
    sealed class Logits
    {
        public Value? Query { get; private set; }
        public Heads Key { get; private set; }
        public double Scale { get; private set; } = 1;
        public double Softcap { get; private set; }
        public List<MaskTensor> Masks { get; } = [];
        public Node? End { get; private set; }
        public string Because { get; private set; } = "";

        public bool TryRead(Value value)
        {
            End = value.Producer;
            if (CastOnly.TryMatch(value, out var m))
                return TryRead(m[X]);
            if (TryReadMask(value) || TryReadSoftcap(value))
                return true;
            if (TryReadFactor(value, out var inner, out var factor))
            {
                if (Masks.Exists(k => k.Form == MaskForm.Additive) && Masks.Count > 0 && factor <= 0)
                    return Refuse("the masked logits are scaled by a number that is not positive");
                Scale *= factor;
                return TryRead(inner);
            }
            return TryReadProduct(value);
        }

        bool TryReadMask(Value value)
        {
            if (Softcap != 0)
                return false; // Inside of a soft cap a low logit hides nothing.
            if (Shown.TryMatch(value, out var m) && m[Low] <= -1e4)
                return TryReadBehind(m[X], new(m[Y], MaskForm.ShowsKeys));
            if (HiddenByTrue.TryMatch(value, out m) && m[Low] <= -1e4)
                return TryReadBehind(m[X], new(m[Y], MaskForm.HidesKeys));
            return Sum.TryMatch(value, out m)
                && (TryReadBehind(m[X], new(m[Y], MaskForm.Additive)) || TryReadBehind(m[Y], new(m[X], MaskForm.Additive)));
        }

        /// <summary>Reads the logits under a mask; takes everything back if there are none.</summary>
        bool TryReadBehind(Value logits, MaskTensor mask)
        {
            var (scale, count) = (Scale, Masks.Count);
            // A factor outside of an added mask multiplies the mask too. Keys that it hides stay hidden; a bias would change.
            if (scale != 1 && mask.Form == MaskForm.Additive)
                return Refuse("the mask is added inside of a scale");
            Masks.Add(mask);
            if (TryRead(logits))
                return true;
            Masks.RemoveRange(count, Masks.Count - count);
            Scale = scale;
            return false;
        }

        /// <summary>c · tanh(f · x) is the soft cap c of f · c · x.</summary>
        bool TryReadSoftcap(Value value)
        {
            if (!TryReadFactor(value, out var capped, out var c) || !Capped.TryMatch(capped, out var tanh) || Scale != 1 || Softcap != 0 || c <= 0)
                return false;
            Softcap = Scale = c;
            if (TryRead(tanh[X]))
                return true;
            (Softcap, Scale) = (0, 1);
            return false;
        }

        bool TryReadProduct(Value value)
        {
            if (!Product.TryMatch(value, out var m))
                return Refuse("a product of queries and keys is expected here");
            Query = StripScale(m[X]);
            var keys = StripScale(m[Y]);
            if (keys.Producer is not { } transpose || !transpose.Is("Transpose") || transpose.Ints("perm") is not { } perm)
                return Refuse("the keys are not transposed", m[Y].Producer);
            if (perm.AsSpan().SequenceEqual([0, 1, 3, 2]))
                Key = new(StripScale(transpose.Input(0)!), HeadLayout.HeadsFirst);
            else if (perm.AsSpan().SequenceEqual([0, 2, 3, 1]))
                Key = new(StripScale(transpose.Input(0)!), HeadLayout.TokensFirst);
            else
                return Refuse($"the keys are transposed by [{string.Join(", ", perm)}]", transpose);
            return true;
        }

        Value StripScale(Value value)
        {
            while (TryReadFactor(value, out var inner, out var factor))
            {
                Scale *= factor;
                value = inner;
            }
            return value;
        }

        static bool TryReadFactor(Value value, [NotNullWhen(true)] out Value? inner, out double factor)
        {
            if (Scaled.TryMatch(value, out var m))
                (inner, factor) = (m[X], m[C]);
            else if (Divided.TryMatch(value, out m))
                (inner, factor) = (m[X], 1 / m[C]);
            else
                (inner, factor) = (null, 1);
            return inner is not null;
        }

        bool Refuse(string because, Node? end = null)
        {
            (Because, End) = (because, end ?? End);
            return false;
        }
    }
}
