// A training step of the layer of Bptt.TorchSharp beside the same model in torch's operations, and its gradients beside
// those of the library without torch.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using TorchSharp;
using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

internal static class LayerTimes
{
    /// <summary>Measures and prints a table.</summary>
    /// <param name="shapes">The rows; T is that of the longest sequence.</param>
    /// <param name="threads">The numbers of threads of torch and of the library.</param>
    /// <param name="seconds">For each figure.</param>
    /// <param name="markdown">Whether the table is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(
        IEnumerable<Shape> shapes, IEnumerable<int> threads, double seconds, bool markdown, TextWriter output)
    {
        var table = new Table(leftAligned: 2, "shape", "program", "threads", "ms", "times the layer's");
        foreach (Shape shape in shapes)
        {
            foreach (int count in threads)
            {
                Run(shape, count, seconds, table, output);
            }
        }
        output.WriteLine();
        output.Write(table.ToText(markdown));
    }

    private static void Run(Shape shape, int threads, double seconds, Table table, TextWriter output)
    {
        using DisposeScope scope = NewDisposeScope();
        set_num_threads(threads);
        var work = new LayerWork(shape, threads);
        (string Name, Action Run)[] programs =
        [
            ("training step of the layer", work.Layer),
            ("training step, torch's operations, batched products", work.BatchedProducts),
            ("training step, torch's operations, step by step", work.StepByStep),
            ("gradients of the layer", work.LayerGradients),
            ("gradients by Bptt, flat memory, the loss by torch", work.FlatMemoryTorchLoss),
            ("gradients by Bptt, flat memory", work.FlatMemory),
            ("gradients by Bptt, packed once", work.PackedOnce),
        ];
        output.WriteLine(
            $"{shape.Describe()}, {threads} threads: gradients differ by {work.Disagreement():E1} at most.");
        Timing[] times = Turns.Measure([.. programs.Select(p => new Runner(() => { }, p.Run))], seconds);
        for (int i = 0; i < programs.Length; i++)
        {
            double reference = times[i < 3 ? 0 : 3].Seconds;
            table.Add(
                i == 0 ? shape.Describe() : "",
                programs[i].Name,
                $"{threads}",
                Figure.Milliseconds(times[i].Seconds),
                Figure.Times(times[i].Seconds / reference));
        }
    }
}
