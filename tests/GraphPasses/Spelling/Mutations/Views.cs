using OnnxEff.Ir;
using OnnxEff.Ops.Onnx;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>Unsqueeze, Squeeze, Flatten ⇒ Reshape to the shape they give, constant or computed.</summary>
public sealed class ViewAsReshape : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (node.OpType is not ("Unsqueeze" or "Squeeze" or "Flatten") || node.Result.Shape() is not { } shape || node.Input(0) is not { } x)
            return null;
        var constant = shape.Count(d => !d.IsConstant) <= 1 && shape.All(d => d.Constant != 0)
            ? m.Ints([.. shape.AsEnumerable().Select(d => d.Constant ?? -1)]) : null;
        var computed = m.Shape([.. shape], [x, .. m.Graph.Inputs.Where(i => i.Initializer is null)]);
        var target = constant is null || (computed is not null && m.Flip()) ? computed : constant;
        return target is null ? null : () => m.Op("Reshape", [x, target]);
    }
}

/// <summary>Reshape that only adds or drops axes of size 1 ⇒ Unsqueeze or Squeeze.</summary>
public sealed class ReshapeAsView : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Reshape") || node.Input(0).Shape() is not { } from || node.Result.Shape() is not { } to)
            return null;
        if (Added([.. from], [.. to]) is { Length: > 0 } added)
            return () => m.Unsqueeze(node.Input(0)!, added);
        return Added([.. to], [.. from]) is { Length: > 0 } dropped ? () => m.Squeeze(node.Input(0)!, dropped) : null;
    }

    /// <summary>Axes of size 1 that the longer shape has more, or null if that is not the difference.</summary>
    static long[]? Added(Dim[] shorter, Dim[] longer)
    {
        var axes = new List<long>();
        var next = 0;
        for (var i = 0; i < longer.Length; i++)
        {
            if (next < shorter.Length && shorter[next] == longer[i])
                next++;
            else if (longer[i] == Dim.One)
                axes.Add(i);
            else
                return null;
        }
        return next == shorter.Length ? [.. axes] : null;
    }
}

/// <summary>The target of a Reshape ⇒ another that says the same: dimensions copied, computed, or one left to be inferred.</summary>
public sealed class ReshapeToOtherTarget : NodeMutation
{
    protected override Action? At(Manuscript m, Node node)
    {
        if (!node.Is("Reshape") || node.Int("allowzero") != 0 || node.Input(0).Shape() is not { } from || node.Result.Shape() is not { } to
            || to.Rank == 0 || from.Concat(to).Any(d => d.Constant == 0 || d.LowerBound < 1))
            return null;
        var target = m.OneOf(Constant(m, from, to, free: -1), Constant(m, from, to, free: m.Random.Next(to.Rank)),
            m.Shape([.. to], [node.Input(0)!, .. m.Graph.Inputs.Where(i => i.Initializer is null)]));
        return target is null ? null : () => node.SetInput(1, target);
    }

    static Value? Constant(Manuscript m, TensorShape from, TensorShape to, int free)
    {
        var target = new long[to.Rank];
        for (var i = 0; i < target.Length; i++)
        {
            if (i == free)
                target[i] = -1;
            else if (to[i].Constant is { } known)
                target[i] = known;
            else if (i < from.Rank && from[i] == to[i])
                target[i] = 0;
            else
                return null;
        }
        return m.Ints(target);
    }
}

/// <summary>reshape(x) ⇒ reshape(reshape(x)).</summary>
public sealed class ReshapeTwice : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (!node.Is("Reshape") || node.Input(0) is not { } x || node.Result.Shape() is not { } to
            || m.Shape([.. to], [x, .. m.Graph.Inputs.Where(i => i.Initializer is null)]) is not { } target)
            return null;
        return () => m.Op("Reshape", [m.Op("Reshape", [x, m.Ints(-1)]), target]);
    }
}

/// <summary>x ⇒ Squeeze(Unsqueeze(x)).</summary>
public sealed class UnsqueezeAndSqueeze : ValueMutation
{
    protected override Func<Value, Value>? Wrapper(Manuscript m, Value value)
    {
        if (value.Shape() is not { } shape)
            return null;
        var axis = m.Random.Next(shape.Rank + 1);
        return v => m.Squeeze(m.Unsqueeze(v, axis), axis);
    }
}

/// <summary>f(view(x)) ⇒ view(f(x)) and back, for an f of each element by itself.</summary>
public sealed class ViewPastElementwise : ResultMutation
{
    protected override Func<Value>? Spell(Manuscript m, Node node)
    {
        if (IsView(node) && node.Input(0)!.Producer is { } inner && Elementwise.IsOfOneOperand(inner))
            return () => Elementwise.Copy(m, inner, View(m, node, inner.Input(0)!));
        return Elementwise.IsOfOneOperand(node) && node.Input(0)!.Producer is { } view && IsView(view)
            ? () => View(m, view, Elementwise.Copy(m, node, view.Input(0)!)) : null;
    }

    static bool IsView(Node node) => node.Is("Reshape") || (node.OpType is "Unsqueeze" or "Squeeze" && Axes.Of(node) is not null);

    static Value View(Manuscript m, Node view, Value x) => view.OpType switch
    {
        "Unsqueeze" => m.Unsqueeze(x, Axes.Of(view)!),
        "Squeeze" => m.Squeeze(x, Axes.Of(view)!),
        _ => m.Op("Reshape", [x, view.Input(1)]),
    };
}
