using OnnxEff.Cli;
using OnnxEff.Cli.Shell;

Leaf.Offer();
return CommandLine.Run(args, Terminal.ForProcess());
