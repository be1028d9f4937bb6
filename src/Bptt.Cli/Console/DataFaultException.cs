// A fault of the data, a file or the training: told to the user in one message, without a stack trace.

namespace Bptt.Cli.Console;

/// <summary>Ends the command with <see cref="ExitCode.DataFault"/>.</summary>
internal sealed class DataFaultException(string message, Exception? inner = null) : Exception(message, inner);
