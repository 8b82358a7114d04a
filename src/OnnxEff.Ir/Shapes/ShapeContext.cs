namespace OnnxEff.Ir.Shapes;

/// <summary>One node as its rule sees it: types and known elements of the inputs, and setters for the outputs.</summary>
public sealed class ShapeContext
{
    readonly InferenceRun _run;

    internal ShapeContext(InferenceRun run, Node node) => (_run, Node) = (run, node);

    /// <summary>The node.</summary>
    public Node Node { get; }

    /// <summary>The version of the operator set to which the node belongs.</summary>
    public long Opset => _run.OpsetOf(Node.Domain);

    internal InferenceRun Run => _run;

    /// <summary>True if the input is there.</summary>
    public bool Has(int input) => Node.Input(input) is not null;

    /// <summary>The shape of an input, or null if the input is absent or not even its rank is known.</summary>
    public TensorShape? Shape(int input) => Node.Input(input)?.Type?.Shape;

    /// <summary>The element type of an input.</summary>
    public ElementType Element(int input) => Node.Input(input)?.Type?.Element ?? ElementType.Undefined;

    /// <summary>The known elements of an input, or null.</summary>
    public SymbolicValue? Value(int input) => Node.Input(input) is { } value ? _run.ValueOf(value) : null;

    /// <summary>The elements of an input if all are known integers.</summary>
    public long[]? Integers(int input) => Value(input)?.ToInt64();

    /// <summary>Integers that newer operator sets give as an input and older ones as an attribute; null if not known or not given.</summary>
    public long[]? IntegersOf(int input, string attribute) => Has(input) ? Integers(input) : Node.Ints(attribute);

    /// <summary>True if integers are given as an input or as an attribute.</summary>
    public bool HasIntegersOf(int input, string attribute) => Has(input) || Node.Attributes.ContainsKey(attribute);

    /// <summary>The symbol that stands for a dimension of which nothing follows.</summary>
    public Dim Fresh(int axis, int output = 0) =>
        output < Node.Outputs.Count ? InferenceRun.Fresh(Node.Outputs[output], axis) : Dim.Symbol($"?{axis}");

    /// <summary>A shape of that rank of which nothing else follows.</summary>
    public TensorShape FreshShape(int rank, int output = 0) => new(Enumerable.Range(0, rank).Select(i => Fresh(i, output)));

    /// <summary>Sets the type of an output. A null shape says nothing about the shape.</summary>
    public void Set(int output, ElementType element, TensorShape? shape) => _run.SetType(Node, output, element, shape);

    /// <summary>Sets the type and the elements of an output; the shape is that of the value.</summary>
    public void SetKnown(int output, ElementType element, SymbolicValue value)
    {
        _run.SetType(Node, output, element, value.Shape);
        if (Node.Output(output) is { } target)
            _run.SetValue(target, value.Select(e => e.Dim is { IsPolynomial: false } dim ? new(_run.Resolve(dim)) : e));
    }

    /// <summary>Sets the type of an output and, if there are some, its elements.</summary>
    public void Set(int output, ElementType element, TensorShape? shape, SymbolicValue? value)
    {
        if (value is not null && value.Shape.All(d => d.Constant >= 0))
            SetKnown(output, element, value);
        else
            Set(output, element, shape);
    }

    /// <summary>Notes that two dimensions are equal in every legal run.</summary>
    /// <returns>The one of them that says more.</returns>
    public Dim Equate(Dim a, Dim b, string what)
    {
        _run.Equate(Node, a, b, what);
        return b.IsConstant || (!a.IsConstant && b.IsPolynomial && !a.IsPolynomial) ? b : a;
    }

    /// <summary>Reports a contradiction.</summary>
    public void Complain(string sentence) => _run.Complain(Node, sentence);

    /// <summary>An axis counted from the start, or null (and a diagnostic) if there is no such axis.</summary>
    public int? Axis(long axis, int rank)
    {
        var counted = axis < 0 ? axis + rank : axis;
        if (counted >= 0 && counted < rank)
            return (int)counted;
        Complain($"There is no axis {axis} in {rank} dimensions.");
        return null;
    }

    /// <summary>Axes counted from the start and sorted, or null (and a diagnostic) if one does not exist.</summary>
    public int[]? Axes(IEnumerable<long> axes, int rank)
    {
        var counted = new SortedSet<int>();
        foreach (var axis in axes)
        {
            if (Axis(axis, rank) is not { } one)
                return null;
            counted.Add(one);
        }
        return [.. counted];
    }

    /// <summary>A dimension read from the elements of an input; the symbol for an unknown one if it is unknown or negative.</summary>
    public Dim Dimension(Dim? dim, int axis)
    {
        if (dim?.UpperBound < 0)
            Complain($"Axis {axis} would have {dim} elements.");
        return dim is null || dim.UpperBound < 0 ? Fresh(axis) : dim;
    }

    /// <summary>The common shape of broadcast operands; equalities that follow are noted.</summary>
    public TensorShape Broadcast(TensorShape a, TensorShape b)
    {
        var dims = new Dim[Math.Max(a.Rank, b.Rank)];
        for (var i = 1; i <= dims.Length; i++)
        {
            dims[^i] = i > a.Rank ? b[-i] : i > b.Rank ? a[-i] : Broadcast(a[-i], b[-i]);
        }
        return new TensorShape(dims);
    }

    Dim Broadcast(Dim a, Dim b) => Dim.MustBeEqualToBroadcast(a, b)
        ? Equate(a, b, "Broadcast axes differ") : Dim.Broadcast(a, b);
}
