// Missing values of one column: counted, or filled on a straight line between the neighbours in the same run.

namespace Bptt.Cli.Data;

internal static class Gaps
{
    /// <summary>The values with each NaN replaced on the straight line between its measured neighbours; before the
    /// first and after the last measured one by that. Null where none is measured.</summary>
    public static double[]? Filled(double[] values)
    {
        double[] filled = [.. values];
        int last = -1;
        for (int i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i]))
            {
                continue;
            }
            for (int k = last + 1; k < i; k++)
            {
                filled[k] = last < 0
                    ? values[i]
                    : values[last] + (values[i] - values[last]) * ((double)(k - last) / (i - last));
            }
            last = i;
        }
        if (last < 0)
        {
            return null;
        }
        Array.Fill(filled, values[last], last + 1, values.Length - last - 1);
        return filled;
    }
}
