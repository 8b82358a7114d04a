using System.Globalization;
using System.Text;

namespace OnnxEff.Ir.Text;

/// <summary>Reads graphs; the grammar is that of <see cref="GraphText"/>.</summary>
internal sealed class GraphTextReader(string text)
{
    int _at;

    /// <summary>Reads the one graph that the text holds.</summary>
    public Graph ReadAll()
    {
        var graph = ReadGraph(null, null);
        return Peek() == '\0' ? graph : throw Error("the end of the text");
    }

    Graph ReadGraph(Graph? parent, Onnx.GraphScope? outer)
    {
        var graph = new Graph("", parent);
        var scope = new Onnx.GraphScope(outer);
        Expect('(');
        while (!Take(')'))
        {
            var (name, type) = ReadTyped();
            var input = graph.AddInput(name, type);
            if (!scope.TryAdd(input))
                throw Error($"a name other than '{name}'");
            if (Take('='))
                graph.AddInitializer(input, ReadPayload(type ?? throw Error("a type before the payload")));
            Separate(')');
        }
        Expect('-');
        Expect('>');
        Expect('(');
        var outputs = new List<string>();
        while (!Take(')'))
        {
            outputs.Add(ReadName());
            Separate(')');
        }
        Expect('{');
        while (!Take('}'))
            ReadStatement(graph, scope);
        foreach (var output in outputs)
            graph.Outputs.Add(scope.Find(output) ?? throw Error($"a value named '{output}'"));
        return graph;
    }

    void ReadStatement(Graph graph, Onnx.GraphScope scope)
    {
        var results = new List<(string Name, TensorType? Type)>();
        do
            results.Add(ReadTyped());
        while (Take(','));
        Expect('=');
        if (Peek() == '{')
        {
            var (name, type) = results[0];
            var tensor = ReadPayload(type ?? throw Error("a type before the payload"));
            if (!scope.TryAdd(graph.AddInitializer(new Value(graph, name) { Type = tensor.Type }, tensor)))
                throw Error($"a name other than '{name}'");
            return;
        }
        var full = ReadName();
        var dot = full.LastIndexOf('.');
        var attributes = new List<(string, AttributeValue)>();
        if (Take('{'))
        {
            while (!Take('}'))
            {
                var name = ReadName();
                Expect('=');
                attributes.Add((name, ReadAttribute(graph, scope)));
                Separate('}');
            }
        }
        var inputs = new List<Value?>();
        Expect('(');
        while (!Take(')'))
        {
            inputs.Add(ReadOperand(graph, scope));
            Separate(')');
        }
        var node = graph.AddNode(full[(dot + 1)..], dot < 0 ? "" : full[..dot], [.. inputs]);
        foreach (var (name, value) in attributes)
            node.SetAttribute(name, value);
        foreach (var (name, type) in results)
        {
            var output = node.AddOutput(name == "_" ? "" : name, type);
            if (name != "_" && !scope.TryAdd(output))
                throw Error($"a name other than '{name}'");
        }
    }

    Value? ReadOperand(Graph graph, Onnx.GraphScope scope)
    {
        if (Peek() == '[')
            return graph.AddConstant(Tensor.Vector<long>(ReadAttribute(graph, scope) is IntsAttribute v ? v.Values : throw Error("integers")));
        if (IsNumber())
        {
            var number = ReadNumber();
            return graph.AddConstant(number.Integer is { } integer ? Tensor.Scalar(integer) : Tensor.Scalar((float)number.Value));
        }
        var quoted = Peek() == '"';
        var name = ReadName();
        return name == "_" && !quoted ? null : scope.Find(name) ?? throw Error($"a value named '{name}' before this place");
    }

    AttributeValue ReadAttribute(Graph graph, Onnx.GraphScope scope)
    {
        switch (Peek())
        {
            case '(':
                return new GraphAttribute(ReadGraph(graph, scope));
            case '"':
                return ReadName();
            case '[':
                return ReadList();
        }
        if (IsNumber())
        {
            var number = ReadNumber();
            return number.Integer is { } integer ? new IntAttribute(integer) : new FloatAttribute((float)number.Value);
        }
        var type = ReadType();
        return new TensorAttribute(ReadPayload(type));
    }

    AttributeValue ReadList()
    {
        var strings = new List<byte[]>();
        var numbers = new List<(double Value, long? Integer)>();
        Expect('[');
        while (!Take(']'))
        {
            if (Peek() == '"')
                strings.Add(Encoding.UTF8.GetBytes(ReadName()));
            else
                numbers.Add(ReadNumber());
            Separate(']');
        }
        return strings.Count > 0 ? new StringsAttribute([.. strings])
            : numbers.TrueForAll(n => n.Integer is not null) ? new IntsAttribute([.. numbers.Select(n => n.Integer!.Value)])
            : new FloatsAttribute([.. numbers.Select(n => (float)n.Value)]);
    }

    (string Name, TensorType? Type) ReadTyped()
    {
        var name = ReadName();
        return (name, Take(':') ? ReadType() : null);
    }

    TensorType ReadType()
    {
        var name = ReadName();
        if (!Enum.TryParse<ElementType>(name, ignoreCase: true, out var element))
            throw Error($"an element type instead of '{name}'");
        if (!Take('['))
            return new TensorType(element);
        var dims = new List<Dim>();
        while (!Take(']'))
        {
            dims.Add(Peek() == '"' ? Dim.Parse(ReadName()) : ReadDim());
            Separate(']');
        }
        return new TensorType(element, new TensorShape(dims));
    }

    Dim ReadDim()
    {
        var start = _at;
        for (var depth = 0; _at < text.Length && (depth > 0 || text[_at] is not (',' or ']')); _at++)
            depth += text[_at] == '(' ? 1 : text[_at] == ')' ? -1 : 0;
        return Dim.Parse(text[start.._at].Trim());
    }

    Tensor ReadPayload(TensorType type)
    {
        var dims = type.Shape?.ToConstant() ?? throw Error("a type with known dimensions");
        var strings = new List<byte[]>();
        var numbers = new List<(double Value, long? Integer)>();
        Expect('{');
        var zeros = Take('.') && Take('.') && Take('.');
        while (!Take('}'))
        {
            if (Peek() == '"')
                strings.Add(Encoding.UTF8.GetBytes(ReadName()));
            else
                numbers.Add(ReadNumber());
            Separate('}');
        }
        var count = Tensor.CountOf(dims);
        if (!zeros && numbers.Count + strings.Count != count)
            throw Error($"{count} elements");
        if (type.Element == ElementType.String)
            return Tensor.OfStrings(dims, zeros ? [.. Enumerable.Repeat(Array.Empty<byte>(), checked((int)count))] : [.. strings]);
        var bytes = new byte[type.Element.ByteLength(count)];
        var width = type.Element.BitWidth() / 8;
        for (var i = 0; i < numbers.Count; i++)
            Encode(type.Element, numbers[i]).AsSpan(0, width).CopyTo(bytes.AsSpan(i * width));
        return new Tensor(type.Element, dims, new TensorData(bytes));
    }

    byte[] Encode(ElementType element, (double Value, long? Integer) number) => element switch
    {
        ElementType.Float32 => BitConverter.GetBytes((float)number.Value),
        ElementType.Float64 => BitConverter.GetBytes(number.Value),
        ElementType.Float16 => BitConverter.GetBytes((Half)number.Value),
        ElementType.BFloat16 => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits((float)number.Value) >> 16)),
        _ when element.IsInteger() || element == ElementType.Bool => BitConverter.GetBytes(number.Integer ?? throw Error("an integer")),
        _ => throw Error($"{{...}}, as {element} has no text form"),
    };

    bool IsNumber() => Peek() is '-' or (>= '0' and <= '9') || Word() is "NaN" or "Infinity";

    ReadOnlySpan<char> Word()
    {
        var end = _at;
        while (end < text.Length && GraphTextWriter.IsPlain(text[end]))
            end++;
        return text.AsSpan(_at, end - _at);
    }

    (double Value, long? Integer) ReadNumber()
    {
        Peek();
        var start = _at;
        while (_at < text.Length && (char.IsLetterOrDigit(text[_at]) || text[_at] is '.' or '-' or '+'))
            _at++;
        var span = text.AsSpan(start, _at - start);
        long? integer = long.TryParse(span, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : null;
        return double.TryParse(span, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? (value, integer) : throw Error("a number");
    }

    string ReadName()
    {
        if (Peek() != '"')
        {
            var word = Word().ToString();
            _at += word.Length;
            return word.Length > 0 ? word : throw Error("a name");
        }
        var name = new StringBuilder();
        for (_at++; _at < text.Length && text[_at] != '"'; _at++)
            name.Append(text[_at] == '\\' && _at + 1 < text.Length ? text[++_at] : text[_at]);
        if (_at++ >= text.Length)
            throw Error("a closing quote");
        return name.ToString();
    }

    void Separate(char end)
    {
        if (Peek() != end)
            Expect(',');
    }

    void Expect(char c)
    {
        if (!Take(c))
            throw Error($"'{c}'");
    }

    bool Take(char c)
    {
        if (Peek() != c)
            return false;
        _at++;
        return true;
    }

    /// <summary>The next character that is no white space; moves before it.</summary>
    char Peek()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            _at++;
        return _at < text.Length ? text[_at] : '\0';
    }

    FormatException Error(string expected)
    {
        var line = text.AsSpan(0, Math.Min(_at, text.Length)).Count('\n') + 1;
        return new FormatException($"Line {line}, before '{text[Math.Min(_at, text.Length)..Math.Min(_at + 20, text.Length)]}': expected {expected}.");
    }
}
