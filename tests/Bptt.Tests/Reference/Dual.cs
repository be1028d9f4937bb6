// Dual numbers: a value and its derivative along one direction, carried along together. This is forward-mode
// differentiation, exact where the scalar is exact. It knows no sequence and no recursion backward in time.

using System.Numerics;

namespace Bptt.Tests.Reference;

/// <summary>Value + Derivative·ε with ε² = 0.</summary>
internal readonly record struct Dual<TScalar>(TScalar Value, TScalar Derivative) :
    IAdditionOperators<Dual<TScalar>, Dual<TScalar>, Dual<TScalar>>,
    ISubtractionOperators<Dual<TScalar>, Dual<TScalar>, Dual<TScalar>>,
    IMultiplyOperators<Dual<TScalar>, Dual<TScalar>, Dual<TScalar>>,
    IDivisionOperators<Dual<TScalar>, Dual<TScalar>, Dual<TScalar>>,
    IAdditiveIdentity<Dual<TScalar>, Dual<TScalar>>,
    IMultiplicativeIdentity<Dual<TScalar>, Dual<TScalar>>
    where TScalar :
        IAdditionOperators<TScalar, TScalar, TScalar>,
        ISubtractionOperators<TScalar, TScalar, TScalar>,
        IMultiplyOperators<TScalar, TScalar, TScalar>,
        IDivisionOperators<TScalar, TScalar, TScalar>,
        IAdditiveIdentity<TScalar, TScalar>,
        IMultiplicativeIdentity<TScalar, TScalar>
{
    public static Dual<TScalar> AdditiveIdentity => Constant(TScalar.AdditiveIdentity);

    public static Dual<TScalar> MultiplicativeIdentity => Constant(TScalar.MultiplicativeIdentity);

    public static Dual<TScalar> Constant(TScalar value) => new(value, TScalar.AdditiveIdentity);

    /// <summary>The number that is differentiated with respect to.</summary>
    public static Dual<TScalar> Variable(TScalar value) => new(value, TScalar.MultiplicativeIdentity);

    public static Dual<TScalar> operator +(Dual<TScalar> left, Dual<TScalar> right) =>
        new(left.Value + right.Value, left.Derivative + right.Derivative);

    public static Dual<TScalar> operator -(Dual<TScalar> left, Dual<TScalar> right) =>
        new(left.Value - right.Value, left.Derivative - right.Derivative);

    public static Dual<TScalar> operator *(Dual<TScalar> left, Dual<TScalar> right) =>
        new(left.Value * right.Value, (left.Derivative * right.Value) + (left.Value * right.Derivative));

    public static Dual<TScalar> operator /(Dual<TScalar> left, Dual<TScalar> right) =>
        new(left.Value / right.Value,
            ((left.Derivative * right.Value) - (left.Value * right.Derivative)) / (right.Value * right.Value));
}
