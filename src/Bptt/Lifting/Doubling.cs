// From the weights of an RNN to those of the RNN that takes S steps at once, and with gradients all the way back: each
// formula above the line that computes it.

namespace Bptt.Lifting;

/// <summary>What of a product is computed.</summary>
internal enum ProductParts
{
    /// <summary>A B.</summary>
    Value = 1,

    /// <summary>Its derivative, Ȧ B + A Ḃ.</summary>
    Derivative = 2,

    /// <summary>Both.</summary>
    Both = 3,
}

/// <summary>Each step of the doubling is a product of two matrices, and each step back two products with a matrix
/// transposed.</summary>
/// <param name="context">Kernels and threads.</param>
/// <param name="parts">What of each product is computed.</param>
internal readonly struct Doubling(PassContext context, ProductParts parts)
{
    /// <summary>P_j, Q_i and M_k, at cost 2h²S(d + q) + 2hqdS; the powers are there.</summary>
    /// <param name="w">Receives them.</param>
    public void Up(MovingTerms w)
    {
        // P_0 = W_hx      Q_0 = W_qh W_hh
        Copy(w.Whx, w.P(0, 1));
        Multiply(w.Wqh, w.Whh, w.Q(0, 1));
        for (int level = 0, m = 1; m < w.Values.ChunkLength; level++, m *= 2)
        {
            // P_{m…2m−1} = W_hh^m P_{0…m−1}
            Multiply(w.Power(level), w.P(0, m), w.P(m, m));

            // Q_{m…2m−1} = Q_{0…m−1} W_hh^m
            Multiply(w.Q(0, m), w.Power(level), w.Q(m, m));
        }

        // M_k = W_qh P_k
        Multiply(w.Wqh, w.C, w.Response);
    }

    /// <summary>W_hh^{2m} = W_hh^m W_hh^m, at cost 2h³ each.</summary>
    /// <param name="w">Receives them; W_hh is there.</param>
    public void Square(MovingTerms w)
    {
        Copy(w.Whh, w.Power(0));
        for (int level = 0, m = 1; m < w.Values.ChunkLength; level++, m *= 2)
        {
            Multiply(w.Power(level), w.Power(level), w.Power(level + 1));
        }
    }

    /// <summary>The gradients of W_hx, W_hh and W_qh from those of C, A, O and M: <see cref="Square"/> and
    /// <see cref="Up"/> from the last line to the first.</summary>
    /// <param name="w">The matrices.</param>
    /// <param name="g">Their gradients: those of C, A, O and M are there, and undefined afterwards; receives those of
    /// the weights.</param>
    public void Back(MovingTerms w, MovingTerms g)
    {
        int levels = int.Log2(w.Values.ChunkLength);
        Copy(g.A, g.Power(levels));

        // M_k = W_qh P_k
        MultiplyAdd(w.Wqh.T, g.Response, g.C);
        Multiply(g.Response, w.C.T, g.Wqh);
        for (int level = levels - 1; level >= 0; level--)
        {
            int m = 1 << level;

            // P_{m…2m−1} = W_hh^m P_{0…m−1}
            Multiply(g.P(m, m), w.P(0, m).T, g.Power(level));
            MultiplyAdd(w.Power(level).T, g.P(m, m), g.P(0, m));

            // Q_{m…2m−1} = Q_{0…m−1} W_hh^m
            MultiplyAdd(w.Q(0, m).T, g.Q(m, m), g.Power(level));
            MultiplyAdd(g.Q(m, m), w.Power(level).T, g.Q(0, m));
        }

        // P_0 = W_hx      Q_0 = W_qh W_hh
        Copy(g.P(0, 1), g.Whx);
        MultiplyAdd(g.Q(0, 1), w.Whh.T, g.Wqh);
        MultiplyAdd(w.Wqh.T, g.Q(0, 1), g.Power(0));
        for (int level = levels - 1; level >= 0; level--)
        {
            // W_hh^{2m} = W_hh^m W_hh^m
            MultiplyAdd(g.Power(level + 1), w.Power(level).T, g.Power(level));
            MultiplyAdd(w.Power(level).T, g.Power(level + 1), g.Power(level));
        }
        Copy(g.Power(0), g.Whh);
    }

    private void Copy(Moving from, Moving to)
    {
        if (parts.HasFlag(ProductParts.Value))
        {
            from.Value.CopyTo(to.Value);
        }
        if (parts.HasFlag(ProductParts.Derivative))
        {
            from.Derivative!.Value.CopyTo(to.Derivative!.Value);
        }
    }

    private void Multiply(Moving a, Moving b, Moving c)
    {
        if (parts.HasFlag(ProductParts.Value))
        {
            SharedProduct.Multiply(context, a.Value, b.Value, c.Value);
        }
        if (parts.HasFlag(ProductParts.Derivative))
        {
            SharedProduct.Multiply(context, a.Derivative!.Value, b.Value, c.Derivative!.Value);
            SharedProduct.MultiplyAdd(context, a.Value, b.Derivative!.Value, c.Derivative!.Value);
        }
    }

    private void MultiplyAdd(Moving a, Moving b, Moving c)
    {
        if (parts.HasFlag(ProductParts.Derivative))
        {
            SharedProduct.MultiplyAdd(context, a.Derivative!.Value, b.Value, c.Derivative!.Value);
            SharedProduct.MultiplyAdd(context, a.Value, b.Derivative!.Value, c.Derivative!.Value);
        }
        if (parts.HasFlag(ProductParts.Value))
        {
            SharedProduct.MultiplyAdd(context, a.Value, b.Value, c.Value);
        }
    }
}
