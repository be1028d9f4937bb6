// State space systems against plain loops, sums written out and a published model.

using System.Globalization;
using Bptt.Identification;
using Bptt.Optimization;
using Bptt.Tests.Architecture;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class StateSpaceTests
{
    private const int Steps = 40;

    private static readonly double[][] HairDryerA =
    [
        [0.8924, 0.3887, 0.1285, 0.1716],
        [-0.0837, 0.6186, -0.6273, -0.4582],
        [0.0052, 0.1307, 0.6685, -0.6755],
        [0.0055, 0.0734, -0.2148, 0.4788],
    ];

    private static readonly double[] HairDryerB = [-0.2150, -0.1962, 0.0511, 0.0373];
    private static readonly double[] HairDryerC = [-0.4442, 0.6663, 0.3961, 0.4102];
    private static readonly double[] HairDryerStart = [-11.4329, -0.6767, 0.0472, 0.3600];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    [Fact]
    public void The_published_hair_dryer_model_as_a_network_gives_the_published_error()
    {
        var system = new StateSpace(
            Matrix<double>.Build.DenseOfRowArrays(HairDryerA),
            Matrix<double>.Build.Dense(4, 1, HairDryerB),
            Matrix<double>.Build.Dense(1, 4, HairDryerC),
            Matrix<double>.Build.Dense(1, 1, -0.0018),
            Vector<double>.Build.Dense(HairDryerStart));
        double[][] rows = Repository.Read("src/Bptt.Cli/Samples/hair-dryer.csv")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Skip(1)
            .Select(line => line.Split(',').Select(v => double.Parse(v, CultureInfo.InvariantCulture)).ToArray())
            .ToArray();
        Matrix<double> data = Matrix<double>.Build.DenseOfColumnArrays(rows);
        Matrix<double> inputs = data.SubMatrix(0, 1, 0, 1000);
        Matrix<double> targets = data.SubMatrix(1, 1, 0, 1000);

        (LinearRnn model, Vector<double> start) = system.ToLinearRnn();

        Matrix<double> outputs = ForwardPass.Run(model, inputs, start).Outputs();
        double error = Math.Pow((outputs - targets).FrobeniusNorm(), 2) / 1000;
        error.Should().BeApproximately(0.008121, 5e-7);
        double mean = targets.Row(0).Average();
        double variance = targets.Row(0).Sum(y => Math.Pow(y - mean, 2)) / 1000;
        (1 - error / variance).Should().BeApproximately(0.9882, 5e-5);
        model.HiddenSize.Should().Be(5, "C A⁻¹ B is not D, so one unit holds the rest of the output");

        // Training goes on from it, with h_0 as given and learned: never worse, and better than four decimals.
        foreach (InitialStateKind kind in new[] { InitialStateKind.Carried, InitialStateKind.Learned })
        {
            var trained = Trainer.Run(model, inputs, Objective.SquaredError(targets), new TrainerOptions
            {
                Optimizer = new LevenbergMarquardt(),
                InitialStateKind = kind,
                InitialStates = start.ToColumnMatrix(),
                MaxEpochs = 20,
            });
            double after = Math.Pow(
                (ForwardPass.Run(trained.Model, inputs, trained.InitialStates!.Column(0)).Outputs() - targets)
                    .FrobeniusNorm(), 2) / 1000;
            after.Should().BeLessThan(error, "h_0 {0}", kind);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_network_has_the_outputs_of_the_system_and_few_units(int seed)
    {
        (StateSpace system, Examples examples, string why) = RandomSystem(seed);
        Matrix<double> inputs = examples.Matrix(system.InputSize, Steps);
        Matrix<double> expected = Simulated(system, inputs);

        (LinearRnn model, Vector<double> start) = system.ToLinearRnn();

        Matrix<double> outputs = ForwardPass.Run(model, inputs, start).Outputs();
        Difference(outputs, expected).Should().BeLessThan(1e-12, why);
        Difference(system.Simulate(inputs), expected).Should().BeLessThan(1e-13, why);
        model.HiddenSize.Should().BeLessThanOrEqualTo(
            system.Order + Math.Min(system.InputSize + 1, system.OutputSize), why);

        var back = StateSpace.Of(model, start);
        Difference(back.Simulate(inputs), expected).Should().BeLessThan(1e-12, why);
        IReadOnlyList<Matrix<double>> impulse = system.ImpulseResponse(20);
        IReadOnlyList<Matrix<double>> impulseBack = back.ImpulseResponse(20);
        double scale = impulse.Max(m => m.InfinityNorm());
        for (int t = 0; t < 20; t++)
        {
            (impulseBack[t] - impulse[t]).InfinityNorm().Should().BeLessThanOrEqualTo(1e-12 * scale, why);
        }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 3, 1)]
    [InlineData(1, 5, 4)]
    [InlineData(3, 7, 2)]
    public void A_network_comes_back_from_its_system_without_a_unit_more(int d, int h, int q)
    {
        var examples = new Examples(seed: 1000 + h);
        LinearRnn model = examples.Model(d, h, q);
        Vector<double> start = examples.Vector(h);
        Matrix<double> inputs = examples.Matrix(d, Steps);

        (LinearRnn back, Vector<double> startBack) = StateSpace.Of(model, start).ToLinearRnn();

        back.HiddenSize.Should().Be(h);
        back.Whh.Should().Be(model.Whh);
        back.Whx.Should().Be(model.Whx);
        startBack.Should().Equal(start);
        Difference(ForwardPass.Run(back, inputs, start).Outputs(), ForwardPass.Run(model, inputs, start).Outputs())
            .Should().BeLessThan(1e-12);
    }

    [Fact]
    public void A_system_that_forgets_at_once_holds_its_inputs_rather_than_its_many_outputs()
    {
        var examples = new Examples(seed: 1100);
        Matrix<double> inputs = examples.Matrix(1, 9);
        foreach (Vector<double>? start in new[] { null, examples.Vector(4) })
        {
            var system = new StateSpace(
                Matrix<double>.Build.Dense(4, 4),
                examples.Matrix(4, 1),
                examples.Matrix(6, 4),
                examples.Matrix(6, 1),
                start);

            (LinearRnn model, Vector<double> state) = system.ToLinearRnn();

            model.HiddenSize.Should().Be(start is null ? 5 : 6);
            Difference(ForwardPass.Run(model, inputs, state).Outputs(), Simulated(system, inputs))
                .Should().BeLessThan(1e-13);
        }
    }

    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-8)]
    [InlineData(1e-14)]
    public void A_readout_that_would_cancel_loses_no_digits(double smallest)
    {
        // [C D] is spanned by the rows of [A B], but by terms that are 1/smallest times as large as their sum.
        var examples = new Examples(seed: 1200);
        Matrix<double> rows = examples.Matrix(3, 4, 0.5);
        Matrix<double> step =
            examples.Matrix(3, 3).QR().Q * Matrix<double>.Build.DenseOfDiagonalArray([1, 1, smallest]) * rows;
        Matrix<double> output = examples.Matrix(1, 3) * rows;
        var system = new StateSpace(
            step.SubMatrix(0, 3, 0, 3),
            step.SubMatrix(0, 3, 3, 1),
            output.SubMatrix(0, 1, 0, 3),
            output.SubMatrix(0, 1, 3, 1),
            examples.Vector(3));
        Matrix<double> inputs = examples.Matrix(1, Steps);

        (LinearRnn model, Vector<double> start) = system.ToLinearRnn();

        Difference(ForwardPass.Run(model, inputs, start).Outputs(), Simulated(system, inputs))
            .Should().BeLessThan(1e-13);
    }

    [Fact]
    public void Responses_are_what_a_pulse_and_a_step_give()
    {
        (StateSpace full, _, _) = RandomSystem(7);
        var system = new StateSpace(full.A, full.B, full.C, full.D);
        IReadOnlyList<Matrix<double>> impulse = system.ImpulseResponse(9);
        IReadOnlyList<Matrix<double>> step = system.StepResponse(9);
        for (int j = 0; j < system.InputSize; j++)
        {
            Matrix<double> pulse = Matrix<double>.Build.Dense(system.InputSize, 9, (i, t) => i == j && t == 0 ? 1 : 0);
            Matrix<double> constant = Matrix<double>.Build.Dense(system.InputSize, 9, (i, t) => i == j ? 1 : 0);
            Matrix<double> afterPulse = Simulated(system, pulse);
            Matrix<double> afterStep = Simulated(system, constant);
            for (int t = 0; t < 9; t++)
            {
                (impulse[t].Column(j) - afterPulse.Column(t)).InfinityNorm().Should().BeLessThan(1e-13);
                (step[t].Column(j) - afterStep.Column(t)).InfinityNorm().Should().BeLessThan(1e-13);
            }
        }
        var late = system.StepResponse(4000)[^1];
        (system.SteadyStateGain - late).InfinityNorm().Should().BeLessThan(1e-10);
    }

    [Fact]
    public void The_frequency_response_is_what_a_sine_is_multiplied_and_shifted_by()
    {
        const double angle = 0.7;
        const int steps = 400;
        var system = StateSpace.Of(new LinearRnn(
            Matrix<double>.Build.DenseOfRowArrays([1.0], [0.5]),
            Matrix<double>.Build.DenseOfRowArrays([0.8, 0.3], [-0.3, 0.7]),
            Matrix<double>.Build.DenseOfRowArrays([1.0, -1.0])));
        var sine = Matrix<double>.Build.Dense(1, steps, (_, t) => Math.Cos(angle * t));

        System.Numerics.Complex response = system.FrequencyResponse(angle)[0, 0];

        Matrix<double> outputs = system.Simulate(sine);
        for (int t = steps - 50; t < steps; t++)
        {
            outputs[0, t].Should().BeApproximately(
                response.Magnitude * Math.Cos(angle * t + response.Phase), 1e-12);
        }
        system.FrequencyResponse(0.0)[0, 0].Real.Should().BeApproximately(system.SteadyStateGain[0, 0], 1e-13);
        FluentActions.Invoking(() => system.FrequencyResponse(double.NaN)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Poles_are_the_eigenvalues_of_A()
    {
        var system = new StateSpace(
            Matrix<double>.Build.DenseOfRowArrays([0.6, -0.7, 0], [0.7, 0.6, 0], [5, 0, -0.5]),
            Matrix<double>.Build.Dense(3, 1, 1), Matrix<double>.Build.Dense(1, 3, 1), Matrix<double>.Build.Dense(1, 1));

        system.Poles.Select(p => Math.Round(p.Eigenvalue.Real, 12)).Should().Equal(0.6, 0.6, -0.5);
        system.SpectralRadius.Should().BeApproximately(Math.Sqrt(0.85), 1e-14);
        system.IsStable.Should().BeTrue();
    }

    [Fact]
    public void What_does_not_fade_has_no_energies()
    {
        var one = Matrix<double>.Build.Dense(1, 1, 1.0);
        var system = new StateSpace(one, one, one, one);

        system.IsStable.Should().BeFalse();
        foreach (Action read in new Action[]
        {
            () => _ = system.SteadyStateGain, () => _ = system.ControllabilityGramian, () =>
                _ = system.ObservabilityGramian,
            () => _ = system.HankelSingularValues, () => system.Balance(), () => system.Reduce(1),
        })
        {
            read.Should().Throw<InvalidOperationException>().WithMessage("*below 1, got 1*");
        }
    }

    [Fact]
    public void Bad_arguments_are_named()
    {
        Matrix<double> M(int rows, int columns) => Matrix<double>.Build.Dense(rows, columns, 0.1);
        var system = new StateSpace(M(3, 3), M(3, 2), M(1, 3), M(1, 2));

        Refused(() => _ = new StateSpace(M(3, 2), M(3, 2), M(1, 3), M(1, 2)), "a", "*3×3 (n×n), got 3×2*");
        Refused(() => _ = new StateSpace(M(3, 3), M(2, 2), M(1, 3), M(1, 2)), "b", "*3×2 (n×d), got 2×2*");
        Refused(() => _ = new StateSpace(M(3, 3), M(3, 2), M(1, 2), M(1, 2)), "c", "*1×3 (q×n), got 1×2*");
        Refused(() => _ = new StateSpace(M(3, 3), M(3, 2), M(1, 3), M(2, 2)), "d", "*1×2 (q×d), got 2×2*");
        Refused(() => _ = new StateSpace(M(3, 3), M(3, 2), M(1, 3), double.NaN * M(1, 2)), "d", "*finite*NaN*");
        Refused(
            () => _ = new StateSpace(M(3, 3), M(3, 2), M(1, 3), M(1, 2), M(2, 1).Column(0)),
            "initialState",
            "*length 3*got 2*");
        Refused(() => system.Simulate(M(1, 5)), "inputs", "*2×5 (d×T), got 1×5*");
        Refused(() => system.ImpulseResponse(0), "steps", "*at least 1, got 0*");
        Refused(() => system.Reduce(4), "order", "*1 to 3 (n), got 4*");
        Refused(() => system.Balance(0), "tolerance", "*above 0*got 0*");
    }

    internal static (StateSpace System, Examples Examples, string Why) RandomSystem(int seed)
    {
        var random = new Random(seed);
        var examples = new Examples(seed);
        int n = random.Next(1, 8);
        int d = random.Next(1, 4);
        int q = random.Next(1, 5);
        Matrix<double> a = examples.Model(1, n, 1, 0.2 + 0.75 * random.NextDouble()).Whh;
        string kind = (seed % 4) switch { 0 => "regular", 1 => "singular", 2 => "zero", _ => "nilpotent" };
        if (kind == "singular")
        {
            a.ClearRow(n - 1);
        }
        else if (kind == "zero")
        {
            a.Clear();
        }
        else if (kind == "nilpotent")
        {
            a = a.StrictlyUpperTriangle();
        }
        Matrix<double> direct = examples.Matrix(q, d);
        Vector<double> start = examples.Vector(n);
        bool hasDirect = random.Next(2) == 0;
        bool hasStart = random.Next(2) == 0;
        var system = new StateSpace(
            a,
            examples.Matrix(n, d),
            examples.Matrix(q, n),
            hasDirect ? direct : direct * 0.0,
            hasStart ? start : null);
        return (system, examples, $"seed {seed}: {system}, A {kind}, D {hasDirect}, x_1 {hasStart}");
    }

    /// <summary>The definition, number by number.</summary>
    internal static Matrix<double> Simulated(StateSpace system, Matrix<double> inputs)
    {
        (Matrix<double> a, Matrix<double> b, Matrix<double> c, Matrix<double> d) =
            (system.A, system.B, system.C, system.D);
        double[] x = system.InitialState.ToArray();
        var outputs = Matrix<double>.Build.Dense(system.OutputSize, inputs.ColumnCount);
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            double[] next = new double[x.Length];
            for (int j = 0; j < x.Length + system.InputSize; j++)
            {
                bool isState = j < x.Length;
                double value = isState ? x[j] : inputs[j - x.Length, t];
                for (int i = 0; i < x.Length; i++)
                {
                    next[i] += (isState ? a[i, j] : b[i, j - x.Length]) * value;
                }
                for (int i = 0; i < system.OutputSize; i++)
                {
                    outputs[i, t] += (isState ? c[i, j] : d[i, j - x.Length]) * value;
                }
            }
            x = next;
        }
        return outputs;
    }

    /// <summary>The largest difference over the largest entry expected.</summary>
    internal static double Difference(Matrix<double> actual, Matrix<double> expected) =>
        (actual - expected).Enumerate().Max(Math.Abs) / expected.Enumerate().Max(Math.Abs);

    private static void Refused(Action act, string name, string message) =>
        act.Should().Throw<ArgumentException>().WithMessage(message).And.ParamName.Should().Be(name);
}
