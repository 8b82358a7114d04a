using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>Numbers that are 0 or hide a key when they are added to its logit, whatever the graph's inputs are.</summary>
static class HidingNumbers
{
    const int Deepest = 16;

    /// <summary>True if a value is known to hold no others.</summary>
    public static bool Are(Value value, int depth = Deepest)
    {
        if (value.Constant is { } constant)
            return constant.Element.IsFloat() && constant.ToDouble() is { } numbers && Array.TrueForAll(numbers, n => n is 0 or <= MaskGrid.Hidden);
        if (depth == 0 || value.Producer is not { Domain: "" } node)
            return false;
        bool Input(int slot) => node.Input(slot) is { } input && Are(input, depth - 1);
        return node.OpType switch
        {
            "Where" => Input(1) && Input(2),
            "Add" or "Min" or "Concat" => node.Inputs.All(input => input is not null && Are(input, depth - 1)),
            "Identity" or "Unsqueeze" or "Squeeze" or "Reshape" or "Expand" or "Tile" or "Slice" or "Transpose" or "Gather" => Input(0),
            "Cast" => node.Input(0)?.Type?.Element.IsFloat() == true && Input(0),
            "Pad" => Input(0) && (node.Input(2) is null || Input(2)),
            _ => false,
        };
    }
}
