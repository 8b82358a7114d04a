using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.Ir.Shapes;

public class UnificationTests
{
    readonly TestGraph g = new();

    [Fact]
    public void A_product_proves_that_two_pasts_have_one_length()
    {
        var key = g.Op("Concat", [g.Input("k0", "B, H, P0, 16"), g.Input("k", "B, H, S, 16")], ("axis", 2));
        var value = g.Op("Concat", [g.Input("v0", "B, H, P1, 16"), g.Input("v", "B, H, S, 16")], ("axis", 2));
        var scores = g.Op("MatMul", g.Input("q", "B, H, S, 16"), g.Op("Transpose", [key], ("perm", new long[] { 0, 1, 3, 2 })));
        g.Op("MatMul", g.Op("Softmax", scores), value);

        Assert.Equal("float32[B, H, P0 + S, 16]", g.Type(value));
        Assert.Equal("P0", g.Facts.Equalities["P1"].ToString());
        Assert.Equal("float32[B, H, P0, 16]", g.Type(g.Graph.Inputs.Single(i => i.Name == "v0")));
    }

    [Fact]
    public void Broadcasting_two_symbols_proves_nothing()
    {
        var sum = g.Op("Add", g.Input("x", "P"), g.Input("y", "T"));
        Assert.Equal("float32[broadcast(P, T)]", g.Type(sum));
        Assert.Empty(g.Facts.Equalities);
    }

    [Fact]
    public void A_broadcast_is_decided_by_an_equality_that_is_proven_later()
    {
        var sum = g.Op("Add", g.Input("x", "P, 4"), g.Input("y", "T, 4"));
        g.Op("Concat", [g.Input("z", "P, 3"), g.Input("w", "T, 3")], ("axis", 1));
        Assert.Equal("float32[P, 4]", g.Type(sum));
    }

    [Fact]
    public void A_table_cut_to_a_length_and_added_to_that_length_has_it()
    {
        var x = g.Input("ids", ElementType.Int64, "1, S");
        var table = g.Op("Slice", g.Input("table", ElementType.Int64, "1, 256"), g.Ints(0), g.Op("Shape", [x], ("start", 1)), g.Ints(1));
        var sum = g.Op("Add", x, table);

        Assert.Equal("int64[1, S]", g.Type(sum));
        Assert.Equal("int64[1, S]", g.Type(table));
    }

    [Fact]
    public void A_symbol_can_turn_out_to_be_a_number()
    {
        g.Op("MatMul", g.Input("x", "B, D"), g.Input("w", "64, 8"));
        Assert.Equal("float32[B, 64]", g.Type(g.Graph.Inputs[0]));
    }

    [Fact]
    public void Products_of_wrong_sizes_are_reported()
    {
        g.Op("MatMul", g.Input("x", "B, 63"), g.Input("w", "64, 8"));
        Assert.Equal("The inner dimensions of a product differ: 63 is not 64.", Assert.Single(g.Facts.Diagnostics).Sentence);
    }

    [Fact]
    public void Nothing_follows_from_a_branch_that_need_not_run()
    {
        var x = g.Input("x", "A, 4");
        var y = g.Input("y", "C, 4");
        Graph[] branches = [new("then", g.Graph), new("else", g.Graph)];
        var then = g.NodeIn(branches[0], "Concat", [x, y], 1, ("axis", 1));
        branches[0].Outputs.Add(then.Result);
        branches[1].Outputs.Add(g.NodeIn(branches[1], "Identity", [x]).Result);
        g.Op("If", [g.Input("c", ElementType.Bool, "")], ("then_branch", new GraphAttribute(branches[0])), ("else_branch", new GraphAttribute(branches[1])));

        Assert.Equal("float32[A, 8]", g.Type(then.Result));
        Assert.Empty(g.Facts.Equalities);
    }
}
