// Runs all cases and prints a line for each. Compares the numbers of threads with each other and nothing else: two
// builds are compared by the lines that they print.

using System.Diagnostics;
using System.Globalization;

namespace Bptt.Benchmarks.Bits;

internal static class BitRun
{
    /// <summary>Runs the cases.</summary>
    /// <param name="only">What the name of a case must contain; null for all cases.</param>
    /// <param name="output">Receives a line for each: its name and 16 hexadecimal digits, or the exception that it
    /// threw.</param>
    /// <param name="progress">Receives what is wrong, and how long it took.</param>
    /// <returns>Whether no case threw, and all numbers of threads gave the same.</returns>
    public static bool Run(string? only, TextWriter output, TextWriter progress)
    {
        var clock = Stopwatch.StartNew();
        var results = new Dictionary<string, string>();
        int count = 0;
        int wrong = 0;
        using var hash = new BitHash();
        foreach (BitCase oneCase in All().Where(c => only is null || c.Name.Contains(only, StringComparison.Ordinal)))
        {
            string digits = Digits(oneCase, hash, out string? fault);
            if (!results.TryAdd(oneCase.NameOfResult, digits) && results[oneCase.NameOfResult] != digits)
            {
                fault ??= "expected the same result as with another number of threads, got another one";
            }
            output.WriteLine($"{oneCase.Name} {digits}");
            if (fault is not null)
            {
                wrong++;
                progress.WriteLine($"{oneCase.Name}: {fault}");
            }
            count++;
        }
        progress.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{count} cases in {clock.Elapsed.TotalSeconds:F0} s, {wrong} wrong."));
        return wrong == 0;
    }

    private static IEnumerable<BitCase> All() =>
    [
        .. PassCases.All(),
        .. MemoryCases.All(),
        .. ObjectiveCases.All(),
        .. ExtremeCases.All(),
        .. DerivativeCases.All(),
        .. TrainingCases.All(),
        .. StartCases.All(),
        .. ModelCases.All(),
        .. InsightCases.All(),
        .. VerificationCases.All(),
    ];

    private static string Digits(BitCase oneCase, BitHash hash, out string? fault)
    {
        fault = null;
        try
        {
            oneCase.Run(hash);
        }
        catch (Exception e) // told, and the others run on
        {
            hash.Finish(); // what it had added
            fault = e.Message;
            return e.GetType().Name;
        }
        return hash.Finish();
    }
}
