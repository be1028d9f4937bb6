// The identities that hold whenever gradients belong to some ∂L/∂o, on random passes of the library:
//
//   G_hh W_hhᵀ − W_hhᵀ G_hh + G_hx W_hxᵀ − W_qhᵀ G_qh + Σ_b g_{0,b} h_{0,b}ᵀ = Σ_b e_b h_{T,b}ᵀ        (gauge)
//   ⟨W_qh, G_qh⟩ = Σ_t ⟨∂L/∂o_t, o_t⟩                                                                 (Euler)
//
// Relative means: the norm of the residual over the sum of the norms of the terms.

using Bptt.Edge;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class CertificateIdentityTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-12;
    private const int Scenarios = 200;

    [Fact]
    public void The_gauge_identity_holds_for_random_models() =>
        ForRandomScenarios(scenario => Gauge(scenario, scenario.RunBackward()));

    [Fact]
    public void The_Euler_identity_holds_for_random_models() =>
        ForRandomScenarios(scenario => Euler(scenario.RunBackward()));

    [Fact]
    public void Both_identities_hold_for_given_output_gradients() => ForRandomScenarios(scenario =>
    {
        BackwardThroughTime backward = scenario.Problem.RunForward().RunBackward(
            new RandomNumbers(-1 - scenario.Settings.Seed).LikeOutputs(scenario.Problem), scenario.FinalStateGradients);
        return Math.Max(Gauge(scenario, backward), Euler(backward));
    });

    [Fact]
    public void The_gauge_identity_notices_a_wrong_gradient()
    {
        RandomScenario scenario = ScenarioTable.Random(3);
        BackwardThroughTime backward = scenario.RunBackward();
        Matrix<double> whx = backward.Gradients.Whx;
        whx[0, 0] += 1e-6 * whx.FrobeniusNorm();
        Gauge(scenario, backward, new Gradients(whx, backward.Gradients.Whh, backward.Gradients.Wqh))
            .Should().BeGreaterThan(1e-9);
    }

    private static double Gauge(RandomScenario scenario, BackwardThroughTime backward, Gradients? changed = null)
    {
        LinearRnn model = backward.Forward.Model;
        Gradients gradients = changed ?? backward.Gradients;
        List<Matrix<double>> terms =
        [
            gradients.Whh * model.Whh.Transpose(),
            -(model.Whh.Transpose() * gradients.Whh),
            gradients.Whx * model.Whx.Transpose(),
            -(model.Wqh.Transpose() * gradients.Wqh),
        ];
        for (int b = 0; b < backward.Forward.SequenceCount; b++)
        {
            int length = backward.Forward.Lengths[b];
            terms.Add(backward.HiddenStateGradient(0, b).OuterProduct(backward.Forward.HiddenState(0, b)));
            if (scenario.FinalStateGradients is not null)
            {
                Vector<double> given = scenario.FinalStateGradients.ToMatrix().Column(b);
                terms.Add(-given.OuterProduct(backward.Forward.HiddenState(length, b)));
            }
        }
        Matrix<double> residual = terms.Aggregate((left, right) => left + right);
        return Relative(residual.FrobeniusNorm(), terms.Sum(term => term.FrobeniusNorm()));
    }

    private static double Euler(BackwardThroughTime backward)
    {
        List<double> terms = [Inner(backward.Forward.Model.Wqh, backward.Gradients.Wqh)];
        for (int b = 0; b < backward.Forward.SequenceCount; b++)
        {
            for (int t = 1; t <= backward.Forward.Lengths[b]; t++)
            {
                terms.Add(-backward.OutputGradient(t, b).DotProduct(backward.Forward.Output(t, b)));
            }
        }
        return Relative(Math.Abs(terms.Sum()), terms.Sum(Math.Abs));
    }

    private static double Inner(Matrix<double> left, Matrix<double> right) =>
        left.PointwiseMultiply(right).Enumerate().Sum();

    private static double Relative(double residual, double terms) => residual == 0.0 ? 0.0 : residual / terms;

    private void ForRandomScenarios(Func<RandomScenario, double> error)
    {
        var worst = new WorstError();
        for (int seed = 0; seed < Scenarios; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            worst.Add(error(scenario), scenario.Settings.ToString());
        }
        output.WriteLine($"Worst relative error {worst}");
        worst.Value.Should().BeLessThan(Tolerance, "the worst is {0}", worst);
    }
}
