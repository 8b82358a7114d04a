using System.CommandLine;
using OnnxEff.Benchmarks.Attention;
using OnnxEff.Benchmarks.LowBit;
using OnnxEff.Benchmarks.Masks;
using OnnxEff.Benchmarks.Table;

return new RootCommand("Measures kernels against ONNX Runtime's and against what the machine can do, and whole models.")
{
    AttentionCommand.Create(),
    MasksCommand.Create(),
    LowBitCommand.Create(),
    TableCommand.Create(),
}.Parse(args).Invoke();
