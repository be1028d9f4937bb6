// Options change how a pass is carried out, never what it computes.

using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class ExecutionOptionsTests
{
    private readonly Examples _examples = new(seed: 41);

    [Fact]
    public void Results_do_not_depend_on_threads_or_method()
    {
        LinearRnn model = _examples.Model(3, 6, 2);
        SequenceBatch inputs = _examples.Batch(3, 12, 30, 1);
        var objective = Objective.SquaredError(_examples.Batch(2, 12, 30, 1));
        Gradients expected = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), objective).Gradients;

        foreach (Recurrence recurrence in Enum.GetValues<Recurrence>())
        {
            Matrix<double>? first = null;
            foreach (int threads in new[] { -1, 1, 2, 3 })
            {
                var options = new ExecutionOptions
                {
                    Recurrence = recurrence,
                    MaxDegreeOfParallelism = threads,
                    Tuning = Ways.SmallPieces,
                };
                Gradients actual = BackwardThroughTime.Run(
                    ForwardPass.Run(model, inputs, options: options), objective).Gradients;
                (actual + (-1.0 * expected)).GlobalNorm().Should().BeLessThan(1e-13 * expected.GlobalNorm());
                first ??= actual.Whh;
                actual.Whh.Should().Be(first, "{0} is bit-identical for {1} threads", recurrence, threads);
            }
        }
    }

    [Fact]
    public void Options_are_values()
    {
        var options = new ExecutionOptions { MaxDegreeOfParallelism = 2 };
        options.Should().Be(new ExecutionOptions { MaxDegreeOfParallelism = 2 });
        (options with { Recurrence = Recurrence.Sequential }).MaxDegreeOfParallelism.Should().Be(2);
        new ExecutionOptions().Should().Be(ExecutionOptions.Default);
    }
}
