// The entry point of the `bptt` command.

using System.Text;
using Bptt.Cli;
using Bptt.Cli.Console;

Console.OutputEncoding = Encoding.UTF8;
return await CommandLine.RunAsync(args, Terminal.OfProcess());
