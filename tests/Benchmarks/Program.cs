using System.CommandLine;
using OnnxEff.Benchmarks.Attention;

return new RootCommand("Measures kernels against ONNX Runtime's and against what the machine can do.")
{
    AttentionCommand.Create(),
}.Parse(args).Invoke();
