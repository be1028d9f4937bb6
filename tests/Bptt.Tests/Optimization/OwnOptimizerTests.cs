// Optimisers as a user writes them: what the open base class promises holds whatever a subclass does.

using System.Globalization;
using Bptt.Optimization;
using Bptt.Tests.Training;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Optimization;

public class OwnOptimizerTests(ITestOutputHelper output)
{
    private readonly Examples _examples = new(seed: 63);

    [Fact]
    public void It_moves_as_written_and_remembers()
    {
        var own = new OwnRmsProp(0.03, decay: 0.8, momentum: 0.5);
        Vector<double> w = _examples.Vector(4);
        double[] expected = w.ToArray();
        double[] meanSquare = new double[4];
        double[] velocity = new double[4];
        for (int t = 1; t <= 6; t++)
        {
            Vector<double> g = _examples.Vector(4);
            w = own.Step(w, g);
            for (int i = 0; i < 4; i++)
            {
                meanSquare[i] = 0.8 * meanSquare[i] + 0.2 * g[i] * g[i];
                velocity[i] = 0.5 * velocity[i] - 0.03 * g[i] / (Math.Sqrt(meanSquare[i]) + 1e-8);
                expected[i] += velocity[i];
            }
            w.Should().BeEquivalentTo(expected, o => o.WithStrictOrdering().Using<double>(
                c => c.Subject.Should().BeApproximately(c.Expectation, 1e-14)).WhenTypeIs<double>());
            own.StepCount.Should().Be(t);
        }
    }

    [Fact]
    public void Momentum_written_by_a_user_is_that_of_the_house_bit_for_bit()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var examples = new Examples(seed);
        var house = new Sgd(0.1, momentum: 0.7);
        var own = new OwnOptimizer(
            (self, update) =>
            {
                Span<double> v = update.Memory("v");
                for (int i = 0; i < v.Length; i++)
                {
                    v[i] = -self.LearningRate * update.Gradient[i] + 0.7 * v[i];
                    update.Parameters[i] += v[i];
                }
            },
            "v");
        LinearRnn model = examples.Model(2, 3, 1);
        LinearRnn same = model;
        for (int t = 0; t < 5; t++)
        {
            var gradients = new Gradients(examples.Matrix(3, 2), examples.Matrix(3, 3), examples.Matrix(1, 3));
            model = house.Step(model, gradients);
            same = own.Step(same, gradients);
        }
        new Parameters(same).ToVector().Should().Equal(new Parameters(model).ToVector());
    }

    public static TheoryData<string> Misdeeds =>
        ["NaN in a parameter", "infinity in the memory", "an exception half-way", "an unknown name"];

    [Theory]
    [MemberData(nameof(Misdeeds))]
    public void A_step_that_goes_wrong_leaves_history_and_parameters_as_they_were(string misdeed)
    {
        string? now = null;
        var own = new OwnOptimizer(
            (self, update) =>
            {
                Span<double> sum = update.Memory("sum");
                for (int i = 0; i < sum.Length; i++)
                {
                    sum[i] += update.Gradient[i];
                    update.Parameters[i] -= self.LearningRate * sum[i];
                }
                switch (now)
                {
                    case "NaN in a parameter":
                        update.Parameters[1] = double.NaN;
                        break;
                    case "infinity in the memory":
                        sum[0] = double.PositiveInfinity;
                        break;
                    case "an exception half-way":
                        throw new DivideByZeroException();
                    case "an unknown name":
                        update.Memory("som");
                        break;
                }
            },
            "sum");
        Vector<double> w = _examples.Vector(3);
        Vector<double> g = _examples.Vector(3);
        LinearRnn model = _examples.Model(1, 1, 1);
        own.Step(w, g);
        double[] remembered = own.State["sum"];
        Vector<double> before = w.Clone();

        now = misdeed;
        var refused = own.Invoking(o => o.Step(w, g)).Should().Throw<Exception>().Which;

        refused.Message.Should().Contain(misdeed switch
        {
            "NaN in a parameter" => "OwnOptimizer overflows: expected finite numbers for the parameters, got NaN at",
            "infinity in the memory" => "expected finite numbers for the memory 'sum', got Infinity at index 0",
            "an unknown name" => "name: expected sum, as the optimiser was made with, got som",
            _ => "divide by zero",
        });
        if (misdeed.StartsWith("NaN", StringComparison.Ordinal) || misdeed.StartsWith("inf", StringComparison.Ordinal))
        {
            refused.Should().BeOfType<ArithmeticException>();
        }
        own.StepCount.Should().Be(1);
        own.State["sum"].Should().Equal(remembered);
        w.Should().Equal(before);

        now = null;
        own.Step(w, g).Should().Equal(w - (0.1 * (2.0 * g)));
        own.Invoking(o => o.Step(model, new Gradients(g.ToColumnMatrix().SubMatrix(0, 1, 0, 1), model.Whh, model.Wqh)))
            .Should().Throw<ArgumentException>().WithMessage("*a vector of length 3*");
    }

    [Fact]
    public void A_copy_without_history_has_the_settings_and_shares_no_memory()
    {
        var own = new OwnRmsProp(0.03, decay: 0.8);
        own.LearningRate = 0.02;
        Vector<double> w = _examples.Vector(3);
        Vector<double> g = _examples.Vector(3);
        Vector<double> first = own.Step(w, g);

        var fresh = (OwnRmsProp)own.Fresh();

        fresh.ToString().Should().Be(own.ToString());
        fresh.StepCount.Should().Be(0);
        fresh.Step(w, g).Should().Equal(new OwnRmsProp(0.02, decay: 0.8).Step(w, g)).And.Equal(first);
        own.StepCount.Should().Be(1);
        ((OwnRmsProp)own.Fresh()).Step(_examples.Model(1, 2, 1), Zero()).Should().NotBeNull("another shape is new");

        static Gradients Zero() => new(
            Matrix<double>.Build.Dense(2, 1), Matrix<double>.Build.Dense(2, 2), Matrix<double>.Build.Dense(1, 2));
    }

    [Fact]
    public void A_state_goes_on_bit_for_bit_and_another_is_refused()
    {
        var own = new OwnRmsProp(0.03);
        Vector<double> w = own.Step(_examples.Vector(3), _examples.Vector(3));
        Vector<double> g = _examples.Vector(3);
        IReadOnlyDictionary<string, double[]> state = own.State;
        state.Keys.Should().BeEquivalentTo("steps", "mean square", "velocity");

        var restored = new OwnRmsProp(0.03);
        restored.Restore(state);
        state["velocity"][0] = 1e3; // a copy
        restored.Invoking(r => r.Step(_examples.Vector(2), _examples.Vector(2))).Should().Throw<ArgumentException>()
            .WithMessage("*expected 3 parameters*got 2*");
        restored.Step(w, g).Should().Equal(own.Step(w, g));

        new Adam().Invoking(a => a.Restore(state)).Should().Throw<FormatException>();
        new OwnOptimizer((_, _) => { }).Invoking(o => o.Restore(state)).Should().Throw<FormatException>()
            .WithMessage("*expected a count of steps, got steps, mean square, velocity*");
    }

    [Fact]
    public void One_without_memory_is_saved_by_its_count()
    {
        var own = new OwnOptimizer((self, update) =>
        {
            for (int i = 0; i < update.Gradient.Length; i++)
            {
                update.Parameters[i] -= self.LearningRate * Math.Sign(update.Gradient[i]);
            }
        });
        own.Step(Vector<double>.Build.Dense(2), Vector<double>.Build.Dense([3.0, -2.0])).Should().Equal(-0.1, 0.1);
        own.State.Should().ContainSingle().Which.Value.Should().Equal(1.0);
        var restored = (OwnOptimizer)own.Fresh();
        restored.Restore(own.State);
        restored.StepCount.Should().Be(1);
        own.ToString().Should().Be("OwnOptimizer(learning rate 0.1)");
    }

    [Fact]
    public void Weights_are_told_from_learned_states()
    {
        var counts = new List<int>();
        var own = new OwnOptimizer((_, update) => counts.Add(update.WeightCount));
        LinearRnn model = _examples.Model(1, 2, 1);
        own.Step(model, new Gradients(model.Whx, model.Whh, model.Wqh));
        var parameters = new Parameters(model, _examples.Matrix(2, 3));
        var point = new TrainingPoint(parameters, 0.0, 0.0, new double[parameters.Count], null!);
        ((OwnOptimizer)own.Fresh()).Step(null!, point, default);
        counts.Should().Equal(8, 8);
    }

    [Fact]
    public void Names_of_memory_differ_and_are_not_empty()
    {
        foreach (string[] bad in new string[][] { ["a", "a"], [""], [null!], ["steps"] })
        {
            FluentActions.Invoking(() => new OwnOptimizer((_, _) => { }, bad)).Should().Throw<ArgumentException>()
                .WithMessage("memory: expected names that differ*");
        }
        string[] names = ["a"];
        var own = new OwnOptimizer((_, _) => { }, names);
        names[0] = "b";
        own.State.Keys.Should().Contain("a", "the names are copied");
    }

    [Fact]
    public void Settings_are_written_alike_under_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        other.NumberFormat.NumberDecimalSeparator = ",";
        try
        {
            CultureInfo.CurrentCulture = other;
            new OwnRmsProp(0.1, 1.0 / 3.0).ToString()
                .Should().Be("OwnRmsProp(learning rate 0.1, decay 0.3333333333333333, momentum 0.5)");
            new Adam(1e-5).ToString().Should().Be(
                "Adam(learning rate 1E-05, β₁ 0.9, β₂ 0.999, ε 1E-08, weight decay 0)");
            new Sgd(0.5, 0.25, isNesterov: true).ToString()
                .Should().Be("Sgd(learning rate 0.5, momentum 0.25 of Nesterov)");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
