// Exact agreement: in rational arithmetic every way to the gradients gives the same numbers, and so does the library
// where no rounding can happen.

namespace Bptt.Tests.Reference;

public class RationalExactnessTests
{
    private const int Problems = 60;

    private static readonly Rational[] Steps = [1, new(1, 3), 7];

    [Fact]
    public void Recursion_and_general_term_are_equal()
    {
        for (int seed = 0; seed < Problems; seed++)
        {
            var random = RationalProblem.Random(seed);
            ScalarGradients<Rational> expected = random.GeneralTermGradients();
            AssertEqual(random.Gradients(), expected, seed);
        }
    }

    [Fact]
    public void Central_differences_of_any_step_equal_the_gradient_where_the_loss_is_quadratic()
    {
        for (int seed = 0; seed < Problems; seed++)
        {
            var random = RationalProblem.Random(seed);
            Rational step = Steps[seed % Steps.Length];
            ScalarGradients<Rational> gradients = random.Gradients();
            foreach ((Quantity quantity, int b) in random.Problem.Quantities().Where(q => q.Quantity != Quantity.Whh))
            {
                Rational[,] differences =
                    EntryByEntry.CentralDifferences(random.Loss, random.Problem, quantity, b, step);
                AssertEqual(differences, gradients.Values(quantity, b), $"{quantity} {b}, seed {seed}");
            }
        }
    }

    [Fact]
    public void Dual_numbers_equal_the_gradient_of_every_quantity()
    {
        for (int seed = 0; seed < Problems; seed++)
        {
            var random = RationalProblem.Random(seed);
            ScalarGradients<Rational> gradients = random.Gradients();
            foreach ((Quantity quantity, int b) in random.Problem.Quantities())
            {
                Rational[,] derivatives = EntryByEntry.DualNumbers(random.Loss, random.Problem, quantity, b);
                AssertEqual(derivatives, gradients.Values(quantity, b), $"{quantity} {b}, seed {seed}");
            }
        }
    }

    [Fact]
    public void Central_differences_in_W_hh_are_not_exact_from_three_steps_on()
    {
        // One unit: o_3 holds w_hh², L its fourth power, and the quotient of step 1 misses the third derivative.
        Rational[,] one = { { 1 } };
        var problem = new ScalarProblem<Rational>(one, one, one, new Rational[1, 1], [new Rational[,] { { 1, 1, 1 } }]);
        var random = new RationalProblem(problem, [new Rational[1, 3]], new Rational[1, 1]);
        Rational[,] differences = EntryByEntry.CentralDifferences(random.Loss, problem, Quantity.Whh, 0, 1);
        differences[0, 0].Should().NotBe(random.Gradients().Whh[0, 0]);
    }

    [Fact]
    public void The_certificates_hold_exactly()
    {
        for (int seed = 0; seed < Problems; seed++)
        {
            var random = RationalProblem.Random(seed);
            ScalarPass<Rational> pass = ScalarLoops<Rational>.Forward(random.Problem);
            ScalarGradients<Rational> gradients = random.Gradients();
            int h = random.Problem.HiddenSize;
            for (int i = 0; i < h; i++)
            {
                for (int j = 0; j < h; j++)
                {
                    Gauge(random, pass, gradients, i, j).Should().Be(Rational.AdditiveIdentity, "seed {0}", seed);
                }
            }
            Euler(random, pass, gradients).Should().Be(Rational.AdditiveIdentity, "seed {0}", seed);
        }
    }

    [Fact]
    public void The_library_is_exact_where_no_rounding_can_happen()
    {
        for (int seed = 0; seed < Problems; seed++)
        {
            var dyadic = RationalProblem.Dyadic(seed);
            BackwardThroughTime backward = dyadic.RunLibrary();
            AssertEqual(backward.ToArrays().Convert(Rational.FromDouble), dyadic.Gradients(), seed);
            ScalarPass<Rational> pass = ScalarLoops<Rational>.Forward(dyadic.Problem);
            Rational.FromDouble(backward.Loss).Should().Be(
                ScalarLoops<Rational>.SquaredError(pass.Outputs, dyadic.Targets), "seed {0}", seed);
        }
    }

    [Fact]
    public void The_library_rounds_to_1e_13_of_the_exact_gradient()
    {
        var worst = new WorstError();
        for (int seed = 0; seed < Problems; seed++)
        {
            var doubles = RationalProblem.Doubles(seed);
            ScalarGradients<double> exact = doubles.Gradients().Convert(value => value.ToDouble());
            worst.Add(doubles.RunLibrary().ToArrays(), exact, $"seed {seed}");
        }
        worst.Value.Should().BeLessThan(1e-13, "the worst is {0}", worst);
    }

    /// <summary>Entry i, j of G_hh W_hhᵀ − W_hhᵀ G_hh + G_hx W_hxᵀ − W_qhᵀ G_qh + Σ g_0 h_0ᵀ − Σ e h_Tᵀ.</summary>
    private static Rational Gauge(
        RationalProblem random, ScalarPass<Rational> pass, ScalarGradients<Rational> gradients, int i, int j)
    {
        ScalarProblem<Rational> problem = random.Problem;
        Rational sum = 0;
        for (int k = 0; k < problem.HiddenSize; k++)
        {
            sum += (gradients.Whh[i, k] * problem.Whh[j, k]) - (problem.Whh[k, i] * gradients.Whh[k, j]);
        }
        for (int k = 0; k < problem.InputSize; k++)
        {
            sum += gradients.Whx[i, k] * problem.Whx[j, k];
        }
        for (int k = 0; k < problem.OutputSize; k++)
        {
            sum -= problem.Wqh[k, i] * gradients.Wqh[k, j];
        }
        for (int b = 0; b < problem.SequenceCount; b++)
        {
            sum += gradients.HiddenStates[b][i, 0] * pass.States[b][j, 0];
            sum -= random.FinalStateGradients[i, b] * pass.States[b][j, problem.Length(b)];
        }
        return sum;
    }

    /// <summary>⟨W_qh, G_qh⟩ − Σ_t ⟨∂L/∂o_t, o_t⟩.</summary>
    private static Rational Euler(
        RationalProblem random, ScalarPass<Rational> pass, ScalarGradients<Rational> gradients)
    {
        Rational[][,] outputGradients = ScalarLoops<Rational>.SquaredErrorGradients(pass.Outputs, random.Targets);
        Rational sum = Inner(random.Problem.Wqh, gradients.Wqh);
        for (int b = 0; b < pass.Outputs.Length; b++)
        {
            sum -= Inner(outputGradients[b], pass.Outputs[b]);
        }
        return sum;
    }

    private static Rational Inner(Rational[,] left, Rational[,] right)
    {
        Rational sum = 0;
        for (int i = 0; i < left.GetLength(0); i++)
        {
            for (int j = 0; j < left.GetLength(1); j++)
            {
                sum += left[i, j] * right[i, j];
            }
        }
        return sum;
    }

    private static void AssertEqual(ScalarGradients<Rational> actual, ScalarGradients<Rational> expected, int seed)
    {
        AssertEqual(actual.Whx, expected.Whx, $"∂L/∂W_hx, seed {seed}");
        AssertEqual(actual.Whh, expected.Whh, $"∂L/∂W_hh, seed {seed}");
        AssertEqual(actual.Wqh, expected.Wqh, $"∂L/∂W_qh, seed {seed}");
        for (int b = 0; b < expected.HiddenStates.Length; b++)
        {
            AssertEqual(actual.HiddenStates[b], expected.HiddenStates[b], $"∂L/∂h of sequence {b}, seed {seed}");
            AssertEqual(actual.Inputs[b], expected.Inputs[b], $"∂L/∂x of sequence {b}, seed {seed}");
        }
    }

    private static void AssertEqual(Rational[,] actual, Rational[,] expected, string where) =>
        actual.Cast<Rational>().Should().Equal(expected.Cast<Rational>(), "{0}", where);
}
