// Compares the gradients of a backward pass with differences of the loss. Uses the forward pass and the objective only,
// so it shares no code with what it checks.

using Bptt.Kernels;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Verification;

/// <summary>
/// The gradient check by central differences. Where the loss is exactly quadratic in a parameter (W_hx, W_qh and h_0
/// under the squared error) differences are exact at any step, and a large one is taken; elsewhere they are extrapolated
/// to step zero (Ridders 1982). Every derivative is estimated several times over, which tells how far it can be trusted.
/// </summary>
/// <remarks>
/// A parameter passes where its relative error in the Frobenius norm is within the tolerance, and fails where the error
/// is clearly beyond both the tolerance and the uncertainty, in that norm or in a single entry by its own size. Between
/// the two it cannot be told.
/// </remarks>
public static class GradientCheck
{
    /// <summary>A failure needs an error of so many times the uncertainty, over all entries.</summary>
    private const double ClearOverall = 3.0;

    /// <summary>The same for one entry, of which there are many to go wrong by chance.</summary>
    private const double ClearInOneEntry = 10.0;

    /// <summary>Checks ∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh and ∂L/∂h_0.</summary>
    /// <param name="forward">The pass at whose weights, inputs and h_0 the gradients are checked.</param>
    /// <param name="objective">L.</param>
    /// <param name="options">How thorough and strict; the defaults where null.</param>
    /// <returns>A verdict for each parameter. Cost: one backward pass, and per checked entry about 11 forward passes where
    /// the loss is quadratic and up to 80 elsewhere.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="forward"/> or <paramref name="objective"/> is null.</exception>
    /// <exception cref="ArgumentException">The objective does not fit the pass.</exception>
    /// <exception cref="ArithmeticException">The loss or its gradient is NaN or infinite here.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one, or is in use.</exception>
    public static GradientCheckReport Run(
        ForwardPass forward, Objective objective, GradientCheckOptions? options = null)
    {
        var backward = BackwardThroughTime.Run(forward, objective);
        Matrix<double> initialStateGradients = backward.InitialStateGradients;
        if (!double.IsFinite(backward.Loss) || !backward.Gradients.IsFinite
            || !initialStateGradients.ForAll(double.IsFinite))
        {
            throw new ArithmeticException(
                $"The gradient check: expected a finite loss and gradient, got loss {Guard.Text(backward.Loss)} (first non-finite state or output: {(forward.FirstNonFiniteStep is int step ? $"step {step}" : "none")}).");
        }

        options ??= new GradientCheckOptions();
        LinearRnn model = forward.Model;
        (Matrix<double> whx, Matrix<double> whh, Matrix<double> wqh) = (model.Whx, model.Whh, model.Wqh);
        Matrix<double> initialStates = forward.InitialStates;
        Gradients gradients = backward.Gradients;
        bool quadratic = objective.IsQuadratic;

        double Loss(LinearRnn at, Matrix<double> from) => objective.Loss(forward.Rerun(at, from.ColumnMajor()));

        return new GradientCheckReport(
        [
            Check("W_hx", whx, gradients.Whx, quadratic, w => Loss(new LinearRnn(w, whh, wqh), initialStates), options),
            Check("W_hh", whh, gradients.Whh, false, w => Loss(new LinearRnn(whx, w, wqh), initialStates), options),
            Check("W_qh", wqh, gradients.Wqh, quadratic, w => Loss(new LinearRnn(whx, whh, w), initialStates), options),
            Check("h_0", initialStates, initialStateGradients, quadratic, s => Loss(model, s), options),
        ]);
    }

    /// <summary>Checks one parameter.</summary>
    /// <param name="name">As the report names it.</param>
    /// <param name="values">Where the check is made.</param>
    /// <param name="gradient">The gradient to check, of the same shape.</param>
    /// <param name="isQuadratic">Whether the loss is a polynomial of degree two at most in each entry.</param>
    /// <param name="loss">The loss as a function of the parameter.</param>
    /// <param name="options">How thorough and strict.</param>
    private static ParameterCheck Check(
        string name,
        Matrix<double> values,
        Matrix<double> gradient,
        bool isQuadratic,
        Func<Matrix<double>, double> loss,
        GradientCheckOptions options)
    {
        double typical = VectorMath.Norm(values.ColumnMajor()) / Math.Sqrt(values.ColumnMajor().Length);
        CheckedEntry[] entries = Array.ConvertAll(Sample(gradient, options), entry =>
        {
            (int row, int column) = entry;
            double value = values[row, column];
            Matrix<double> moved = values.Clone();
            double LossAt(double x)
            {
                moved[row, column] = x;
                return loss(moved);
            }
            double size = Math.Max(Math.Abs(value), typical);
            NumericalDerivative derivative = isQuadratic
                ? NumericalDerivative.OfQuadratic(LossAt, value)
                : NumericalDerivative.OfSmooth(LossAt, value, firstStep: size > 0.0 ? 0.02 * size : 0.02);
            return new CheckedEntry(row, column, gradient[row, column], derivative.Value, derivative.Uncertainty);
        });

        double scale = Math.Max(Norm(entries, e => e.Analytic), Norm(entries, e => e.Numeric));
        double error = Norm(entries, e => e.Error);
        double uncertainty = Norm(entries, e => e.Uncertainty);

        // Rounding is alike in all entries, so what is typical of them bounds an entry whose estimates agree by chance.
        CheckedEntry[] known = Array.FindAll(entries, e => double.IsFinite(e.Uncertainty));
        double typicalUncertainty = Norm(known, e => e.Uncertainty) / Math.Sqrt(Math.Max(1, known.Length));
        double Allowed(CheckedEntry e) => Math.Max(
            options.Tolerance * Math.Max(Math.Abs(e.Analytic), Math.Abs(e.Numeric)),
            ClearInOneEntry * Math.Max(e.Uncertainty, typicalUncertainty));

        Verdict verdict =
            error > Math.Max(options.Tolerance * scale, ClearOverall * uncertainty) || entries.Any(e => e.Error > Allowed(e))
                ? Verdict.Failed
            : error <= options.Tolerance * scale && double.IsFinite(uncertainty) ? Verdict.Passed
            : Verdict.Inconclusive;
        return new ParameterCheck(
            name,
            verdict,
            values.RowCount * values.ColumnCount,
            entries.Length,
            scale == 0.0 ? 0.0 : error / scale,
            scale == 0.0 && double.IsFinite(uncertainty) ? 0.0 : uncertainty / scale,
            entries.MaxBy(e => e.Error == 0.0 ? 0.0 : e.Error / Allowed(e))!);
    }

    /// <summary>All places where they are few, otherwise a random sample that includes the largest gradient.</summary>
    private static (int Row, int Column)[] Sample(Matrix<double> gradient, GradientCheckOptions options)
    {
        (int Row, int Column)[] places = gradient.EnumerateIndexed().Select(e => (e.Item1, e.Item2)).ToArray();
        if (places.Length <= options.MaxEntriesPerParameter)
        {
            return places;
        }
        (int Row, int Column) largest = places.MaxBy(p => Math.Abs(gradient[p.Row, p.Column]));
        new MersenneTwister(options.Seed, threadSafe: false).Shuffle(places);
        return places.Where(p => p != largest).Take(options.MaxEntriesPerParameter - 1).Prepend(largest).ToArray();
    }

    private static double Norm(CheckedEntry[] entries, Func<CheckedEntry, double> select) =>
        VectorMath.Norm(Array.ConvertAll(entries, e => select(e)));
}
