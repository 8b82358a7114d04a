using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.Ir;

/// <summary>Asserts that two models hold the same: names, types, attributes, payloads, texts, in the same order.</summary>
static class ModelEquality
{
    public static void AssertSame(Model a, Model b)
    {
        Assert.Equal((a.IrVersion, a.ProducerName, a.ProducerVersion, a.Domain, a.ModelVersion, a.DocString),
            (b.IrVersion, b.ProducerName, b.ProducerVersion, b.Domain, b.ModelVersion, b.DocString));
        Assert.Equal(a.Opsets, b.Opsets);
        Assert.Equal(a.Metadata, b.Metadata);
        Assert.Equal(a.Functions.Count, b.Functions.Count);
        AssertSame(a.Graph, b.Graph);
        foreach (var (f, g) in a.Functions.Zip(b.Functions))
        {
            Assert.Equal((f.Domain, f.Name, f.Overload, f.DocString), (g.Domain, g.Name, g.Overload, g.DocString));
            Assert.Equal(f.AttributeNames, g.AttributeNames);
            Assert.Equal(f.Opsets, g.Opsets);
            Assert.Equal(f.Metadata, g.Metadata);
            AssertSame(f.AttributeDefaults, g.AttributeDefaults);
            AssertSame(f.Body, g.Body);
        }
    }

    public static void AssertSame(Graph a, Graph b)
    {
        Assert.Equal((a.Name, a.DocString), (b.Name, b.DocString));
        Assert.Equal(a.Metadata, b.Metadata);
        AssertSame(a.Inputs, b.Inputs);
        AssertSame(a.Outputs, b.Outputs);
        AssertSame([.. a.Initializers], [.. b.Initializers]);
        Assert.Equal(a.OpaqueFields.Keys, b.OpaqueFields.Keys);
        foreach (var (field, values) in a.OpaqueFields)
            Assert.Equal(values, b.OpaqueFields[field]);
        Assert.Equal(a.Nodes.Count, b.Nodes.Count);
        foreach (var (n, m) in a.Nodes.Zip(b.Nodes))
            AssertSame(n, m);
    }

    public static void AssertSame(Tensor a, Tensor b)
    {
        Assert.Equal(a.Element, b.Element);
        Assert.Equal(a.Dims.ToArray(), b.Dims.ToArray());
        Assert.Equal(a.Strings, b.Strings);
        Assert.True(a.Data.Span.SequenceEqual(b.Data.Span), "The payloads differ.");
    }

    static void AssertSame(Node a, Node b)
    {
        Assert.Equal((a.Name, a.Domain, a.OpType, a.Overload, a.DocString), (b.Name, b.Domain, b.OpType, b.Overload, b.DocString));
        Assert.Equal(a.Metadata, b.Metadata);
        Assert.Equal(a.Inputs.Select(i => i?.Name), b.Inputs.Select(i => i?.Name));
        AssertSame(a.Outputs, b.Outputs);
        AssertSame(a.Attributes, b.Attributes);
        Assert.Equal(a.Rest, b.Rest);
    }

    static void AssertSame(IReadOnlyList<Value> a, IReadOnlyList<Value> b)
    {
        Assert.Equal(a.Count, b.Count);
        foreach (var (v, w) in a.Zip(b))
        {
            Assert.Equal((v.Name, v.Type, v.DocString, v.IsInput), (w.Name, w.Type, w.DocString, w.IsInput));
            Assert.Equal(v.OtherType, w.OtherType);
            Assert.Equal(v.Metadata, w.Metadata);
            Assert.Equal(v.Source?.Info, w.Source?.Info);
            Assert.Equal(v.Source?.Initializer, w.Source?.Initializer);
            Assert.Equal(v.Initializer is null, w.Initializer is null);
            if (v.Initializer is not null)
                AssertSame(v.Initializer, w.Initializer!);
        }
    }

    static void AssertSame(IReadOnlyDictionary<string, AttributeValue> a, IReadOnlyDictionary<string, AttributeValue> b)
    {
        Assert.Equal(a.Keys, b.Keys);
        foreach (var (name, value) in a)
            AssertSame(value, b[name]);
    }

    static void AssertSame(AttributeValue a, AttributeValue b)
    {
        switch (a)
        {
            case TensorAttribute t:
                AssertSame(t.Value, Assert.IsType<TensorAttribute>(b).Value);
                break;
            case GraphAttribute g:
                AssertSame(g.Value, Assert.IsType<GraphAttribute>(b).Value);
                break;
            case StringAttribute s:
                Assert.Equal(s.Bytes, Assert.IsType<StringAttribute>(b).Bytes);
                break;
            case IntsAttribute i:
                Assert.Equal(i.Values, Assert.IsType<IntsAttribute>(b).Values);
                break;
            case FloatsAttribute f:
                Assert.Equal(f.Values, Assert.IsType<FloatsAttribute>(b).Values);
                break;
            case StringsAttribute s:
                Assert.Equal(s.Values, Assert.IsType<StringsAttribute>(b).Values);
                break;
            case TensorsAttribute t:
                Assert.Equal(t.Values.Length, Assert.IsType<TensorsAttribute>(b).Values.Length);
                foreach (var (x, y) in t.Values.Zip(((TensorsAttribute)b).Values))
                    AssertSame(x, y);
                break;
            case GraphsAttribute g:
                Assert.Equal(g.Values.Length, Assert.IsType<GraphsAttribute>(b).Values.Length);
                foreach (var (x, y) in g.Values.Zip(((GraphsAttribute)b).Values))
                    AssertSame(x, y);
                break;
            case OpaqueAttribute o:
                Assert.Equal(o.AttributeProto, Assert.IsType<OpaqueAttribute>(b).AttributeProto);
                break;
            default:
                Assert.Equal(a, b);
                break;
        }
    }
}
