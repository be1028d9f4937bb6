// Scalar loops and general term on one example done by hand, with an asymmetric W_hh, so that no transpose can hide.

namespace Bptt.Tests.Reference;

public class ScalarLoopsTests
{
    // h_1 = (1, 2); h_2 = (2, 2 + 6) + (1, 2) = (3, 10); o = −1, −7; L = ½·½(1 + 49)
    private static readonly ScalarProblem<double> Problem = new(
        new double[,] { { 1 }, { 2 } },
        new double[,] { { 0, 1 }, { 2, 3 } },
        new double[,] { { 1, -1 } },
        new double[,] { { 0 }, { 0 } },
        [new double[,] { { 1, 1 } }]);

    private static readonly double[][,] Targets = [new double[,] { { 0, 0 } }];

    [Fact]
    public void States_outputs_and_loss_are_those_by_hand()
    {
        ScalarPass<double> pass = ScalarLoops<double>.Forward(Problem);
        pass.States[0].Should().BeEquivalentTo(new double[,] { { 0, 1, 3 }, { 0, 2, 10 } });
        pass.Outputs[0].Should().BeEquivalentTo(new double[,] { { -1, -7 } });
        ScalarLoops<double>.SquaredError(pass.Outputs, Targets).Should().Be(12.5);
    }

    [Fact]
    public void The_recursion_gives_the_gradients_by_hand() => AssertByHand(ScalarLoops<double>.Backward);

    [Fact]
    public void The_general_term_gives_the_gradients_by_hand() => AssertByHand(GeneralTerm<double>.Backward);

    [Fact]
    public void Final_state_gradients_add_to_the_last_state()
    {
        // ∂L/∂o = 0, e = (1, 10): ∂L/∂h_2 = e, ∂L/∂h_1 = W_hhᵀ e = (20, 31), ∂L/∂h_0 = (62, 113)
        ScalarPass<double> pass = ScalarLoops<double>.Forward(Problem);
        foreach (Backward backward in new Backward[] { ScalarLoops<double>.Backward, GeneralTerm<double>.Backward })
        {
            ScalarGradients<double> gradients =
                backward(Problem, pass, [new double[,] { { 0, 0 } }], new double[,] { { 1 }, { 10 } });
            gradients.HiddenStates[0].Should().BeEquivalentTo(new double[,] { { 62, 20, 1 }, { 113, 31, 10 } });
        }
    }

    private delegate ScalarGradients<double> Backward(
        ScalarProblem<double> problem, ScalarPass<double> pass, double[][,] outputGradients, double[,]? final);

    private static void AssertByHand(Backward backward)
    {
        // ∂L/∂o = −0.5, −3.5; ∂L/∂h_2 = (−3.5, 3.5); ∂L/∂h_1 = (7, 7) + (−0.5, 0.5); ∂L/∂h_0 = (15, 6.5 + 22.5)
        ScalarPass<double> pass = ScalarLoops<double>.Forward(Problem);
        double[][,] outputGradients = ScalarLoops<double>.SquaredErrorGradients(pass.Outputs, Targets);
        outputGradients[0].Should().BeEquivalentTo(new double[,] { { -0.5, -3.5 } });

        ScalarGradients<double> gradients = backward(Problem, pass, outputGradients, null);
        gradients.HiddenStates[0].Should().BeEquivalentTo(new double[,] { { 15, 6.5, -3.5 }, { 29, 7.5, 3.5 } });
        gradients.Wqh.Should().BeEquivalentTo(new double[,] { { -11, -36 } });
        gradients.Whx.Should().BeEquivalentTo(new double[,] { { 3 }, { 11 } });
        gradients.Whh.Should().BeEquivalentTo(new double[,] { { -3.5, -7 }, { 3.5, 7 } });
        gradients.Inputs[0].Should().BeEquivalentTo(new double[,] { { 21.5, 3.5 } });
        gradients.Values(Quantity.InitialStates, 0).Should().BeEquivalentTo(new double[,] { { 15 }, { 29 } });
    }
}
