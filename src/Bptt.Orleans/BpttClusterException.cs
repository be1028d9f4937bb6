// A cluster that cannot go on. Data only.

namespace Bptt.Orleans;

/// <summary>There is no worker that could go on with the work; the message says who was refused, and why.</summary>
public sealed class BpttClusterException : Exception
{
    /// <summary>Creates the exception.</summary>
    public BpttClusterException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public BpttClusterException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and what caused it.</summary>
    public BpttClusterException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
