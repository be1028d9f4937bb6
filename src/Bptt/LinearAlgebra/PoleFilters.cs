// Filters of given poles whose impulse responses are orthonormal, and coordinates in them of every response with those
// poles. Knows no model.
//
//   λ_i  poles      n  filters      ζ  a delay of one step      φ_t  the states of the filters

using System.Numerics;

namespace Bptt.LinearAlgebra;

/// <summary>
/// φ_t = A φ_{t−1} + B u_t for a chain of all-pass sections of the poles, each normalised to [A B; C D] orthogonal: a
/// rotation for a real pole, a lattice of two for a pair (Heuberger, Van den Hof &amp; Wahlberg, <i>Modelling and
/// Identification with Rational Orthogonal Basis Functions</i>, 2005). Every response with these poles is g φ_t for one
/// row g. With the output fed back to the input the chain is an orthogonal matrix: at its eigenvalues 1/ζ the vectors
/// F(ζ) = (I − ζA)⁻¹B are orthogonal, so that g = Σ_ζ (g F(ζ)) F(ζ)ᴴ/‖F(ζ)‖².
/// </summary>
internal sealed class PoleFilters
{
    /// <summary>Beyond it a pole is taken back to this distance.</summary>
    private const double LargestRadius = 1.0 - 1e-9;

    private readonly double _growth = 1.0;
    private readonly Section[] _sections;

    /// <param name="poles">Of pairs only the one with the positive imaginary part is taken.</param>
    /// <param name="times">How often each counts.</param>
    /// <param name="steps">T: the filters are orthonormal but for a factor eᵗᐟᵀ, so that a pole whose response hardly
    /// decays within so many steps costs no digits.</param>
    /// <exception cref="ArithmeticException">An iteration for eigenvalues does not converge.</exception>
    public PoleFilters(IEnumerable<Complex> poles, int times, int steps)
    {
        double decay = Math.Exp(-1.0 / steps);
        List<Section> sections = [];
        foreach (Complex pole in Enumerable.Repeat(poles.Where(p => p.Imaginary >= 0.0), times).SelectMany(p => p))
        {
            double size = decay * pole.Magnitude;
            Complex inside = pole * (size > LargestRadius ? decay * LargestRadius / size : decay);
            bool isPair = inside.Imaginary > 0.0;
            double gain = isPair ? inside.Real * inside.Real + inside.Imaginary * inside.Imaginary : 0.0;
            double reflection = isPair ? 2.0 * inside.Real / (1.0 + gain) : inside.Real;
            sections.Add(new Section(reflection, RootOf(reflection), gain, RootOf(gain), isPair));
            Count += isPair ? 2 : 1;
        }
        _sections = [.. sections];
        Nodes = [.. FindNodes().Select(node => (decay * node.Delay, node.Dual))];
        _growth = 1.0 / decay;
    }

    /// <summary>n.</summary>
    public int Count { get; }

    /// <summary>Places ζ on the circle of radius e⁻¹ᐟᵀ, of conjugate ones the one, and F(ζ)ᴴ over ‖F(ζ)‖², times 2
    /// where it stands for both: the coordinates of a real response are Σ Re(its transform at ζ times these).</summary>
    public IReadOnlyList<(Complex Delay, Complex[] Dual)> Nodes { get; }

    /// <summary>A step of several channels, each through filters of its own.</summary>
    /// <param name="states">φ, filter by filter, each with its channels side by side.</param>
    /// <param name="signals">u_t of each channel; afterwards what leaves the chain.</param>
    public void Advance(Span<double> states, Span<double> signals)
    {
        int channels = signals.Length;
        VectorMath.Scale(_growth, states);
        foreach (ref readonly Section section in _sections.AsSpan())
        {
            (double a, double s, double k, double c, bool isPair) = section;
            Span<double> first = states[..channels];
            if (!isPair)
            {
                for (int l = 0; l < first.Length; l++)
                {
                    (double x, double u) = (first[l], signals[l]);
                    first[l] = a * x + s * u;
                    signals[l] = s * x - a * u;
                }
                states = states[channels..];
                continue;
            }
            Span<double> second = states.Slice(channels, channels);
            for (int l = 0; l < first.Length; l++)
            {
                (double x, double y, double u) = (first[l], second[l], signals[l]);
                double w = c * u - k * y;
                first[l] = a * x + s * w;
                second[l] = s * x - a * w;
                signals[l] = k * u + c * y;
            }
            states = states[(2 * channels)..];
        }
    }

    private List<(Complex Delay, Complex[] Dual)> FindNodes()
    {
        // [A B; C D] as what the chain does to unit vectors.
        int channels = Count + 1;
        double[] states = new double[Count * channels];
        double[] signals = new double[channels];
        for (int i = 0; i < Count; i++)
        {
            states[i * channels + i] = 1.0;
        }
        signals[Count] = 1.0;
        Advance(states, signals);
        double through = signals[Count];
        double feedback = through > 0.0 ? -1.0 : 1.0;
        double[] closed = new double[Count * Count];
        for (int i = 0; i < Count; i++)
        {
            for (int j = 0; j < Count; j++)
            {
                closed[j * Count + i] = states[i * channels + j]
                    + states[i * channels + Count] * feedback * signals[j] / (1.0 - feedback * through);
            }
        }
        var nodes = new List<(Complex, Complex[])>();
        foreach (Complex value in Eigensystem.ValuesOf(new MatrixView(closed, Count, Count, Count)))
        {
            if (value.Imaginary >= 0.0)
            {
                Complex delay = Complex.Conjugate(value) / value.Magnitude;
                Complex[] transform = Transform(delay);
                double weight = (value.Imaginary > 0.0 ? 2.0 : 1.0)
                    / transform.Sum(f => f.Real * f.Real + f.Imaginary * f.Imaginary);
                nodes.Add((delay, Array.ConvertAll(transform, f => weight * Complex.Conjugate(f))));
            }
        }
        return nodes;
    }

    /// <summary>F(ζ).</summary>
    private Complex[] Transform(Complex delay)
    {
        var transform = new Complex[Count];
        Complex signal = 1.0;
        int at = 0;
        foreach ((double a, double s, double k, double c, bool isPair) in _sections)
        {
            Complex pole = 1.0 - a * delay;
            Complex passed = (delay - a) / pole;
            if (!isPair)
            {
                transform[at++] = s * signal / pole;
                signal *= passed;
                continue;
            }
            Complex inner = c * signal / (1.0 + k * delay * passed);
            transform[at++] = s * inner / pole;
            transform[at++] = passed * inner;
            signal = k * signal + c * delay * passed * inner;
        }
        return transform;
    }

    private static double RootOf(double x) => Math.Sqrt((1.0 - x) * (1.0 + x));

    /// <summary>One pole or a pair.</summary>
    /// <param name="Reflection">a, of the rotation [a s; s −a].</param>
    /// <param name="Root">s.</param>
    /// <param name="Gain">k, of the rotation [−k c; c k] around it: the square of the modulus of a pair.</param>
    /// <param name="GainRoot">c.</param>
    /// <param name="IsPair">Whether there is the second rotation.</param>
    private readonly record struct Section(double Reflection, double Root, double Gain, double GainRoot, bool IsPair);
}
