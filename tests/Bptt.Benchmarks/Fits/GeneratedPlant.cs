// A plant made up at random and a record of it: what a method of estimation can be judged on without measured data.
// Estimates nothing.
//
//   n  order      T  rows

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Fits;

/// <summary>Inputs and measured outputs, one of each, of which the first rows are for training.</summary>
/// <param name="Inputs">1×T.</param>
/// <param name="Targets">1×T.</param>
/// <param name="Training">How many rows are for training.</param>
/// <param name="Name">Its order, input, noise and what else is special.</param>
internal sealed record GeneratedPlant(Matrix<double> Inputs, Matrix<double> Targets, int Training, string Name)
{
    private static readonly int[] Lengths = [60, 150, 300, 600, 1000];
    private static readonly string[] Excitations = ["white", "slow", "binary", "steps"];
    private static readonly string[] Noises = ["white", "coloured", "drifting", "process"];

    /// <summary>A stable plant of order 1 to 6 with modes that last up to some hundred steps, a delay or none, from
    /// rest or not, with a saturation or none, driven by noise, by filtered noise or by a binary signal.</summary>
    /// <param name="seed">The same seed, the same plant.</param>
    public static GeneratedPlant Of(int seed)
    {
        var random = new Random(seed);
        int training = Lengths[random.Next(Lengths.Length)];
        int length = training + training * 2 / 3;
        int order = random.Next(1, 7);
        int delay = random.Next(2) == 0 ? 0 : random.Next(1, 4);
        string excitation = Excitations[random.Next(Excitations.Length)];
        string noise = Noises[random.Next(Noises.Length)];
        bool saturates = random.Next(3) == 0;
        bool fromRest = random.Next(2) == 0;
        int before = fromRest ? 0 : 200;
        double ratio = Math.Pow(10.0, -1.5 + 1.5 * random.NextDouble()); // deviation of the noise over the signal's

        (double[] denominator, double[] numerator) = Transfer(random, order);
        double[] input = Input(random, excitation, before + length);
        double[] white = [.. Enumerable.Range(0, before + length).Select(_ => Normal(random))];
        double[] clean = Filtered(input, denominator, numerator, delay);
        double[] disturbance = noise switch
        {
            "coloured" => Filtered(white, [1.0, -0.9], [1.0], 0),
            "drifting" => Filtered(white, [1.0, -0.998], [1.0], 0),
            "process" => Filtered(white, denominator, [1.0], 0),
            _ => white,
        };
        double signal = Deviation(clean);
        double scale = ratio * signal / Deviation(disturbance);
        var inputs = Matrix<double>.Build.Dense(1, length, (_, t) => input[before + t]);
        var targets = Matrix<double>.Build.Dense(1, length, (_, t) =>
        {
            double y = clean[before + t];
            return (saturates ? 2.0 * signal * Math.Tanh(y / (2.0 * signal)) : y) + scale * disturbance[before + t];
        });
        string name = $"T {training}, n {order}, delay {delay}, {excitation} input, {noise} noise {ratio:F2}"
            + (saturates ? ", saturated" : "") + (fromRest ? "" : ", not from rest");
        return new GeneratedPlant(inputs, targets, training, name);
    }

    /// <summary>1 + a_1 z⁻¹ + … and b_0 + b_1 z⁻¹ + ….</summary>
    private static (double[] Denominator, double[] Numerator) Transfer(Random random, int order)
    {
        double[] denominator = [1.0];
        for (int left = order; left > 0;)
        {
            double radius = 1.0 - Math.Pow(10.0, -0.3 - 1.7 * random.NextDouble());
            if (left >= 2 && random.Next(2) == 0)
            {
                double angle = Math.PI * Math.Pow(random.NextDouble(), 2.0);
                denominator = Product(denominator, [1.0, -2.0 * radius * Math.Cos(angle), radius * radius]);
                left -= 2;
            }
            else
            {
                denominator = Product(denominator, [1.0, -radius]);
                left--;
            }
        }
        double[] numerator = [1.0];
        for (int i = 0; i + 1 < order; i++)
        {
            numerator = Product(numerator, [1.0, -1.4 * (random.NextDouble() * 2.0 - 1.0)]);
        }
        return (denominator, numerator);
    }

    private static double[] Input(Random random, string excitation, int length)
    {
        double[] white = [.. Enumerable.Range(0, length).Select(_ => Normal(random))];
        switch (excitation)
        {
            case "slow":
                return Filtered(white, [1.0, -0.9], [1.0], 0);
            case "binary" or "steps":
                int hold = excitation == "binary" ? 8 : 30;
                for (int t = 1; t < length; t++)
                {
                    white[t] = random.Next(hold) == 0 ? white[t] : white[t - 1];
                }
                return excitation == "steps" ? white : [.. white.Select(x => x > 0.0 ? 1.0 : -1.0)];
            default:
                return white;
        }
    }

    private static double[] Filtered(double[] input, double[] denominator, double[] numerator, int delay)
    {
        double[] output = new double[input.Length];
        for (int t = 0; t < input.Length; t++)
        {
            for (int k = 0; k < numerator.Length && k + delay <= t; k++)
            {
                output[t] += numerator[k] * input[t - k - delay];
            }
            for (int k = 1; k < denominator.Length && k <= t; k++)
            {
                output[t] -= denominator[k] * output[t - k];
            }
        }
        return output;
    }

    private static double[] Product(double[] a, double[] b)
    {
        double[] product = new double[a.Length + b.Length - 1];
        for (int i = 0; i < a.Length; i++)
        {
            for (int k = 0; k < b.Length; k++)
            {
                product[i + k] += a[i] * b[k];
            }
        }
        return product;
    }

    private static double Deviation(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Average(x => (x - mean) * (x - mean)));
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2.0 * Math.Log(1.0 - random.NextDouble())) * Math.Cos(2.0 * Math.PI * random.NextDouble());
}
