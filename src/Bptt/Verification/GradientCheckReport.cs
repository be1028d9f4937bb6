// What a gradient check found. Plain data; never NaN.

namespace Bptt.Verification;

/// <summary>What was found for all parameters.</summary>
public sealed class GradientCheckReport
{
    internal GradientCheckReport(IReadOnlyList<ParameterCheck> parameters, IReadOnlyList<DirectionCheck> directions)
    {
        Parameters = parameters;
        Directions = directions;
    }

    /// <summary>W_hx, W_hh, W_qh, h_0, x and o; of gradients from elsewhere those that were given.</summary>
    public IReadOnlyList<ParameterCheck> Parameters { get; }

    /// <summary>The random directions: over all parameters but o, and over each parameter of which a sample was
    /// checked.</summary>
    public IReadOnlyList<DirectionCheck> Directions { get; }

    /// <summary>The worst verdict of any parameter and any direction.</summary>
    public Verdict Verdict => Parameters.Select(p => p.Verdict).Concat(Directions.Select(d => d.Verdict)).Max();

    /// <summary>The largest relative error of any parameter.</summary>
    public double RelativeError => Parameters.Max(p => p.RelativeError);

    /// <summary>The verdict, and a line for each parameter and direction.</summary>
    public override string ToString() => string.Join(
        '\n',
        Parameters.Select(p => p.ToString()).Concat(Directions.Select(d => d.ToString()))
            .Prepend($"gradient check: {Verdict.InWords()}"));
}
