// The command that times the layer of Bptt.TorchSharp.

using System.CommandLine;
using Bptt.Benchmarks.Peers;

namespace Bptt.Benchmarks;

internal static class LayerCommand
{
    public static Command Make()
    {
        Option<Shape[]> shapes = CommandLine.Shapes(["64:256:32:16:16", "256:512:32:16:16"]);
        Option<int[]> threads = CommandLine.ThreadCounts();
        Option<double> seconds = CommandLine.Seconds(2.0);
        Option<bool> markdown = CommandLine.Markdown();
        var command = new Command(
            "layer",
            "A training step of the TorchSharp layer beside the same model in torch's operations, and beside the "
            + "library without torch, in float. Only in a build with -p:TorchSharp=true.")
        {
            shapes, threads, seconds, markdown,
        };
        command.SetAction(parsed => TorchPeers.LayerTimes(
            parsed.GetValue(shapes)!,
            parsed.GetValue(threads)!,
            parsed.GetValue(seconds),
            parsed.GetValue(markdown),
            Console.Out));
        return command;
    }
}
