// What a training does with h_0. Names only.

namespace Bptt.Training;

/// <summary>Where the state starts, in sequences and in windows of them.</summary>
public enum InitialStateKind
{
    /// <summary>Every sequence starts from zero, and so does every window, which is then a sequence of its
    /// own.</summary>
    Zero,

    /// <summary>Every sequence starts from a fixed h_0, zero unless given; each window starts from the state in which
    /// the one before ended, as it was computed with the weights of that time. No gradient crosses the
    /// border.</summary>
    Carried,

    /// <summary>As <see cref="Carried"/>, but h_0 of every sequence is a parameter too, learned by its first window. A
    /// sequence that is not in a mini-batch has gradient zero there, so momentum may still move its h_0.</summary>
    Learned,
}
