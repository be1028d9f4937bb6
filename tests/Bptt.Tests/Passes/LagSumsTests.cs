// Sums of k lags take the products that binary powering takes, not one for each lag.

using System.Numerics;
using Bptt.Kernels;
using Bptt.Tests.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Passes;

public class LagSumsTests
{
    private const int Steps = 500;

    private readonly Examples _examples = new(seed: 311);

    /// <summary>⌊log₂k⌋ doublings, and one more product for each further binary digit that is set; a doubling from n
    /// terms leaves out the last n steps.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(21)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(100)]
    public void Products_over_all_steps_are_as_many_as_binary_powering_takes(int lags)
    {
        LinearRnn model = _examples.Model(2, 5, 1, 0.9);
        Matrix<double> inputs = _examples.Matrix(2, Steps);
        var objective = Objective.SquaredError(_examples.Matrix(1, Steps));
        // Of a whole pass only the sums depend on k: with one lag there are none.
        long without = Columns(1);
        long expected = 0;
        int terms = 1;
        for (int bit = BitOperations.Log2((uint)lags) - 1; bit >= 0; bit--)
        {
            expected += Steps + 1 - terms;
            terms *= 2;
            if ((lags >> bit & 1) == 1)
            {
                expected += Steps;
                terms++;
            }
        }
        (Columns(lags) - without).Should().Be(expected);
        terms.Should().Be(lags);

        long Columns(int k)
        {
            var kernels = new CountingKernels(KernelChoice.Supported[^1]);
            var forward = ForwardPass.Run(
                model,
                inputs,
                options: new ExecutionOptions { Recurrence = Recurrence.Sequential, Kernels = kernels });
            long before = kernels.StepColumns;
            var backward = BackwardThroughTime.Run(
                forward, objective, new BackwardOptions { Truncation = Truncation.Lags(k) });
            backward.Forward.FallBacks.Should().BeEmpty();
            return kernels.StepColumns - before;
        }
    }
}
