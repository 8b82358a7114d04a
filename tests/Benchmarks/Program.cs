using System.CommandLine;
using OnnxEff.Benchmarks.Attention;
using OnnxEff.Benchmarks.LowBit;
using OnnxEff.Benchmarks.Masks;

return new RootCommand("Measures kernels against ONNX Runtime's and against what the machine can do.")
{
    AttentionCommand.Create(),
    MasksCommand.Create(),
    LowBitCommand.Create(),
}.Parse(args).Invoke();
