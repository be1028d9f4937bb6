// Numbers as types, so that the compiler makes a version of a kernel for each and drops what that version does not use.

namespace Bptt.Kernels;

internal interface IConstant
{
    static abstract int Value { get; }
}

internal readonly struct N0 : IConstant
{
    public static int Value => 0;
}

internal readonly struct N1 : IConstant
{
    public static int Value => 1;
}

internal readonly struct N2 : IConstant
{
    public static int Value => 2;
}

internal readonly struct N3 : IConstant
{
    public static int Value => 3;
}

internal readonly struct N4 : IConstant
{
    public static int Value => 4;
}

internal readonly struct N5 : IConstant
{
    public static int Value => 5;
}

internal readonly struct N6 : IConstant
{
    public static int Value => 6;
}

internal readonly struct N7 : IConstant
{
    public static int Value => 7;
}

internal readonly struct N8 : IConstant
{
    public static int Value => 8;
}
