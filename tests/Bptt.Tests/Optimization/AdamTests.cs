// Adam against its published update, written out.

using Bptt.Optimization;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Optimization;

public class AdamTests
{
    private readonly Examples _examples = new(seed: 61);

    [Fact]
    public void Steps_follow_the_published_update()
    {
        const double alpha = 0.03, beta1 = 0.8, beta2 = 0.95, epsilon = 1e-6;
        var adam = new Adam(alpha, beta1, beta2, epsilon);
        Vector<double> w = _examples.Vector(4);
        double[] expected = w.ToArray();
        double[] m = new double[4];
        double[] v = new double[4];

        for (int t = 1; t <= 7; t++)
        {
            Vector<double> g = _examples.Vector(4);
            w = adam.Step(w, g);
            for (int i = 0; i < 4; i++)
            {
                m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                v[i] = beta2 * v[i] + (1 - beta2) * Math.Pow(g[i], 2);
                double mHat = m[i] / (1 - Math.Pow(beta1, t));
                double vHat = v[i] / (1 - Math.Pow(beta2, t));
                expected[i] -= alpha * mHat / (Math.Sqrt(vHat) + epsilon);
                w[i].Should().BeApproximately(expected[i], 1e-14);
            }
        }
        adam.StepCount.Should().Be(7);
    }

    [Fact]
    public void A_model_moves_as_its_entries_would_alone()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        var gradients = new Gradients(_examples.Matrix(3, 2), _examples.Matrix(3, 3), _examples.Matrix(1, 3));

        LinearRnn moved = new Adam(0.1).Step(model, gradients);

        foreach ((Matrix<double> after, Matrix<double> before, Matrix<double> gradient) in new[]
        {
            (moved.Whx, model.Whx, gradients.Whx),
            (moved.Whh, model.Whh, gradients.Whh),
            (moved.Wqh, model.Wqh, gradients.Wqh),
        })
        {
            Vector<double> flat = new Adam(0.1).Step(
                Vector<double>.Build.Dense(before.ToColumnMajorArray()),
                Vector<double>.Build.Dense(gradient.ToColumnMajorArray()));
            after.ToColumnMajorArray().Should().Equal(flat);
        }
    }

    [Fact]
    public void A_refused_step_leaves_the_optimiser_as_it_was()
    {
        Vector<double> w = _examples.Vector(2);
        Vector<double> g = _examples.Vector(2);
        var untouched = new Adam();
        var adam = new Adam();
        w = adam.Step(w, g);
        untouched.Step(w, g);

        adam.Invoking(a => a.Step(w, Vector<double>.Build.Dense(2, double.NaN))).Should().Throw<ArgumentException>();
        adam.Invoking(a => a.Step(_examples.Vector(3), _examples.Vector(3))).Should().Throw<ArgumentException>()
            .WithMessage("*length 2*got*length 3*");
        adam.LearningRate = 1e308;
        adam.Invoking(a => a.Step(Vector<double>.Build.Dense(2, double.MaxValue), Vector<double>.Build.Dense(2, -1.0)))
            .Should().Throw<ArithmeticException>().WithMessage("*overflow*");
        adam.LearningRate = untouched.LearningRate;

        adam.StepCount.Should().Be(1);
        adam.Step(w, g).Should().Equal(untouched.Step(w, g));
    }

    [Fact]
    public void A_gradient_too_large_to_square_is_refused_instead_of_freezing_its_parameter()
    {
        var adam = new Adam(0.1);
        var w = Vector<double>.Build.Dense(1);

        adam.Invoking(a => a.Step(w, Vector<double>.Build.Dense(1, 1e200))).Should().Throw<ArithmeticException>();

        adam.Step(w, Vector<double>.Build.Dense(1, 1.0))[0].Should().BeApproximately(-0.1, 1e-8);
    }

    [Fact]
    public void The_learning_rate_may_change_between_steps()
    {
        var adam = new Adam(0.5) { LearningRate = 0.25 };
        Vector<double> w = adam.Step(Vector<double>.Build.Dense(1), Vector<double>.Build.Dense(1, 3.0));
        w[0].Should().BeApproximately(-0.25, 1e-8, "the first step of Adam has the size of its learning rate");
    }

    [Fact]
    public void It_trains_a_model_to_recover_another()
    {
        LinearRnn truth = _examples.Model(1, 1, 1);
        Matrix<double> inputs = _examples.Matrix(1, 50);
        var objective = Objective.SquaredError(ForwardPass.Run(truth, inputs).Outputs());
        LinearRnn model = Initializer.Orthogonal(1, 1, 1, seed: 3, spectralRadius: 0.5);
        var adam = new Adam(0.02);
        var clipping = new GlobalNormClipping(1.0);
        double first = objective.Loss(ForwardPass.Run(model, inputs));

        for (int epoch = 0; epoch < 1500; epoch++)
        {
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), objective);
            model = adam.Step(model, clipping.Apply(backward.Gradients).Gradients);
        }

        objective.Loss(ForwardPass.Run(model, inputs)).Should().BeLessThan(1e-8 * first);
        model.Whh[0, 0].Should().BeApproximately(truth.Whh[0, 0], 1e-4);
    }
}
