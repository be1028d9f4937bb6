// Small random problems in rational numbers, with targets and final-state gradients, for exact comparisons.

namespace Bptt.Tests.Reference;

/// <summary>A problem under the squared error; e_b h×B is added to ∂L/∂h_T, that is ⟨e_b, h_T⟩ to L.</summary>
internal sealed record RationalProblem(
    ScalarProblem<Rational> Problem, Rational[][,] Targets, Rational[,] FinalStateGradients)
{
    /// <summary>Sizes 1 … 3, T 1 … 5, one or two sequences, entries n/m with |n| ≤ 6 and m ≤ 4.</summary>
    public static RationalProblem Random(int seed)
    {
        var random = new Random(seed);
        int[] lengths = new int[random.Next(1, 3)];
        for (int b = 0; b < lengths.Length; b++)
        {
            lengths[b] = random.Next(1, 6);
        }
        return Create(random, lengths, () => new Rational(random.Next(-6, 7), random.Next(1, 5)));
    }

    /// <summary>Entries −1, −1/2, 0, 1/2, 1, at most 4 steps in a sequence and 1, 2, 4 or 8 in all, so that 1/ΣT_b is a
    /// power of two. Every number in the passes then fits into a double, whatever the order of the sums.</summary>
    public static RationalProblem Dyadic(int seed)
    {
        int[][] layouts = [[1], [2], [4], [1, 1], [1, 2, 1], [1, 3, 4], [4, 1, 2, 1]];
        var random = new Random(seed);
        return Create(random, layouts[random.Next(layouts.Length)], () => new Rational(random.Next(-2, 3), 2));
    }

    /// <summary>Normal numbers as they are stored in doubles, with all their bits.</summary>
    public static RationalProblem Doubles(int seed)
    {
        var random = new Random(seed);
        var numbers = new RandomNumbers(seed);
        int[][] layouts = [[3], [5], [2, 1, 4]];
        return Create(
            random,
            layouts[random.Next(layouts.Length)],
            () => Rational.FromDouble(numbers.Normal(1, 1)[0, 0]));
    }

    public Rational Loss(ScalarProblem<Rational> problem)
    {
        ScalarPass<Rational> pass = ScalarLoops<Rational>.Forward(problem);
        Rational loss = ScalarLoops<Rational>.SquaredError(pass.Outputs, Targets);
        for (int b = 0; b < problem.SequenceCount; b++)
        {
            for (int i = 0; i < problem.HiddenSize; i++)
            {
                loss += FinalStateGradients[i, b] * pass.States[b][i, problem.Length(b)];
            }
        }
        return loss;
    }

    public Dual<Rational> Loss(ScalarProblem<Dual<Rational>> problem)
    {
        ScalarPass<Dual<Rational>> pass = ScalarLoops<Dual<Rational>>.Forward(problem);
        Dual<Rational> loss = ScalarLoops<Dual<Rational>>.SquaredError(
            pass.Outputs, Targets.Map(Dual<Rational>.Constant));
        for (int b = 0; b < problem.SequenceCount; b++)
        {
            for (int i = 0; i < problem.HiddenSize; i++)
            {
                loss += Dual<Rational>.Constant(FinalStateGradients[i, b]) * pass.States[b][i, problem.Length(b)];
            }
        }
        return loss;
    }

    /// <summary>By the recursion.</summary>
    public ScalarGradients<Rational> Gradients()
    {
        ScalarPass<Rational> pass = ScalarLoops<Rational>.Forward(Problem);
        return ScalarLoops<Rational>.Backward(
            Problem, pass, ScalarLoops<Rational>.SquaredErrorGradients(pass.Outputs, Targets), FinalStateGradients);
    }

    /// <summary>By the general term.</summary>
    public ScalarGradients<Rational> GeneralTermGradients()
    {
        ScalarPass<Rational> pass = ScalarLoops<Rational>.Forward(Problem);
        return GeneralTerm<Rational>.Backward(
            Problem, pass, ScalarLoops<Rational>.SquaredErrorGradients(pass.Outputs, Targets), FinalStateGradients);
    }

    /// <summary>The library on the same numbers, which must be doubles.</summary>
    public BackwardThroughTime RunLibrary() => BackwardThroughTime.Run(
        Problem.Convert(value => value.ToDouble()).RunForward(),
        Objective.SquaredError(Targets.Map(value => value.ToDouble()).ToBatch()),
        LibraryConversions.Options(FinalStateGradients.Map(value => value.ToDouble())));

    private static RationalProblem Create(Random random, int[] lengths, Func<Rational> draw)
    {
        int d = random.Next(1, 4);
        int h = random.Next(1, 4);
        int q = random.Next(1, 4);
        Rational[,] Matrix(int rows, int columns) => new Rational[rows, columns].Map(_ => draw());

        var problem = new ScalarProblem<Rational>(
            Matrix(h, d),
            Matrix(h, h),
            Matrix(q, h),
            Matrix(h, lengths.Length),
            Array.ConvertAll(lengths, length => Matrix(d, length)));
        return new(problem, Array.ConvertAll(lengths, length => Matrix(q, length)), Matrix(h, lengths.Length));
    }
}
