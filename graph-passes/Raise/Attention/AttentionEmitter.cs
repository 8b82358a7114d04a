using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>Puts one <c>llm.Attention</c> in the place of a recognised site.</summary>
sealed class AttentionEmitter(TokenInputs? tokens)
{
    readonly Dictionary<(Value Table, bool Interleaved, ElementType Element), Value> _halfTables = [];

    public Node Emit(AttentionSite site)
    {
        var graph = site.Anchor.Graph;
        var name = site.Anchor.Name.Length > 0 ? site.Anchor.Name : site.Result.Value.Name;
        var build = new GraphBuilder(graph, name);
        var element = site.Query.Value.Type!.Element;
        var inputs = new Value?[Enum.GetValues<AttentionInput>().Length];
        inputs[(int)AttentionInput.Query] = site.Query.ToFlat(build);
        if (site.KeysAreGiven)
        {
            inputs[(int)AttentionInput.PastKey] = site.Key.ToHeadsFirst(build);
            inputs[(int)AttentionInput.PastValue] = site.Value.ToHeadsFirst(build);
            inputs[(int)AttentionInput.SeqlensK] = site.RowLengths;
        }
        else
        {
            inputs[(int)AttentionInput.Key] = site.Key.ToFlat(build);
            inputs[(int)AttentionInput.Value] = site.Value.ToFlat(build);
            inputs[(int)AttentionInput.PastKey] = site.PastKey?.Past;
            inputs[(int)AttentionInput.PastValue] = site.PastValue?.Past;
        }
        var rule = RuleOf(site);
        inputs[(int)AttentionInput.KeyMask] = site.KeyMask ?? (rule.Padding ? tokens!.AttentionMask : null);
        var bias = site.Mask is { HasBias: false } ? null : Bias(site, element, build);
        inputs[(int)AttentionInput.Bias] = bias;
        if (site.Mask?.Slopes is { } slopes)
            inputs[(int)AttentionInput.Slopes] = build.Constant(Constants.Vector(slopes, element));
        if (site.Sinks is { } sinks)
            inputs[(int)AttentionInput.Sinks] = Flat(sinks, site.Query.Count!.Value, element, build);
        if (site.Rotation is { } rotation)
        {
            inputs[(int)AttentionInput.PositionIds] = rotation.Positions;
            inputs[(int)AttentionInput.Cos] = HalfTable(rotation.Cos, rotation, site.Query, element, build);
            inputs[(int)AttentionInput.Sin] = HalfTable(rotation.Sin, rotation, site.Query, element, build);
        }
        var node = build.Node(LlmAttention.OpType, LlmAttention.Domain, inputs,
        [
            ("num_heads", site.Query.Count!.Value), ("kv_num_heads", site.Key.Count!.Value), ("head_size", site.Query.Size!.Value),
            ("value_head_size", site.Value.Size!.Value), ("append", site.KeysAreGiven ? 0L : 1L),
            ("scale", (float)site.Scale), ("softcap", (float)site.Softcap),
            ("causal", rule.Causal ? 1L : 0L), ("window", rule.Window ?? -1L), ("window_right", rule.WindowRight ?? -1L),
            ("chunk", rule.Chunk ?? 0L), ("chunk_from_first_key", rule.ChunkFromFirstToken ? 1L : 0L),
            ("rotary_interleaved", site.Rotation?.Interleaved == true ? 1L : 0L),
            ("bias_hides", bias is not null && OnlyHides(site) ? 1L : 0L), ("mask_fact", Describe(site)),
            ("rotary_fact", site.Rotation is null ? "" : site.RotaryFact?.ToString() ?? "explicit tables"),
            ("rotary_left", site.RotaryLeft),
        ]);
        node.Name = name;
        var flatType = new TensorType(element, new TensorShape(site.Query.Value.Type.Shape![0], site.Query.Tokens!,
            site.Query.Count.Value * site.Value.Size.Value));
        var flat = build.Output(node, "output", flatType);
        if (site is { PastKey: { } keys, PastValue: { } values })
        {
            node.TakeOver(keys.Present);
            node.TakeOver(values.Present);
        }
        if (site.Product is { } product)
        {
            while (node.Outputs.Count < 3)
                node.AddOutput("");
            node.TakeOver(product.Value);
            node.SetAttribute("qk_matmul_output_mode", product.Mode);
        }
        if (site.Result.Value.Type is { } result)
            flat = build.Cast(flat, result.Element);
        site.Result.ReplaceWith(flat, build);
        return node;
    }

    /// <summary>Per-token angles as [B or 1, S, R/2], tables by position as they are.</summary>
    Value HalfTable(Value table, Rotation rotation, Heads query, ElementType element, GraphBuilder build)
    {
        var key = (table, rotation.Interleaved, element);
        if (_halfTables.TryGetValue(key, out var known))
            return known;
        var (result, shape) = (table, table.Type!.Shape!);
        if (rotation.Positions is null && AngleTable.AxesOf(table, query) is { } axes)
        {
            var columns = shape[axes.Columns].Constant!.Value;
            shape = new TensorShape(axes.Batch is { } b ? shape[b] : Dim.One, shape[axes.Tokens], columns);
            // A batch that leads is copied, so that an empty one stays empty.
            long rows = axes.Batch is null ? 1 : axes.Batch == 0 ? 0 : -1;
            if (!shape.Equals(table.Type.Shape))
            {
                result = build.Op("Reshape", [table, build.Constant(Tensor.Vector<long>(rows, rows == -1 && axes.Tokens == 1 ? 0 : -1, columns))],
                    new TensorType(table.Type.Element, shape));
            }
        }
        if (shape[-1] == rotation.Width)
        {
            var half = rotation.Width / 2;
            var (end, step) = rotation.Interleaved ? (rotation.Width, 2L) : (half, 1L);
            shape = new TensorShape([.. shape.Take(shape.Rank - 1), Dim.Of(half)]);
            result = build.Op("Slice", [result, build.Constant(Tensor.Vector(0L)), build.Constant(Tensor.Vector(end)),
                build.Constant(Tensor.Vector(-1L)), build.Constant(Tensor.Vector(step))], new TensorType(table.Type.Element, shape));
        }
        return _halfTables[key] = build.Cast(result, element);
    }

    /// <summary>What the masks say together with the operator itself.</summary>
    static MaskFact RuleOf(AttentionSite site)
    {
        static long? Smaller(long? a, long? b) => a is { } x && b is { } y ? Math.Min(x, y) : a ?? b;
        var rule = site.Mask?.Rule ?? new MaskFact(false, null, false);
        return rule with
        {
            Causal = rule.Causal || site.IsCausal,
            Window = Smaller(rule.Window, site.Window),
            WindowRight = Smaller(rule.WindowRight, site.WindowRight),
        };
    }

    /// <summary>True if what is added to the logits is 0 or hides a key.</summary>
    static bool OnlyHides(AttentionSite site) =>
        site.Mask is { OnlyHides: true } || site.Masks.All(mask => mask.Form != MaskForm.Additive || HidingNumbers.Are(mask.Value));

    static string Describe(AttentionSite site)
    {
        if (site.Mask is not { Rule: not null } mask)
            return $"explicit tensor: {site.Mask?.Because}";
        var shown = RuleOf(site);
        var added = mask.Slopes is { } slopes ? $", ALiBi with slopes {slopes[0]:G3} to {slopes[^1]:G3}" : mask.HasBias ? ", bias" : "";
        return $"{shown}{added}: {mask.Because}";
    }

    static Value Flat(Value perHead, long heads, ElementType element, GraphBuilder build)
    {
        var flat = build.Op("Reshape", [perHead, build.Constant(Tensor.Vector(heads))], new TensorType(perHead.Type!.Element, TensorShape.Of(heads)));
        return build.Cast(flat, element);
    }

    /// <summary>All masks of a site as one additive tensor.</summary>
    static Value? Bias(AttentionSite site, ElementType element, GraphBuilder build)
    {
        Value? sum = null;
        foreach (var mask in site.Masks)
        {
            var term = mask.Value;
            if (mask.Form == MaskForm.Additive)
                term = build.Cast(term, element);
            else
            {
                var (zero, low) = (build.Constant(Constants.Scalar(0, element)), build.Constant(Constants.HiddenKey(element)));
                term = build.Op("Where", mask.Form == MaskForm.ShowsKeys ? [term, zero, low] : [term, low, zero], new TensorType(element, term.Type?.Shape));
            }
            sum = sum is null ? term : build.Op("Add", [sum, term], new TensorType(element));
        }
        return sum;
    }
}
