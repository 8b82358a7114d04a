using OnnxEff.Cli;
using OnnxEff.Cli.Shell;

return CommandLine.Run(args, Terminal.ForProcess());
