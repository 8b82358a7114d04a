using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops.Llm;

namespace OnnxEff.Runtime;

/// <summary>How a decoder is opened.</summary>
public sealed record LlmOptions
{
    /// <summary>Options of the session.</summary>
    public OrtSessionOptions Session { get; init; } = new();

    /// <summary>The contract of the KV cache; null takes <see cref="KvContract.InPlace"/> where the graph allows it.</summary>
    public KvContract? Contract { get; init; }

    /// <summary>Tokens that a shared buffer has room for at first; it grows when they are used up.</summary>
    public int Capacity { get; init; } = 512;

    internal bool AcceptsAnyPadding { get; init; }
}

/// <summary>
/// A decoder with its KV cache. Each call takes the next tokens of every sequence and returns their logits; mask, positions
/// and cache are kept here. Not safe for several threads at once.
/// </summary>
public sealed class LlmSession : IDisposable
{
    readonly OrtSession session;
    readonly KvCache cache;
    List<bool>[] visible = []; // for each sequence: which tokens so far are no padding

    LlmSession(OrtSession session, DecoderSignature signature, KvContract contract, int capacity)
    {
        this.session = session;
        (Signature, Contract) = (signature, contract);
        cache = new(signature.Caches, contract, capacity);
    }

    /// <summary>What the graph's inputs and outputs mean.</summary>
    public DecoderSignature Signature { get; }

    /// <summary>The contract in use.</summary>
    public KvContract Contract { get; }

    /// <summary>Tokens of each sequence so far, padding included.</summary>
    public int PastLength { get; private set; }

    /// <summary>
    /// The cache tensors, in the order of the signature's pairs; under <see cref="KvContract.InPlace"/> they are longer than
    /// <see cref="PastLength"/>.
    /// </summary>
    public IReadOnlyList<OrtTensor> CacheTensors => cache.Tensors;

    /// <summary>The session underneath.</summary>
    public OrtSession Session => session;

    /// <summary>Lets a batch be padded on the side that another file takes, to see whether this one agrees.</summary>
    internal bool AcceptsAnyPadding { get; init; }

    /// <summary>Opens a model file.</summary>
    /// <inheritdoc cref="Open(string, Graph, LlmOptions?)" path="/exception"/>
    /// <exception cref="InvalidModelException">The file is no legal ONNX model.</exception>
    public static LlmSession Open(string path, LlmOptions? options = null) => Open(path, OnnxReader.Load(path).Graph, options);

    /// <summary>Opens a model file whose graph has been read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="graph">Its graph.</param>
    /// <param name="options">How to run it.</param>
    /// <exception cref="NotSupportedException">The graph is not understood as a decoder, or the contract does not fit it.</exception>
    /// <exception cref="OrtException">ONNX Runtime refuses the file.</exception>
    public static LlmSession Open(string path, Graph graph, LlmOptions? options = null)
    {
        options ??= new();
        var signature = DecoderSignature.Recognise(graph, out var refusal) ?? throw new NotSupportedException(refusal);
        if (options.Contract == KvContract.InPlace && !signature.AllowsSharedBuffers)
            throw new NotSupportedException("The cache of this graph cannot be written in place: not every reader of it is an "
                + "operator that appends to a shared buffer.");
        if (options.Contract == KvContract.Concat && signature.HasWindowCache)
            throw new NotSupportedException("The cache of this graph holds a window of tokens in one buffer, so it cannot become longer with each call.");
        var contract = options.Contract ?? (signature.AllowsSharedBuffers ? KvContract.InPlace : KvContract.Concat);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Capacity);
        // Shapes change with every token, so a plan per shape would only fill memory.
        var session = OrtSession.Open(path, options.Session with { MemoryPattern = false });
        return new(session, signature, contract, options.Capacity) { AcceptsAnyPadding = options.AcceptsAnyPadding };
    }

    /// <summary>The side on which a batch must be padded; null with the reason where this graph takes no padded batch.</summary>
    public PaddingSide? Padding(out string reason)
    {
        reason = Signature.HasWindowCache ? "a cache that holds a window of tokens takes rows of one length only" : "";
        if (Signature.HasWindowCache) return null;
        if (Signature.RowLengthsFromMask) return PaddingSide.Right;
        if (Signature.AttentionMask is not null) return PaddingSide.Left;
        reason = "the graph takes no attention mask";
        return null;
    }

    /// <summary>Feeds the next tokens of one sequence.</summary>
    /// <returns>Logits <c>[1, S, V]</c>, the caller's to dispose.</returns>
    public LlmLogits Forward(params ReadOnlySpan<int> tokens) => Forward(TokenBatch.Single(tokens));

    /// <summary>Feeds the next tokens of every sequence.</summary>
    /// <exception cref="ArgumentException">
    /// The number of sequences changed without <see cref="Reset"/>, or padding comes after the first call.
    /// </exception>
    /// <exception cref="InvalidDataException">A token is not in the model's vocabulary.</exception>
    /// <exception cref="OrtException">The run failed: the model takes no such number of tokens, say.</exception>
    public LlmLogits Forward(TokenBatch batch)
    {
        Admit(batch);
        var total = checked(PastLength + batch.Columns);
        cache.Reserve(batch.Rows, PastLength, total);

        var positions = new long[batch.Ids.Length];
        for (var row = 0; row < batch.Rows; row++)
        {
            var (first, end) = batch.Range(row);
            var position = visible[row].Count(v => v);
            for (var column = 0; column < batch.Columns; column++)
            {
                var isToken = column >= first && column < end;
                positions[row * batch.Columns + column] = isToken ? position++ : 1; // what exporters' own code puts at padding
                visible[row].Add(isToken);
            }
        }

        try
        {
            var logits = Run(batch, positions, total);
            PastLength = total;
            return logits;
        }
        catch (Exception fault)
        {
            foreach (var row in visible) row.RemoveRange(PastLength, row.Count - PastLength);
            if (fault is not OrtException { Code: var code }) throw;
            throw new OrtException($"The model does not run on {batch.Columns} tokens behind {PastLength} others, which may be more than it takes: {fault.Message}", code);
        }
    }

    /// <summary>Forgets all tokens; the next call may have another number of sequences.</summary>
    public void Reset()
    {
        PastLength = 0;
        visible = [];
    }

    /// <summary>Keeps the first tokens only, so that generation can go on from there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not that many.</exception>
    /// <exception cref="NotSupportedException">The batch is padded on the right: columns and cached tokens differ.</exception>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, PastLength);
        if (Signature.RowLengthsFromMask && visible.Any(row => row.Contains(false)))
            throw new NotSupportedException("A batch padded on the right cannot be cut back.");
        if (length == 0)
        {
            Reset();
            return;
        }
        if (length == PastLength) return;
        if (Signature.HasWindowCache) throw new NotSupportedException("A cache that holds a window of tokens cannot be cut back: earlier ones are gone.");
        cache.Truncate(length);
        foreach (var row in visible) row.RemoveRange(length, row.Count - length);
        PastLength = length;
    }

    /// <summary>Releases the session and its cache.</summary>
    public void Dispose()
    {
        cache.Dispose();
        session.Dispose();
    }

    void Admit(TokenBatch batch)
    {
        if (Signature.Vocabulary is { } vocabulary && batch.Ids.IndexOfAnyExceptInRange(0, vocabulary - 1) is >= 0 and var unknown)
            throw new InvalidDataException($"Token {batch.Ids[unknown]} is not in the model's vocabulary of {vocabulary}: give ids of this model's tokenizer.");
        if (PastLength == 0)
        {
            if (batch.IsPadded && !AcceptsAnyPadding && Padding(out var reason) is var side && side != batch.Side)
                throw new ArgumentException(side is null ? $"The batch is padded, but {reason}." : $"This graph takes padding on the {side} side.");
            visible = [.. Enumerable.Range(0, batch.Rows).Select(_ => new List<bool>())];
            return;
        }
        if (Signature.Caches.Count == 0)
            throw new NotSupportedException("This graph keeps no KV cache, so each call starts anew: call Reset first.");
        if (batch.Rows != visible.Length)
            throw new ArgumentException($"The batch has {batch.Rows} sequences, the calls before had {visible.Length}: call Reset first.");
        if (batch.IsPadded) throw new ArgumentException("Only the first call of a batch may be padded.");
    }

    LlmLogits Run(TokenBatch batch, long[] positions, int total)
    {
        using var ids = Integers(Signature.TokenIds, batch.Ids, batch.Rows, batch.Columns);
        using var mask = Signature.AttentionMask is { } m ? Integers(m, Mask(total), batch.Rows, total) : null;
        using var places = Signature.PositionIds is { } p ? Integers(p, positions, batch.Rows, batch.Columns) : null;

        List<OrtFeed> feeds = [new(Signature.TokenIds.Name, ids)];
        if (mask is not null) feeds.Add(new(Signature.AttentionMask!.Name, mask));
        if (places is not null) feeds.Add(new(Signature.PositionIds!.Name, places));
        List<OrtFetch> fetches = [new(Signature.Logits.Name)];
        cache.Bind(feeds, fetches);

        var results = session.Run([.. feeds], [.. fetches]);
        cache.Accept(results.AsSpan(1));
        return new(results[0]);
    }

    long[] Mask(int total)
    {
        var mask = new long[visible.Length * total];
        for (var row = 0; row < visible.Length; row++)
            for (var column = 0; column < total; column++)
                mask[row * total + column] = visible[row][column] ? 1 : 0;
        return mask;
    }

    static OrtTensor Integers(Value input, ReadOnlySpan<long> values, int rows, int columns)
    {
        // An input of rank 1 is one row for all sequences.
        var flat = input.Type?.Shape is { Rank: 1 };
        var tensor = OrtTensor.Zeros(input.Type!.Element, flat ? [columns] : [rows, columns]);
        if (flat) values = values[..columns];
        switch (input.Type.Element)
        {
            case ElementType.Int64: values.CopyTo(tensor.As<long>()); break;
            case ElementType.Int32:
                var narrow = tensor.As<int>();
                for (var i = 0; i < values.Length; i++) narrow[i] = checked((int)values[i]);
                break;
            case ElementType.Bool:
                var truths = tensor.As<bool>();
                for (var i = 0; i < values.Length; i++) truths[i] = values[i] != 0;
                break;
            default:
                tensor.Dispose();
                throw new NotSupportedException($"The input {input} holds neither integers of 32 or 64 bits nor truth values.");
        }
        return tensor;
    }
}
