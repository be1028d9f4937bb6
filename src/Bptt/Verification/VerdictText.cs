// A verdict in words.

namespace Bptt.Verification;

internal static class VerdictText
{
    public static string InWords(this Verdict verdict) => verdict switch
    {
        Verdict.Passed => "passed",
        Verdict.Failed => "FAILED",
        _ => "cannot be told",
    };
}
