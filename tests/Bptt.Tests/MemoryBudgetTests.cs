// Bounded memory: what is kept, what is computed again, and that nobody sees a difference.

using Bptt.LinearRecurrence;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class MemoryBudgetTests
{
    private readonly Examples _examples = new(seed: 31);

    [Theory]
    [InlineData(Recurrence.Sequential)]
    [InlineData(Recurrence.TimeParallel)]
    public void Gradients_agree_with_the_unbounded_run_at_every_budget(Recurrence recurrence)
    {
        LinearRnn model = _examples.Model(3, 9, 2, 0.98);
        foreach (int[] lengths in new[] { new[] { 500 }, [300, 1, 70, 299] })
        {
            SequenceBatch inputs = _examples.Batch(3, lengths);
            var objective = Objective.SquaredError(_examples.Batch(2, lengths));
            Matrix<double> initial = _examples.Matrix(9, lengths.Length);
            var final = new BackwardOptions { FinalStateGradients = _examples.Matrix(9, lengths.Length) };
            int chunkLength = recurrence == Recurrence.Sequential ? 1 : 4;
            var options = new ExecutionOptions
            {
                Recurrence = recurrence,
                Tuning = PlanTuning.Default with { ChunkLength = chunkLength },
            };
            var unbounded = BackwardThroughTime.Run(ForwardPass.Run(model, inputs, initial, options), objective, final);

            long smallest = MemoryPlan.SmallestBudget(9, chunkLength, new BatchLayout(lengths));
            var windows = new HashSet<int>();
            int keptCarries = 0;
            foreach (double factor in new[] { 1.0, 1.3, 2.0, 4.0, 5.0, 6.0, 1000.0 })
            {
                long budget = (long)(factor * smallest);
                var forward = ForwardPass.Run(model, inputs, initial, options with { MemoryBudget = budget });
                windows.Add(forward.MemoryPlan.WindowCount);
                keptCarries += forward.MemoryPlan.KeepsCarries ? 1 : 0;
                forward.MemoryPlan.HeldBytes.Should().BeLessThanOrEqualTo(budget);
                forward.MemoryPlan.Budget.Should().Be(budget);
                var bounded = BackwardThroughTime.Run(forward, objective, final);

                bounded.Loss.Should().BeApproximately(unbounded.Loss, 1e-13 * unbounded.Loss);
                Distance(bounded.Gradients.Whx, unbounded.Gradients.Whx).Should().BeLessThan(1e-13);
                Distance(bounded.Gradients.Whh, unbounded.Gradients.Whh).Should().BeLessThan(1e-13);
                Distance(bounded.Gradients.Wqh, unbounded.Gradients.Wqh).Should().BeLessThan(1e-13);
                Distance(bounded.InitialStateGradients, unbounded.InitialStateGradients).Should().BeLessThan(1e-13);
                Distance(forward.FinalStates, unbounded.Forward.FinalStates).Should().BeLessThan(1e-13);
                forward.InitialStates.Should().Be(initial);
            }
            windows.Should().Contain(1).And.HaveCountGreaterThan(3);
            (keptCarries > 0).Should().Be(chunkLength > 1);
        }
    }

    [Fact]
    public void A_workspace_holds_no_more_than_the_plan_says_and_the_outputs_take()
    {
        const int Steps = 100_000;
        LinearRnn model = _examples.Model(1, 96, 1, 0.98); // a matrix that is packed is longer than a window's carries
        SequenceBatch inputs = _examples.Batch(1, Steps);
        var objective = Objective.SquaredError(_examples.Batch(1, Steps));
        var workspace = new Workspace();
        var options = new ExecutionOptions
        {
            Recurrence = Recurrence.TimeParallel,
            MemoryBudget = 4 << 20,
            Workspace = workspace,
            MaxDegreeOfParallelism = 2,
        };

        for (int pass = 0; pass < 3; pass++)
        {
            var forward = ForwardPass.Run(model, inputs, options: options);
            BackwardThroughTime.Run(forward, objective);

            forward.MemoryPlan.KeepsCarries.Should().BeTrue("otherwise there is nothing to keep");
            long outputs = 2L * sizeof(double) * Steps; // o_t and ∂L/∂o_t
            workspace.Pool.Bytes.Should().BeLessThan(outputs + forward.MemoryPlan.HeldBytes * 5 / 4);
        }
    }

    [Fact]
    public void Every_state_and_gradient_can_be_read_in_any_order_and_again()
    {
        LinearRnn model = _examples.Model(2, 5, 3);
        SequenceBatch inputs = _examples.Batch(2, 60, 100, 7);
        SequenceBatch outputGradients = _examples.Batch(3, 60, 100, 7);
        var unbounded = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), outputGradients);
        var bounded = BackwardThroughTime.Run(
            ForwardPass.Run(model, inputs, options: Smallest(5, inputs)), outputGradients);
        bounded.Forward.MemoryPlan.WindowCount.Should().BeGreaterThan(3);

        const int seed = 9;
        var random = new Random(seed);
        for (int i = 0; i < 300; i++)
        {
            int b = random.Next(3);
            int t = random.Next(inputs.Lengths[b] + 1);
            Close(bounded.Forward.HiddenState(t, b), unbounded.Forward.HiddenState(t, b));
            Close(bounded.HiddenStateGradient(t, b), unbounded.HiddenStateGradient(t, b));
            if (t > 0)
            {
                Close(bounded.InputGradient(t, b), unbounded.InputGradient(t, b));
            }
        }
        for (int b = 0; b < 3; b++)
        {
            Distance(bounded.Forward.HiddenStates(b), unbounded.Forward.HiddenStates(b)).Should().BeLessThan(1e-13);
            Distance(bounded.HiddenStateGradients(b), unbounded.HiddenStateGradients(b)).Should().BeLessThan(1e-13);
            Distance(bounded.InputGradientBatch().Sequence(b), unbounded.InputGradients(b)).Should().BeLessThan(1e-13);
        }
    }

    [Fact]
    public void Several_threads_may_read_at_once()
    {
        LinearRnn model = _examples.Model(2, 4, 1);
        SequenceBatch inputs = _examples.Batch(2, 400);
        SequenceBatch outputGradients = _examples.Batch(1, 400);
        var unbounded = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), outputGradients);
        var forward = ForwardPass.Run(model, inputs, options: Smallest(4, inputs));
        var bounded = BackwardThroughTime.Run(forward, outputGradients);

        int wrong = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, reader =>
        {
            var random = new Random(reader);
            for (int i = 0; i < 100; i++)
            {
                int t = random.Next(401);
                bool isRight = (forward.HiddenState(t) - unbounded.Forward.HiddenState(t)).L2Norm() < 1e-12
                    && (bounded.HiddenStateGradient(t) - unbounded.HiddenStateGradient(t)).L2Norm() < 1e-12
                    && (i % 50 > 0 || Distance(
                        BackwardThroughTime.Run(forward, outputGradients).Gradients.Whh,
                        unbounded.Gradients.Whh) < 1e-12);
                Interlocked.Add(ref wrong, isRight ? 0 : 1);
            }
        });
        wrong.Should().Be(0);
    }

    [Fact]
    public void A_scan_computes_each_window_once()
    {
        var steps = new BatchLayout([100]);
        var windows = WindowPlan.Smallest(steps, 1);
        int computed = 0;
        var trajectory = new Trajectory(1, steps, windows, TimeDirection.Forward, length => new double[length])
        {
            Compute = (_, _) => computed++,
        };
        for (int window = 0; window < windows.Count; window++)
        {
            trajectory.Begin(window);
        }
        for (int t = 0; t <= 100; t++)
        {
            trajectory.Column(0, t);
        }
        computed.Should().Be(windows.Count);
        trajectory.Sequence(0);
        computed.Should().Be(2 * windows.Count - 1, "the window that is held comes first");
    }

    [Fact]
    public void A_budget_that_is_too_small_is_refused_with_the_smallest_one_named()
    {
        LinearRnn model = _examples.Model(1, 3, 1);
        Matrix<double> inputs = _examples.Matrix(1, 1000);
        string message = FluentActions
            .Invoking(() => ForwardPass.Run(model, inputs, options: new ExecutionOptions { MemoryBudget = 1 }))
            .Should().Throw<ArgumentException>().WithMessage("*MemoryBudget*expected at least*got 1.*").Which.Message;
        long smallest = long.Parse(
            System.Text.RegularExpressions.Regex.Match(message, "at least ([0-9]+) bytes").Groups[1].Value,
            System.Globalization.CultureInfo.InvariantCulture);

        ForwardPass.Run(model, inputs, options: new ExecutionOptions { MemoryBudget = smallest })
            .MemoryPlan.HeldBytes.Should().Be(smallest);
        FluentActions
            .Invoking(
                () => ForwardPass.Run(model, inputs, options: new ExecutionOptions { MemoryBudget = smallest - 1 }))
            .Should().Throw<ArgumentException>();
        smallest.Should().BeLessThan(3 * 8 * 1000 / 3, "it grows with √T");
    }

    [Fact]
    public void Without_a_budget_every_state_is_kept_and_the_plan_says_so()
    {
        MemoryPlan plan = ForwardPass.Run(_examples.Model(1, 3, 1), _examples.Matrix(1, 50)).MemoryPlan;
        plan.Budget.Should().BeNull();
        plan.WindowCount.Should().Be(1);
        plan.LongestWindow.Should().Be(50);
        plan.Recomputes.Should().BeFalse();
        plan.ToString().Should().Contain("every state is kept");
    }

    [Fact]
    public void States_beyond_what_an_array_holds_are_refused_by_name_with_a_budget_that_would_do()
    {
        // 70,000 rows of 40,000 states; the inputs are small.
        var steps = new BatchLayout([40_000]);
        FluentActions.Invoking(() => new MemoryPlan(null, 70_000, 1, steps))
            .Should().Throw<ArgumentException>().WithMessage("*h = 70000*MemoryBudget*would do*");
        new MemoryPlan(MemoryPlan.SmallestBudget(70_000, 1, steps), 70_000, 1, steps).WindowCount
            .Should().BeGreaterThan(1);
    }

    [Theory]
    [InlineData(new[] { 1 })]
    [InlineData(new[] { 1000 })]
    [InlineData(new[] { 10, 1, 1, 400, 37 })]
    public void Windows_cover_every_step_once(int[] lengths)
    {
        var steps = new BatchLayout(lengths);
        for (long columns = WindowPlan.Smallest(steps, 1).HeldColumns;
            columns < 3 * steps.ColumnCount;
            columns = columns * 9 / 8 + 1)
        {
            WindowPlan plan = WindowPlan.Within(
                steps, new WindowLimit(columns, long.MaxValue), preferredWidth: 100, chunkLength: 1)!;
            plan.HeldColumns.Should().BeLessThanOrEqualTo(columns);
            int next = 1;
            for (int window = 0; window < plan.Count; window++)
            {
                plan.FirstStep(window).Should().Be(next);
                for (; next <= plan.LastStep(window); next++)
                {
                    plan.WindowOf(next).Should().Be(window);
                }
            }
            next.Should().Be(steps.LastStep + 1);
            plan.WindowOf(0).Should().Be(0);
        }
    }

    [Fact]
    public void States_that_overflow_are_found_in_whichever_window_they_are()
    {
        LinearRnn model = _examples.Model(1, 4, 1, 30.0);
        SequenceBatch inputs = _examples.Batch(1, 400, 150);
        int? expected = ForwardPass.Run(model, inputs).FirstNonFiniteStep;
        expected.Should().BeGreaterThan(100);
        var bounded = ForwardPass.Run(model, inputs, options: Smallest(4, inputs));
        bounded.FirstNonFiniteStep.Should().Be(expected);
        bounded.HiddenState(0);
        bounded.FirstNonFiniteStep.Should().Be(expected, "also with another window in memory");
    }

    [Fact]
    public void What_does_not_fit_one_array_is_divided_even_where_the_budget_would_allow_more()
    {
        var steps = new BatchLayout([100_000]);
        WindowPlan plan = WindowPlan.Within(
            steps, new WindowLimit(1_000_000, 30_000), preferredWidth: 1_000_000, chunkLength: 1)!;
        plan.WindowColumns.Should().BeLessThanOrEqualTo(30_000);
        plan.Count.Should().BeInRange(4, 5);
    }

    [Fact]
    public void A_refused_budget_leaves_the_earlier_pass_of_a_workspace_readable()
    {
        LinearRnn model = _examples.Model(1, 3, 1);
        var options = new ExecutionOptions { Workspace = new Workspace() };
        var earlier = ForwardPass.Run(model, _examples.Matrix(1, 50), options: options);
        Vector<double> state = earlier.HiddenState(20);
        FluentActions
            .Invoking(
                () => ForwardPass.Run(model, _examples.Matrix(1, 900), options: options with { MemoryBudget = 1 }))
            .Should().Throw<ArgumentException>();
        earlier.HiddenState(20).ToArray().Should().Equal(state.ToArray());
    }

    [Fact]
    public void A_workspace_is_not_taken_over_while_a_pass_within_a_budget_is_read()
    {
        var pool = BufferPool.ForManyPasses();
        pool.BeginForward();
        long generation = pool.TakeOver();
        pool.End();
        pool.BeginRead(generation);
        pool.BeginForward();
        FluentActions.Invoking(pool.TakeOver).Should().Throw<InvalidOperationException>().WithMessage("*in use*");
        pool.End();
        pool.EndRead();
        pool.BeginForward();
        pool.TakeOver().Should().Be(generation + 1);
        FluentActions.Invoking(() => pool.BeginRead(generation)).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void Passes_from_a_workspace_within_a_budget_agree_with_fresh_ones_and_can_be_read()
    {
        LinearRnn model = _examples.Model(2, 6, 1);
        SequenceBatch inputs = _examples.Batch(2, 300, 20, 199);
        SequenceBatch outputGradients = _examples.Batch(1, 300, 20, 199);
        var fresh = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), outputGradients);
        var options = Smallest(6, inputs) with { Workspace = new Workspace() };
        for (int pass = 0; pass < 3; pass++)
        {
            var forward = ForwardPass.Run(model, inputs, options: options);
            forward.HiddenState(150, 2);
            var backward = BackwardThroughTime.Run(forward, outputGradients);
            Distance(backward.Gradients.Whh, fresh.Gradients.Whh).Should().BeLessThan(1e-13);
            Distance(forward.HiddenStates(2), fresh.Forward.HiddenStates(2)).Should().BeLessThan(1e-13);
            Distance(backward.HiddenStateGradients(0), fresh.HiddenStateGradients(0)).Should().BeLessThan(1e-13);
            Distance(backward.InputGradients(2), fresh.InputGradients(2)).Should().BeLessThan(1e-13);
        }
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(3.0)]
    public void A_run_in_chunks_that_falls_back_in_a_later_window_gives_what_step_by_step_gives(double factor)
    {
        // 3^700 is 1e334: the states of the first windows are finite.
        LinearRnn model = _examples.Model(2, 5, 2, 3.0);
        SequenceBatch inputs = _examples.Batch(2, 900, 40);
        var sequential = ForwardPass.Run(
            model, inputs, options: new ExecutionOptions { Recurrence = Recurrence.Sequential });
        var forward = ForwardPass.Run(model, inputs, options: new ExecutionOptions
        {
            Recurrence = Recurrence.TimeParallel,
            Tuning = PlanTuning.Default with { ChunkLength = 4 },
            MemoryBudget = (long)(factor * MemoryPlan.SmallestBudget(5, 4, inputs.Columns.Layout)),
        });
        forward.Record.Chunking.Length.Should().Be(1, "it fell back");
        forward.MemoryPlan.WindowCount.Should().BeGreaterThan(3);
        forward.FirstNonFiniteStep.Should().Be(sequential.FirstNonFiniteStep).And.NotBeNull();
        for (int t = 0; t < sequential.FirstNonFiniteStep; t += 7)
        {
            (forward.HiddenState(t) - sequential.HiddenState(t)).L2Norm()
                .Should().BeLessThanOrEqualTo(1e-12 * sequential.HiddenState(t).L2Norm(), "t = {0}", t);
        }
    }

    [Fact]
    public void A_backward_run_in_chunks_that_falls_back_starts_again_from_the_last_window()
    {
        // Forward the states are zero, so nothing disagrees; backward gradients grow by 100 in each step and overflow.
        var model = new LinearRnn(One(1.0), One(100.0), One(1.0));
        var zero = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 300)]);
        Matrix<double> last = Matrix<double>.Build.Dense(1, 300, (_, t) => t == 299 ? 1.0 : 0.0);
        var outputGradients = SequenceBatch.Pack([last]);
        var sequential = BackwardThroughTime.Run(
            ForwardPass.Run(model, zero, options: new ExecutionOptions { Recurrence = Recurrence.Sequential }),
            outputGradients);
        var forward = ForwardPass.Run(model, zero, options: new ExecutionOptions
        {
            Recurrence = Recurrence.TimeParallel,
            Tuning = PlanTuning.Default with { ChunkLength = 4 },
            MemoryBudget = 2 * MemoryPlan.SmallestBudget(1, 4, zero.Columns.Layout),
        });
        forward.Record.Chunking.Length.Should().Be(4, "the forward pass held");
        var backward = BackwardThroughTime.Run(forward, outputGradients);
        for (int t = 0; t <= 300; t++)
        {
            backward.HiddenStateGradient(t)[0].Should().Be(sequential.HiddenStateGradient(t)[0], "t = {0}", t);
        }
        backward.Gradients.Whx[0, 0].Should().Be(sequential.Gradients.Whx[0, 0]);
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);

    private static ExecutionOptions Smallest(int h, SequenceBatch inputs) => new()
    {
        Recurrence = Recurrence.Sequential,
        MemoryBudget = MemoryPlan.SmallestBudget(h, 1, inputs.Columns.Layout),
    };

    private static double Distance(Matrix<double> actual, Matrix<double> expected) =>
        RelativeError.Frobenius(actual.ToArray(), expected.ToArray());

    private static void Close(Vector<double> actual, Vector<double> expected) =>
        (actual - expected).L2Norm().Should().BeLessThanOrEqualTo(1e-13 * expected.L2Norm());
}
