using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.Ops;

public class OperatorSchemaTests
{
    public static TheoryData<string> Names() => [.. OnnxEffOperators.All.Select(o => o.Name)];

    static OperatorSchema Schema(string name) => OnnxEffOperators.All.Single(o => o.Name == name);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_parameter_has_a_declared_type_and_a_documentation(string name)
    {
        OperatorSchema schema = Schema(name);
        Assert.NotEmpty(schema.Documentation);
        Assert.All([.. schema.Inputs, .. schema.Outputs], p =>
        {
            Assert.Contains(schema.Types, t => t.Name == p.Type);
            Assert.NotEmpty(p.Documentation);
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_name_is_used_once(string name)
    {
        OperatorSchema schema = Schema(name);
        Assert.Distinct(schema.Inputs.Select(p => p.Name));
        Assert.Distinct(schema.Outputs.Select(p => p.Name));
        Assert.Distinct(schema.Attributes.Select(a => a.Name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_attribute_is_an_integer_or_a_float(string name) =>
        Assert.All(Schema(name).Attributes, a => Assert.True(a.Kind is ElementType.Int64 or ElementType.Float32));

    [Fact]
    public void Type_assignments_cross_all_variables()
    {
        ElementType[][] assignments = [.. BlockMaskedAttention.Schema.TypeAssignments()];
        Assert.Equal(9, assignments.Length);
        Assert.Distinct(assignments.Select(a => string.Join(' ', a)));
    }

    [Fact]
    public void An_assignment_types_each_parameter_by_its_variable()
    {
        OperatorSchema schema = BlockMaskedAttention.Schema;
        ElementType[] assignment = [ElementType.Float16, ElementType.Bool, ElementType.Int32, ElementType.Int64];
        Assert.Equal(ElementType.Float16, schema.KindOf(schema.Inputs[0], assignment));
        Assert.Equal(ElementType.Bool, schema.KindOf(schema.Inputs[5], assignment));
    }

    [Fact]
    public void An_undeclared_attribute_is_a_fault() =>
        Assert.Contains("declares no attribute 'speed'", Assert.Throws<ArgumentException>(() => BlockMaskedAttention.Schema.Attribute("speed")).Message);

    [Fact]
    public void Defaults_of_the_record_are_those_of_the_declaration()
    {
        var defaults = new AttentionAttributes(1, 1);
        OperatorSchema schema = BlockMaskedAttention.Schema;
        Assert.Equal(schema.Attribute("scale").Default, defaults.Scale);
        Assert.Equal(schema.Attribute("softcap").Default, defaults.Softcap);
        Assert.Equal(schema.Attribute("causal").Default, defaults.Causal ? 1 : 0);
        Assert.Equal(schema.Attribute("window").Default, defaults.Window);
        Assert.Equal(schema.Attribute("window_right").Default, defaults.WindowRight);
        Assert.Equal(schema.Attribute("chunk").Default, defaults.Chunk);
        Assert.Equal(schema.Attribute("chunk_from_first_key").Default, defaults.ChunkFromFirstKey ? 1 : 0);
        Assert.Equal(schema.Attribute("value_head_size").Default, defaults.ValueHeadSize);
        Assert.Equal(schema.Attribute("append").Default, defaults.Append ? 1 : 0);
        Assert.Equal(schema.Attribute("qk_matmul_output_mode").Default, (int)defaults.ProductStage);
        Assert.Equal(schema.Attribute("rotary_interleaved").Default, defaults.RotaryInterleaved ? 1 : 0);
    }
}
