// Gradient descent and its momenta against the published updates, written out.

using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Optimization;

public class SgdTests
{
    private const double Alpha = 0.03;
    private const double Mu = 0.8;

    private readonly Examples _examples = new(seed: 62);

    [Fact]
    public void Plain_steps_go_against_the_gradient()
    {
        Vector<double> w = _examples.Vector(5);
        Vector<double> g = _examples.Vector(5);
        new Sgd(Alpha).Step(w, g).Should().Equal(w - Alpha * g);
    }

    [Fact]
    public void Classical_momentum_follows_the_published_update()
    {
        var sgd = new Sgd(Alpha, Mu);
        Vector<double> w = _examples.Vector(4);
        Vector<double> theta = w;
        Vector<double> v = Vector<double>.Build.Dense(4);
        for (int t = 0; t < 6; t++)
        {
            Vector<double> g = _examples.Vector(4);
            v = Mu * v - Alpha * g;
            theta += v;
            w = sgd.Step(w, g);
            (w - theta).L2Norm().Should().BeLessThan(1e-14);
        }
        sgd.StepCount.Should().Be(6);
    }

    [Fact]
    public void Nesterovs_parameters_are_the_points_at_which_his_method_takes_gradients()
    {
        // L = ½ Σ a_i w_i², whose gradient the two forms take at points that must be the same.
        Vector<double> a = _examples.Vector(4).PointwiseAbs();
        var sgd = new Sgd(Alpha, Mu, isNesterov: true);
        Vector<double> theta = _examples.Vector(4);
        Vector<double> v = Vector<double>.Build.Dense(4);
        Vector<double> w = theta;
        for (int t = 0; t < 8; t++)
        {
            v = Mu * v - Alpha * a.PointwiseMultiply(theta + Mu * v);
            theta += v;
            w = sgd.Step(w, a.PointwiseMultiply(w));
            (w - (theta + Mu * v)).L2Norm().Should().BeLessThan(1e-14);
        }
    }

    [Fact]
    public void Decoupled_weight_decay_is_Adam_with_a_shrinking_of_the_old_weights()
    {
        const double lambda = 0.3;
        var adam = new Adam(Alpha);
        var decaying = new Adam(Alpha, weightDecay: lambda);
        Vector<double> g = _examples.Vector(4);
        for (int t = 0; t < 3; t++)
        {
            // The moments see gradients alone, so after the same gradients both take the same step from the same
            // weights.
            Vector<double> w = _examples.Vector(4);
            Vector<double> expected = adam.Step(w, g) - Alpha * lambda * w;
            (decaying.Step(w, g) - expected).L2Norm().Should().BeLessThan(1e-15);
        }
    }

    [Fact]
    public void Weights_decay_in_a_training_and_learned_states_do_not()
    {
        var examples = new Examples(5);
        LinearRnn model = examples.Model(1, 2, 1);
        Matrix<double> states = examples.Matrix(2, 1);
        var parameters = new Parameters(model, states);
        var point = new TrainingPoint(parameters, 0.0, 0.0, new double[parameters.Count], null!);

        Parameters next = new Adam(0.5, weightDecay: 0.5).Step(null!, point, default).Next;

        next.Model.Whh.Should().Be(0.75 * model.Whh);
        next.InitialStates.Should().Be(states);
    }

    [Fact]
    public void A_refused_step_leaves_the_velocity_as_it_was()
    {
        var untouched = new Sgd(Alpha, Mu);
        var sgd = new Sgd(Alpha, Mu);
        Vector<double> w = _examples.Vector(2);
        Vector<double> g = _examples.Vector(2);
        w = sgd.Step(w, g);
        untouched.Step(w, g);

        sgd.Invoking(s => s.Step(w, Vector<double>.Build.Dense(2, double.NaN))).Should().Throw<ArgumentException>();
        sgd.LearningRate = 1e308;
        sgd.Invoking(s => s.Step(w, Vector<double>.Build.Dense(2, 1e308))).Should().Throw<ArithmeticException>();
        sgd.LearningRate = Alpha;

        sgd.Step(w, g).Should().Equal(untouched.Step(w, g));
        sgd.StepCount.Should().Be(2);
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        foreach (double bad in new[] { -1.0, double.NaN, double.PositiveInfinity })
        {
            FluentActions.Invoking(() => new Sgd(bad)).Should().Throw<ArgumentOutOfRangeException>();
            FluentActions.Invoking(() => new Sgd(0.1, bad)).Should().Throw<ArgumentOutOfRangeException>();
            FluentActions.Invoking(() => new Adam(weightDecay: bad)).Should().Throw<ArgumentOutOfRangeException>();
        }
        FluentActions.Invoking(() => new Sgd(0.1, 1.0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new Sgd(0.0)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_state_of_another_method_or_size_is_refused()
    {
        var sgd = new Sgd(Alpha, Mu);
        sgd.Step(_examples.Vector(3), _examples.Vector(3));
        IReadOnlyDictionary<string, double[]> state = sgd.State;

        new Adam().Invoking(a => a.Restore(state)).Should().Throw<FormatException>();
        var wrong = new Dictionary<string, double[]>(state) { ["steps"] = [-1.0] };
        new Sgd(Alpha, Mu).Invoking(s => s.Restore(wrong)).Should().Throw<FormatException>();
        wrong["steps"] = [1.0];
        wrong["velocity"] = [double.NaN];
        new Sgd(Alpha, Mu).Invoking(s => s.Restore(wrong)).Should().Throw<FormatException>();

        var restored = new Sgd(Alpha, Mu);
        restored.Restore(state);
        Vector<double> w = _examples.Vector(3);
        Vector<double> g = _examples.Vector(3);
        restored.Step(w, g).Should().Equal(sgd.Step(w, g));
    }
}
