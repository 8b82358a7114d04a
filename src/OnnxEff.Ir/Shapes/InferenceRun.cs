namespace OnnxEff.Ir.Shapes;

/// <summary>The state of one inference: types live in the values themselves, the rest here.</summary>
sealed class InferenceRun(Model model, ShapeRules rules)
{
    const int MaxDepth = 64; // Subgraphs within subgraphs.
    const long VisitsPerNode = 64; // Loops within loops are visited again and again; no exported graph comes near.

    readonly Dictionary<Value, SymbolicValue> _values = [];
    readonly Dictionary<Tensor, SymbolicValue?> _constants = new(ReferenceEqualityComparer.Instance);
    readonly SymbolTable _symbols = new();
    readonly List<ShapeDiagnostic> _diagnostics = [];
    int _depth;
    long _visits;
    long _limit;
    int _conditional;

    public ShapeFacts Facts() => new(_values, _symbols.Equalities(), _diagnostics);

    /// <summary>Goes through the model once; true if equalities were learned which make another round worthwhile.</summary>
    public bool Round()
    {
        (_depth, _conditional, _visits) = (0, 0, 0);
        _symbols.StartRound();
        _values.Clear();
        _diagnostics.Clear();
        foreach (var input in model.Graph.Inputs)
            _symbols.Declare(input);
        foreach (var input in model.Graph.Inputs)
            input.Type = Resolve(input.Type, input);
        _limit = VisitsPerNode * model.Graph.SelfAndSubgraphs().Sum(g => (long)g.Nodes.Count);
        Infer(model.Graph);
        return _symbols.HasLearned;
    }

    public long OpsetOf(string domain) => model.Opsets.TryGetValue(domain, out var version) ? version
        : domain.Length == 0 ? model.Opsets.GetValueOrDefault("ai.onnx", long.MaxValue) : 1;

    public SymbolicValue? ValueOf(Value value)
    {
        if (_values.TryGetValue(value, out var known))
            return known;
        if (value.Constant is not { Count: <= SymbolicValue.MaxElements } constant)
            return null;
        if (!_constants.TryGetValue(constant, out var elements))
            _constants.Add(constant, elements = SymbolicValue.Of(constant));
        return elements;
    }

    /// <summary>Types the nodes of a graph whose inputs have their types.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="conditional">True if it need not run at all: nothing then follows for the symbols outside.</param>
    public void Infer(Graph graph, bool conditional = false)
    {
        if (_depth >= MaxDepth)
            return;
        _depth++;
        _conditional += conditional ? 1 : 0;
        foreach (var initializer in graph.Initializers)
        {
            if (!initializer.IsInput)
                initializer.Type = initializer.Initializer!.Type;
        }
        foreach (var node in InOrder(graph))
            Infer(node);
        _conditional -= conditional ? 1 : 0;
        _depth--;
    }

    public void Complain(Node node, string sentence) => _diagnostics.Add(new ShapeDiagnostic(node, sentence));

    /// <summary>Notes that two dimensions are equal whenever the model runs.</summary>
    public void Equate(Node node, Dim a, Dim b, string what)
    {
        if (a.Equals(b))
            return;
        if ((a - b).TryGetConstant(out _))
            Complain(node, $"{what}: {a} is not {b}.");
        else if (_conditional == 0)
            _symbols.Equate(a, b);
    }

    public Dim Resolve(Dim dim) => _symbols.Resolve(dim);

    /// <summary>Writes what follows for an output, completed by what the file declares.</summary>
    public void SetType(Node node, int output, ElementType element, TensorShape? shape)
    {
        if (node.Output(output) is not { } value)
            return;
        var declared = value.Type;
        for (var i = 0; i < shape?.Rank; i++)
        {
            if (shape[i].Constant >= 0 || !shape[i].IsConstant)
                continue;
            Complain(node, $"'{value.Name}' would have {shape[i]} elements in axis {i}.");
            shape = new TensorShape(shape.Select((d, axis) => d.Constant < 0 ? Fresh(value, axis) : d));
        }
        if (element == ElementType.Undefined)
            element = declared?.Element ?? ElementType.Undefined;
        else if (declared is not null && declared.Element != ElementType.Undefined && declared.Element != element)
            Complain(node, $"'{value.Name}' is declared {declared.Element}, but is {element}.");
        if (shape is null)
            shape = Resolve(declared, value)?.Shape;
        else if (declared?.Shape is not { } hint)
            shape = shape.Select(Resolve);
        else if (hint.Rank == shape.Rank)
            shape = Complete(node, value, shape, hint);
        else
        {
            Complain(node, $"'{value.Name}' is declared {hint}, but has rank {shape.Rank}.");
            shape = shape.Select(Resolve);
        }
        value.Type = new TensorType(element, shape);
    }

    public void SetValue(Value value, SymbolicValue known)
    {
        if (known.IsUseful)
            _values[value] = known;
    }

    /// <summary>Takes over the type, and if wanted the elements, of a value of another graph.</summary>
    public void Bind(Value formal, TensorType? type, SymbolicValue? known)
    {
        formal.Type = Resolve(type ?? formal.Type, formal);
        _values.Remove(formal);
        if (known is not null)
            _values[formal] = known;
    }

    public static Dim Fresh(Value value, int axis) => Dim.Symbol($"?{value.Name}.{axis}");

    TensorShape Complete(Node node, Value value, TensorShape shape, TensorShape hint)
    {
        var dims = new Dim[shape.Rank];
        for (var i = 0; i < dims.Length; i++)
        {
            var (found, told) = (shape[i], hint[i]);
            if (found.IsConstant && told.IsConstant && found != told)
                Complain(node, $"'{value.Name}' is declared {hint}, but its axis {i} is {found}.");
            var nothingFollows = found.Equals(Fresh(value, i)) && !SymbolTable.IsAnonymous(told);
            dims[i] = Resolve(nothingFollows || (!found.IsPolynomial && told.IsConstant) ? told : found);
        }
        return new TensorShape(dims);
    }

    TensorType? Resolve(TensorType? type, Value value) => type?.Shape is not { } shape ? type
        : type with { Shape = new TensorShape(shape.Select((d, i) => Resolve(SymbolTable.IsAnonymous(d) ? Fresh(value, i) : d))) };

    void Infer(Node node)
    {
        var rule = ++_visits > _limit ? null : rules.Find(node.Domain, node.OpType);
        try
        {
            rule?.Invoke(new ShapeContext(this, node));
        }
        catch (OverflowException error)
        {
            Complain(node, $"Its shape cannot be followed: {error.Message}");
        }
        if (rule is not null)
            return;
        foreach (var output in node.Outputs)
            output.Type = _visits > _limit ? null : Resolve(output.Type, output);
    }

    IEnumerable<Node> InOrder(Graph graph)
    {
        var made = new HashSet<Node>(graph.Nodes.Count);
        foreach (var node in graph.Nodes)
        {
            var reads = node.Attributes.Values.Any(a => a is GraphAttribute or GraphsAttribute) ? Graph.Reads(node) : node.Inputs.OfType<Value>();
            if (reads.Any(v => v.Producer is { } p && ReferenceEquals(p.Graph, graph) && !made.Contains(p)))
            {
                try
                {
                    graph.Sort();
                }
                catch (InvalidGraphException error)
                {
                    Complain(node, error.Message);
                    return [];
                }
                break;
            }
            made.Add(node);
        }
        return graph.Nodes;
    }
}
