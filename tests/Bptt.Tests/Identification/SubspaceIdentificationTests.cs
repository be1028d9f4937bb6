// Starts from data: systems that are known, records of real ones, and data that determine little or nothing.

using System.Globalization;
using Bptt.Identification;
using Bptt.Tests.Architecture;
using Bptt.Tests.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class SubspaceIdentificationTests
{
    private static readonly SubspaceIdentificationOptions AtRest = new() { EstimateInitialStates = false };

    [Theory]
    [InlineData(1, 1, 1, 0.9)]
    [InlineData(2, 1, 1, 0.99)]
    [InlineData(3, 1, 2, 0.9)]
    [InlineData(4, 2, 1, 0.7)]
    [InlineData(5, 1, 1, 0.95)]
    [InlineData(6, 2, 3, 0.9)]
    public void Data_without_noise_give_the_system_back(int n, int d, int q, double radius)
    {
        var examples = new Examples(seed: 2000 + n);
        LinearRnn truth = examples.Model(d, n, q, radius);
        Matrix<double> inputs = examples.Matrix(d, 300);
        Matrix<double> targets = ForwardPass.Run(truth, inputs, examples.Vector(n)).Outputs();

        var found = SubspaceIdentification.Estimate(inputs, targets);
        (LinearRnn model, Matrix<double> start) = found.Start(n);

        model.HiddenSize.Should().Be(n);
        found.SuggestedOrder.Should().Be(n);
        Difference(ForwardPass.Run(model, inputs, start.Column(0)).Outputs(), targets).Should().BeLessThan(1e-9);
        WorstPole(StateSpace.Of(model), StateSpace.Of(truth)).Should().BeLessThan(1e-9);
        found.SingularValues[n - 1].Should().BeGreaterThan(1e-7 * found.SingularValues[0]);
        found.SingularValues[n].Should().BeLessThan(1e-9 * found.SingularValues[0]);
        Difference(found.ToStateSpace(n).Simulate(inputs), targets).Should().BeLessThan(1e-9);
    }

    [Fact]
    public void The_largest_order_may_be_any_number()
    {
        var problem = TrainingProblem.Create(seed: 41, 60);
        var any = SubspaceIdentification.Estimate(
            problem.Inputs, problem.Targets, new SubspaceIdentificationOptions { MaxOrder = int.MaxValue });
        any.SingularValues.Count.Should().BeGreaterThan(3);
        any.SuggestedOrder.Should().Be(3);
    }

    [Fact]
    public void Units_and_scales_of_the_data_do_not_matter()
    {
        var examples = new Examples(seed: 2100);
        LinearRnn truth = examples.Model(2, 3, 2, 0.9);
        Matrix<double> inputs = examples.Matrix(2, 120);
        inputs.SetRow(0, 1e9 * inputs.Row(0));
        Matrix<double> targets = ForwardPass.Run(truth, inputs).Outputs();
        targets.SetRow(1, 1e-150 * targets.Row(1));

        (LinearRnn model, Matrix<double> start) = SubspaceIdentification.Estimate(inputs, targets).Start(3);

        Matrix<double> outputs = ForwardPass.Run(model, inputs, start.Column(0)).Outputs();
        for (int i = 0; i < 2; i++)
        {
            Difference(outputs.SubMatrix(i, 1, 0, 120), targets.SubMatrix(i, 1, 0, 120)).Should().BeLessThan(1e-9);
        }
    }

    [Fact]
    public void Units_that_the_data_do_not_need_change_nothing_and_can_be_trained()
    {
        var examples = new Examples(seed: 2200);
        Matrix<double> inputs = examples.Matrix(1, 200);
        Matrix<double> targets = ForwardPass.Run(examples.Model(1, 2, 1, 0.8), inputs).Outputs();

        var found = SubspaceIdentification.Estimate(inputs, targets);
        (LinearRnn model, Matrix<double> start) = found.Start(7);

        model.HiddenSize.Should().Be(7);
        start.RowCount.Should().Be(7);
        found.ToStateSpace(7).Order.Should().Be(2);
        var forward = ForwardPass.Run(model, inputs, start.Column(0));
        Difference(forward.Outputs(), targets).Should().BeLessThan(1e-9);
        model.Wqh.Row(0).Count(w => w == 0).Should().Be(5);
        // Against other targets, every unit has a gradient.
        Gradients gradients = BackwardThroughTime.Run(forward, Objective.SquaredError(-targets)).Gradients;
        gradients.Wqh.Row(0).AbsoluteMinimum().Should().BeGreaterThan(1e-6);
        StateSpace.Of(model).IsStable.Should().BeTrue();
    }

    [Fact]
    public void Sequences_of_any_length_share_the_weights_and_keep_their_own_initial_states()
    {
        var examples = new Examples(seed: 2300);
        LinearRnn truth = examples.Model(1, 3, 2, 0.9);
        SequenceBatch inputs = examples.Batch(1, 40, 1, 90, 5);
        SequenceBatch targets = ForwardPass.Run(truth, inputs, examples.Matrix(3, 4)).OutputBatch();

        (LinearRnn model, Matrix<double> start) = SubspaceIdentification.Estimate(inputs, targets).Start(3);

        start.ColumnCount.Should().Be(4);
        var forward = ForwardPass.Run(model, inputs, start);
        for (int b = 0; b < 4; b++)
        {
            Difference(forward.Outputs(b), targets.Sequence(b)).Should().BeLessThan(1e-9);
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 3)]
    public void A_pure_delay_is_found(int delay, int order)
    {
        Matrix<double> inputs = new Examples(seed: 2400).Matrix(1, 80);
        Matrix<double> targets = Matrix<double>.Build.Dense(1, 80, (_, t) => t < delay ? 0 : 3 * inputs[0, t - delay]);

        (LinearRnn model, _) = SubspaceIdentification.Estimate(inputs, targets, AtRest).Start(order);

        Difference(ForwardPass.Run(model, inputs).Outputs(), targets).Should().BeLessThan(1e-9);
    }

    [Fact]
    public void The_hair_dryer_is_fitted_as_well_as_its_noise_allows()
    {
        Matrix<double> inputs = Standardised("hair-dryer.csv", 0, 600);
        Matrix<double> targets = Standardised("hair-dryer.csv", 1, 600);
        Matrix<double> training = inputs.SubMatrix(0, 1, 0, 600);
        Matrix<double> wanted = targets.SubMatrix(0, 1, 0, 600);
        var found = SubspaceIdentification.Estimate(training, wanted, AtRest);

        (double Training, double HeldOut)[] least = [(47, 36.5), (80, 75), (88.9, 85), (89.5, 85.8), (89.5, 85.7)];
        for (int h = 1; h <= least.Length; h++)
        {
            LinearRnn model = found.Start(h).Model;
            Matrix<double> outputs = ForwardPass.Run(model, inputs).Outputs();
            Fit(outputs, targets, 0, 600).Should().BeGreaterThan(least[h - 1].Training);
            Fit(outputs, targets, 600, 400).Should().BeGreaterThan(least[h - 1].HeldOut);

            // No other W_hx is better.
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, training), Objective.SquaredError(wanted));
            backward.Gradients.Whx.FrobeniusNorm().Should().BeLessThan(1e-10);
        }
        found.SuggestedOrder.Should().Be(4);
    }

    [Fact]
    public void Initial_states_that_are_estimated_are_the_best()
    {
        Matrix<double> inputs = Standardised("hair-dryer.csv", 0, 600).SubMatrix(0, 1, 0, 200);
        Matrix<double> targets = Standardised("hair-dryer.csv", 1, 600).SubMatrix(0, 1, 0, 200);

        (LinearRnn model, Matrix<double> start) = SubspaceIdentification.Estimate(inputs, targets).Start(3);

        var forward = ForwardPass.Run(model, inputs, start.Column(0));
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(targets));
        backward.HiddenStateGradient(0).L2Norm().Should().BeLessThan(1e-10);
        backward.Gradients.Whx.FrobeniusNorm().Should().BeLessThan(1e-10);
        (LinearRnn resting, _) = SubspaceIdentification.Estimate(inputs, targets, AtRest).Start(3);
        Fit(forward.Outputs(), targets, 0, 200).Should().BeGreaterThan(Fit(ForwardPass.Run(resting, inputs).Outputs(), targets, 0, 200));
    }

    [Fact]
    public void Sunspots_are_forecast_from_their_own_past()
    {
        Matrix<double> series = Standardised("sunspots.csv", 1, 216);
        Matrix<double> inputs = series.SubMatrix(0, 1, 0, 308);
        Matrix<double> targets = series.SubMatrix(0, 1, 1, 308);

        (LinearRnn model, _) = SubspaceIdentification.Estimate(
            inputs.SubMatrix(0, 1, 0, 215), targets.SubMatrix(0, 1, 0, 215), AtRest).Start(3);

        Matrix<double> outputs = ForwardPass.Run(model, inputs).Outputs();
        Fit(outputs, targets, 0, 215).Should().BeGreaterThan(59);
        Fit(outputs, targets, 215, 93).Should().BeGreaterThan(60);
    }

    [Fact]
    public void A_record_that_grows_still_gives_a_stable_start()
    {
        var examples = new Examples(seed: 2500);
        Matrix<double> inputs = examples.Matrix(1, 60);
        Matrix<double> targets = ForwardPass.Run(examples.Model(1, 3, 1, 1.08), inputs).Outputs();

        (LinearRnn model, Matrix<double> start) = SubspaceIdentification.Estimate(inputs, targets).Start(3);

        StateSpace.Of(model).SpectralRadius.Should().BeLessThan(1.0);
        (ForwardPass.Run(model, inputs, start.Column(0)).Outputs() - targets).FrobeniusNorm()
            .Should().BeLessThan(targets.FrobeniusNorm());
    }

    [Theory]
    [InlineData("nothing in", 50)]
    [InlineData("nothing out", 50)]
    [InlineData("constant in", 50)]
    [InlineData("the same input twice", 50)]
    [InlineData("noise", 3)]
    [InlineData("noise", 8)]
    [InlineData("noise", 25)]
    public void Data_that_determine_little_give_a_start_of_the_size_asked_for_that_is_no_worse_than_none(string what, int steps)
    {
        var examples = new Examples(seed: 2600 + steps);
        Matrix<double> inputs = examples.Matrix(2, steps);
        Matrix<double> targets = examples.Matrix(2, steps);
        switch (what)
        {
            case "nothing in": inputs.Clear(); break;
            case "nothing out": targets.Clear(); break;
            case "constant in": inputs = Matrix<double>.Build.Dense(2, steps, 3.0); break;
            case "the same input twice": inputs.SetRow(1, inputs.Row(0)); break;
        }
        foreach (bool estimate in new[] { true, false })
        {
            var found = SubspaceIdentification.Estimate(inputs, targets, new() { EstimateInitialStates = estimate, MaxOrder = 4 });
            foreach (int h in new[] { 1, 3, 6 })
            {
                (LinearRnn model, Matrix<double> start) = found.Start(h);

                model.HiddenSize.Should().Be(h);
                StateSpace.Of(model).IsStable.Should().BeTrue();
                (ForwardPass.Run(model, inputs, start.Column(0)).Outputs() - targets).FrobeniusNorm()
                    .Should().BeLessThanOrEqualTo((1 + 1e-9) * targets.FrobeniusNorm(), $"{what}, {steps} steps, h = {h}");
            }
            found.SuggestedOrder.Should().BeInRange(1, 4);
            found.SingularValues.Count.Should().BeLessThanOrEqualTo(5);
        }
    }

    [Fact]
    public void The_answer_to_a_constant_input_is_learned()
    {
        Matrix<double> inputs = Matrix<double>.Build.Dense(1, 60, 2.0);
        Matrix<double> targets = Matrix<double>.Build.Dense(1, 60, (_, t) => 5 * (1 - Math.Pow(0.8, t + 1)));

        (LinearRnn model, Matrix<double> start) = SubspaceIdentification.Estimate(inputs, targets).Start(3);

        Difference(ForwardPass.Run(model, inputs, start.Column(0)).Outputs(), targets).Should().BeLessThan(1e-9);
    }

    [Fact]
    public void The_same_data_give_the_same_start()
    {
        var examples = new Examples(seed: 2700);
        Matrix<double> inputs = examples.Matrix(2, 70);
        Matrix<double> targets = examples.Matrix(1, 70);
        LinearRnn first = SubspaceIdentification.Estimate(inputs, targets).Start(4).Model;
        LinearRnn second = SubspaceIdentification.Estimate(inputs, targets).Start(4).Model;

        second.Whh.Should().Be(first.Whh);
        second.Whx.Should().Be(first.Whx);
        second.Wqh.Should().Be(first.Wqh);
    }

    [Fact]
    public void Bad_arguments_are_named()
    {
        Matrix<double> M(int rows, int columns) => new Examples(seed: 1).Matrix(rows, columns);
        Matrix<double> holed = M(1, 9);
        holed[0, 4] = double.NaN;
        var found = SubspaceIdentification.Estimate(M(1, 9), M(1, 9));

        Refused(() => SubspaceIdentification.Estimate(M(1, 9), M(1, 8)), "targets", "*1×9*got 1×8*");
        Refused(() => SubspaceIdentification.Estimate(M(1, 2), M(1, 2)), "inputs", "*at least 3 steps, got 2*");
        Refused(() => SubspaceIdentification.Estimate(holed, M(1, 9)), "inputs", "*finite*NaN*column 4*");
        Refused(() => SubspaceIdentification.Estimate(M(1, 9), holed), "targets", "*finite*NaN*column 4*");
        Refused(
            () => SubspaceIdentification.Estimate(SequenceBatch.Pack([M(1, 9)]), SequenceBatch.Pack([M(1, 8)])), "targets", "*9 steps*have 8*");
        Refused(() => SubspaceIdentification.Estimate(M(1, 9), M(1, 9), new() { MaxOrder = 0 }), "MaxOrder", "*at least 1, got 0*");
        Refused(() => found.Start(0), "hiddenSize", "*at least 1, got 0*");
        Refused(() => found.ToStateSpace(0), "order", "*at least 1, got 0*");
        Refused(() => found.ToStateSpace(1, 1), "sequence", "*0 to 0, got 1*");
    }

    private static double Difference(Matrix<double> actual, Matrix<double> expected) =>
        StateSpaceTests.Difference(actual, expected);

    /// <summary>How far the nearest pole found is from a true one, at most.</summary>
    private static double WorstPole(StateSpace found, StateSpace truth) =>
        truth.Poles.Max(t => found.Poles.Min(f => (f.Eigenvalue - t.Eigenvalue).Magnitude));

    /// <summary>100(1 − ‖y − ŷ‖/‖y − ȳ‖) over some steps.</summary>
    private static double Fit(Matrix<double> outputs, Matrix<double> targets, int first, int count)
    {
        Vector<double> y = targets.Row(0, first, count);
        return 100 * (1 - (outputs.Row(0, first, count) - y).L2Norm() / (y - y.Average()).L2Norm());
    }

    /// <summary>A column of a sample as one row, by mean and standard deviation of its first rows.</summary>
    private static Matrix<double> Standardised(string sample, int column, int training)
    {
        double[] values = Repository.Read("src/Bptt.Cli/Samples/" + sample).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Skip(1).Select(line => double.Parse(line.Split(',')[column], CultureInfo.InvariantCulture)).ToArray();
        double mean = values[..training].Average();
        double deviation = Math.Sqrt(values[..training].Average(v => Math.Pow(v - mean, 2)));
        return Matrix<double>.Build.Dense(1, values.Length, (_, t) => (values[t] - mean) / deviation);
    }

    private static void Refused(Action act, string name, string message) =>
        act.Should().Throw<ArgumentException>().WithMessage(message).And.ParamName.Should().Be(name);
}
