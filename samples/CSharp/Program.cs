using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;

// Greedy decoding: MODEL IDS COUNT [OPERATOR_LIBRARY] prints the COUNT ids that follow IDS (separated by commas).
if (args.Length < 3)
{
    Console.Error.WriteLine("MODEL IDS COUNT [OPERATOR_LIBRARY]");
    return 2;
}
var options = new LlmOptions { Session = new() { CustomOpLibraries = args[3..] } };
using var session = LlmSession.Open(args[0], OnnxReader.Load(args[0]).Graph, options);

int[] next = [.. args[1].Split(',').Select(int.Parse)];
var tokens = new List<int>();
for (var left = int.Parse(args[2]); left > 0; left--)
{
    using var logits = session.Forward(next);
    next = [logits.ArgMax(0, -1)];
    tokens.Add(next[0]);
}
Console.WriteLine(string.Join(',', tokens));
return 0;
