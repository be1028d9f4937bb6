// The entry point of the benchmarks.

using System.Text;
using Bptt.Benchmarks;

Console.OutputEncoding = Encoding.UTF8;
return CommandLine.Run(args);
