// What a reader of the data ought to be told, in a line. Prints nothing.

namespace Bptt.Cli.Data;

/// <summary>A line about the data.</summary>
/// <param name="Text">One sentence, or two.</param>
/// <param name="IsDoubt">Whether something may be wrong; otherwise it says what was done.</param>
internal sealed record Remark(string Text, bool IsDoubt);
