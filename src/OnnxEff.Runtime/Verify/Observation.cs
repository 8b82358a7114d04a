namespace OnnxEff.Runtime;

/// <summary>What a file computed in one scenario, padding left out: numbers that mean the same in every file.</summary>
sealed class Observation
{
    /// <summary>Logits row by row, of all calls.</summary>
    public List<float[]> Logits { get; } = [];

    /// <summary>The caches after the last call, by the name of the present.</summary>
    public Dictionary<string, float[]> Caches { get; } = [];

    /// <summary>Runs a scenario.</summary>
    public static Observation Of(LlmSession session, Scenario scenario)
    {
        var observation = new Observation();
        session.Reset();
        foreach (var call in scenario.Calls)
        {
            using var logits = session.Forward(call);
            for (var row = 0; row < logits.Rows; row++)
            {
                var (first, end) = call.Range(row);
                // A graph that computes the last position only says something about rows that reach it.
                var shift = call.Columns - logits.Positions;
                for (var position = Math.Max(first, shift); position < end; position++)
                {
                    var values = new float[logits.Vocabulary];
                    logits.CopyTo(row, position - shift, values);
                    observation.Logits.Add(values);
                }
            }
        }
        observation.ReadCaches(session, scenario);
        return observation;
    }

    void ReadCaches(LlmSession session, Scenario scenario)
    {
        var start = scenario.Calls[0];
        var added = session.PastLength - start.Columns;
        for (var i = 0; i < session.CacheTensors.Count; i++)
        {
            var pair = session.Signature.Caches[i];
            var tensor = session.CacheTensors[i];
            var kept = new List<float>();
            var row = new float[tensor.Dims[^1]];
            // Rows of the last axis; where that is the length itself the elements of a row are told apart instead.
            long rows = tensor.Count / Math.Max(1, row.Length);
            for (long r = 0; r < rows; r++)
            {
                var (sequence, token) = Place(tensor.Dims, r, pair.BatchAxis, pair.LengthAxis);
                var (first, end) = start.Range(sequence);
                end += added; // where sequences are padded on the right, later tokens follow their last
                if (token >= 0 && (token < first || token >= end)) continue;
                tensor.CopyRow(r, row);
                kept.AddRange(token >= 0 ? row : row[first..end]);
            }
            Caches[pair.Present.Name] = [.. kept];
        }
    }

    // The sequence and the token of a row along the last axis; token -1 where the last axis is the tokens'.
    static (int Sequence, long Token) Place(ReadOnlySpan<long> dims, long row, int batchAxis, int lengthAxis)
    {
        var (sequence, token) = (0, -1L);
        for (var axis = dims.Length - 2; axis >= 0; axis--)
        {
            var index = row % dims[axis];
            row /= dims[axis];
            if (axis == batchAxis) sequence = (int)index;
            if (axis == lengthAxis) token = index;
        }
        return (sequence, token);
    }
}
