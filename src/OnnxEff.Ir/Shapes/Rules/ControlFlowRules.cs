namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Operators with subgraphs.</summary>
static class ControlFlowRules
{
    public static IEnumerable<(string, ShapeRule)> All => [("If", If), ("Loop", Loop), ("Scan", Scan)];

    static Graph? Body(ShapeContext c, string attribute) => c.Node.TryGetAttribute<GraphAttribute>(attribute, out var g) ? g.Value : null;

    /// <summary>A known condition gives the types of its branch; else what both branches agree on.</summary>
    static void If(ShapeContext c)
    {
        if (Body(c, "then_branch") is not { } yes || Body(c, "else_branch") is not { } no)
            return;
        var condition = c.Integers(0) is [var known] ? known : (long?)null;
        c.Run.Infer(yes, conditional: condition is not 1);
        c.Run.Infer(no, conditional: condition is not 0);
        for (var i = 0; i < c.Node.Outputs.Count && i < yes.Outputs.Count && i < no.Outputs.Count; i++)
        {
            var (a, b) = (yes.Outputs[i], no.Outputs[i]);
            if (condition is not null)
            {
                var taken = condition != 0 ? a : b;
                c.Set(i, taken.Type?.Element ?? ElementType.Undefined, taken.Type?.Shape, c.Run.ValueOf(taken));
                continue;
            }
            var output = i;
            var shape = a.Type?.Shape is { } left && b.Type?.Shape is { } right && left.Rank == right.Rank
                ? new TensorShape(left.Select((d, axis) => d == right[axis] ? d : c.Fresh(axis, output))) : null;
            c.Set(i, a.Type?.Element ?? b.Type?.Element ?? ElementType.Undefined, shape, Agreed(c.Run.ValueOf(a), c.Run.ValueOf(b)));
        }
    }

    static SymbolicValue? Agreed(SymbolicValue? a, SymbolicValue? b) => a is not null && b is not null && a.Shape.Equals(b.Shape)
        ? new SymbolicValue(a.Shape, [.. Enumerable.Range(0, a.Count).Select(i => a[i] == b[i] ? a[i] : SymbolicElement.Unknown)]) : null;

    /// <summary>Carried values keep the dimensions that an iteration does not change; scanned outputs get an axis in front.</summary>
    static void Loop(ShapeContext c)
    {
        if (Body(c, "body") is not { } body)
            return;
        var carried = c.Node.Inputs.Count - 2;
        if (carried < 0 || body.Inputs.Count < 2 + carried || body.Outputs.Count < 1 + carried)
        {
            c.Complain("The body has fewer inputs or outputs than values are carried.");
            return;
        }
        c.Run.Bind(body.Inputs[0], new TensorType(ElementType.Int64, TensorShape.Scalar), null);
        c.Run.Bind(body.Inputs[1], new TensorType(ElementType.Bool, TensorShape.Scalar), null);
        var types = Enumerable.Range(2, carried).Select(i => c.Node.Input(i)?.Type).ToArray();
        Iterate(c, body, types, firstInput: 2, firstOutput: 1);
        for (var i = 0; i < c.Node.Outputs.Count && 1 + i < body.Outputs.Count; i++)
        {
            var type = i < carried ? types[i] : body.Outputs[1 + i].Type;
            var trips = c.Value(0) is [var count] && c.Integers(1) is null or [1] && body.Outputs[0] == body.Inputs[1] ? count.Dim : null;
            var shape = i < carried ? Renamed(c, type?.Shape, body.Inputs[2 + i], i)
                : type?.Shape is { } step ? new TensorShape([trips ?? c.Fresh(0, i), .. step]) : null;
            c.Set(i, type?.Element ?? ElementType.Undefined, shape);
        }
    }

    /// <summary>Finds types of the carried values which the body keeps; a dimension it changes becomes a symbol.</summary>
    static void Iterate(ShapeContext c, Graph body, TensorType?[] types, int firstInput, int firstOutput)
    {
        for (var stable = false; !stable;)
        {
            for (var i = 0; i < types.Length; i++)
                c.Run.Bind(body.Inputs[firstInput + i], types[i], null);
            c.Run.Infer(body, conditional: true);
            stable = true;
            for (var i = 0; i < types.Length; i++)
            {
                var widened = Widen(types[i], body.Outputs[firstOutput + i].Type, body.Inputs[firstInput + i]);
                stable &= Equals(widened, types[i]);
                types[i] = widened;
            }
        }
    }

    /// <summary>What holds before and after; each step only loses knowledge, so that the search ends.</summary>
    static TensorType? Widen(TensorType? before, TensorType? after, Value formal)
    {
        if (before?.Shape is not { } a)
            return before;
        if (after?.Shape is not { } b || a.Rank != b.Rank)
            return before with { Shape = null };
        return before with { Shape = new TensorShape(a.Select((d, i) => d == b[i] ? d : InferenceRun.Fresh(formal, i))) };
    }

    static TensorShape? Renamed(ShapeContext c, TensorShape? shape, Value formal, int output) => shape is null ? null
        : new TensorShape(shape.Select((d, i) => d == InferenceRun.Fresh(formal, i) ? c.Fresh(i, output) : d));

    /// <summary>States keep their types; scanned inputs lose, scanned outputs get the scanned axis.</summary>
    static void Scan(ShapeContext c)
    {
        var scanned = (int)Math.Clamp(c.Node.Int("num_scan_inputs"), 0, c.Node.Inputs.Count);
        var states = c.Node.Inputs.Count - scanned;
        if (Body(c, "body") is not { } body || body.Inputs.Count < states + scanned || body.Outputs.Count < states)
            return;
        Dim? length = null;
        var inputAxes = c.Node.Ints("scan_input_axes");
        for (var i = 0; i < scanned; i++)
        {
            var type = c.Node.Input(states + i)?.Type;
            if (type?.Shape is not { Rank: > 0 } shape || c.Axis(inputAxes is not null && i < inputAxes.Length ? inputAxes[i] : 0, shape.Rank) is not { } axis)
            {
                c.Run.Bind(body.Inputs[states + i], type is null ? null : type with { Shape = null }, null);
                continue;
            }
            length = length is null ? shape[axis] : c.Equate(length, shape[axis], "Scanned lengths differ");
            c.Run.Bind(body.Inputs[states + i], type with { Shape = new TensorShape([.. shape[..axis], .. shape[(axis + 1)..]]) }, null);
        }
        var types = Enumerable.Range(0, states).Select(i => c.Node.Input(i)?.Type).ToArray();
        Iterate(c, body, types, 0, 0);
        var outputAxes = c.Node.Ints("scan_output_axes");
        for (var i = 0; i < c.Node.Outputs.Count && i < body.Outputs.Count; i++)
        {
            if (i < states)
            {
                c.Set(i, types[i]?.Element ?? ElementType.Undefined, Renamed(c, types[i]?.Shape, body.Inputs[i], i));
                continue;
            }
            var type = body.Outputs[i].Type;
            var at = outputAxes is not null && i - states < outputAxes.Length ? outputAxes[i - states] : 0;
            List<Dim>? dims = type?.Shape is { } step ? [.. step] : null;
            if (dims is not null && c.Axis(at, dims.Count + 1) is { } position)
                dims.Insert(position, length ?? c.Fresh(position, i));
            c.Set(i, type?.Element ?? ElementType.Undefined, dims is null ? null : new TensorShape(dims));
        }
    }
}
