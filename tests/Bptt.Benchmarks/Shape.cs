// The sizes of one row of the table, and the work that the textbook says they need.
//
//   d  inputs      h  hidden units      q  outputs      T_b  steps of sequence b      B  sequences

using System.Globalization;

namespace Bptt.Benchmarks;

/// <summary>The sizes of a problem.</summary>
internal sealed class Shape
{
    /// <summary>The rows of the table that is printed where none are asked for. Another shape is one more
    /// entry.</summary>
    public static readonly IReadOnlyList<string> Defaults =
    [
        "16:1024",
        "64:1024",
        "256:1024",
        "512:8192",
        "1024:256",
        "256:1024:32",
        "64:1..512:64",
    ];

    private Shape(string text, int hiddenSize, int inputSize, int outputSize, int[] lengths)
    {
        Text = text;
        HiddenSize = hiddenSize;
        InputSize = inputSize;
        OutputSize = outputSize;
        Lengths = lengths;
    }

    /// <summary>h:T, h:T:B or h:T:B:d:q, as it was written.</summary>
    public string Text { get; }

    public int HiddenSize { get; }

    public int InputSize { get; }

    public int OutputSize { get; }

    public IReadOnlyList<int> Lengths { get; }

    /// <summary>ΣT_b.</summary>
    public long TotalLength => Lengths.Sum(length => (long)length);

    /// <summary>Floating point operations of one forward and one backward pass by the formulas, ∂L/∂x_t left out: W_hx,
    /// W_hh and W_qh forward; W_hhᵀ and W_qhᵀ backward; and the three gradients. Each product counts two operations
    /// for each entry of its weight matrix and each step, whatever a program really executes.</summary>
    public double TextbookWork
    {
        get
        {
            double perStep =
                2.0 * (3.0 * HiddenSize * HiddenSize + 2.0 * HiddenSize * InputSize + 3.0 * HiddenSize * OutputSize);
            return perStep * TotalLength;
        }
    }

    /// <summary>Reads h:T, h:T:B or h:T:B:d:q. T may be a range, as in 64:1..512:64: lengths spread uniformly over it.
    /// d and q are h where they are not given.</summary>
    /// <exception cref="FormatException">The text is nothing of the kind.</exception>
    public static Shape Parse(string text)
    {
        string[] parts = text.Split(':');
        string[] range = parts.Length is 2 or 3 or 5 ? parts[1].Split("..") : [];
        if (range.Length is not (1 or 2))
        {
            throw Fault(text);
        }

        int hiddenSize = Size(parts[0], text);
        int count = parts.Length > 2 ? Size(parts[2], text) : 1;
        int inputSize = parts.Length > 3 ? Size(parts[3], text) : hiddenSize;
        int outputSize = parts.Length > 3 ? Size(parts[4], text) : hiddenSize;
        int shortest = Size(range[0], text);
        int longest = Size(range[^1], text);
        return shortest <= longest
            ? new Shape(text, hiddenSize, inputSize, outputSize, Spread(shortest, longest, count))
            : throw Fault(text);
    }

    /// <summary>The same problem, shorter in time.</summary>
    public Shape Shortened(int divisor) => new(
        Text, HiddenSize, InputSize, OutputSize, [.. Lengths.Select(length => Math.Max(1, length / divisor))]);

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>The sizes in words.</summary>
    public string Describe()
    {
        int shortest = Lengths.Min();
        int longest = Lengths.Max();
        string steps = shortest == longest ? $"T = {longest}" : $"T = {shortest}…{longest}";
        string others = InputSize == HiddenSize && OutputSize == HiddenSize
            ? ""
            : $", d = {InputSize}, q = {OutputSize}";
        return $"h = {HiddenSize}{others}, {steps}, B = {Lengths.Count}";
    }

    private static int[] Spread(int shortest, int longest, int count)
    {
        int[] lengths = new int[count];
        for (int b = 0; b < count; b++)
        {
            double fraction = count == 1 ? 1.0 : (double)b / (count - 1);
            lengths[b] = (int)Math.Round(shortest + fraction * (longest - shortest));
        }
        return lengths;
    }

    private static int Size(string part, string text) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n > 0 ? n : throw Fault(text);

    private static FormatException Fault(string text) =>
        new($"Expected a shape such as 256:1024, 256:1024:32, 64:1..512:64 or 128:1024:1:4:4, got '{text}'.");
}
