// The doubling and the way back through it: powers and products as they are defined, and that one is the adjoint of the
// other's derivative.

using Bptt.Lifting;
using Bptt.LinearAlgebra;
using Bptt.Passes;

namespace Bptt.Tests.Lifting;

public class DoublingTests
{
    private readonly Examples _examples = new(seed: 64);
    private readonly PassContext _context = PassContext.Alone(new ExecutionOptions().Settings);

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(2, 3, 1, 1)]
    [InlineData(1, 4, 3, 2)]
    [InlineData(3, 5, 2, 3)]
    [InlineData(2, 7, 3, 5)]
    public void Weights_are_products_of_the_model(int d, int h, int q, int levels)
    {
        LinearRnn model = _examples.Model(d, h, q, 0.9);
        DoublingTerms terms = Weights(model, levels).Terms;
        int steps = 1 << levels;
        for (int j = 0; j < steps; j++)
        {
            var power = model.Whh.Power(j);
            Close(terms.P(j, 1), power * model.Whx);
            Close(terms.Q(j, 1), model.Wqh * power * model.Whh);
            Close(terms.Response.ColumnRange((steps - 1 - j) * d, d), model.Wqh * power * model.Whx);
        }
        Close(terms.A, model.Whh.Power(steps));
    }

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(2, 3, 1, 1)]
    [InlineData(1, 4, 3, 2)]
    [InlineData(3, 5, 2, 3)]
    [InlineData(2, 7, 3, 5)]
    public void The_way_back_is_the_adjoint_of_the_derivative(int d, int h, int q, int levels)
    {
        LinearRnn model = _examples.Model(d, h, q, 0.9);
        LiftedWeights weights = Weights(model, levels);
        ParameterArray direction = _examples.Model(d, h, q, 1.0).Weights;
        DoublingTerms moved = weights.Derivative(FlatDirection.Of(direction, null), _context);

        // ⟨g, how C, A, O or M moves⟩ = ⟨way back from g, V⟩ for each of them alone, so that no product hides another.
        foreach (string part in new[] { "C", "A", "O", "M" })
        {
            DoublingTerms gradients = weights.Terms.ForAnother(
                ParameterArray.ShapedLike(model.Weights, _context.Storage), _context);
            gradients.Lifted.Values.Clear();
            gradients.Response.Span.Values.Clear();
            Span<double> entries = Part(gradients, part);
            _examples.Matrix(entries.Length, 1).AsColumnMajorArray().CopyTo(entries);
            double before = VectorMath.Dot(entries, Part(moved, part));
            double size = VectorMath.Norm(entries) * VectorMath.Norm(Part(moved, part));

            weights.Back(gradients, _context);
            VectorMath.Dot(gradients.Model.Values, direction.Values).Should()
                .BeApproximately(before, 1e-14 * size, $"{part}, {_examples}");
        }
    }

    private static Span<double> Part(DoublingTerms terms, string part) => part switch
    {
        "C" => terms.Lifted.Whx.Values,
        "A" => terms.Lifted.Whh.Values,
        "O" => terms.Lifted.Wqh.Values,
        _ => terms.Response.Span.Values,
    };

    private LiftedWeights Weights(LinearRnn model, int levels) => new(
        _context, model.Weights, new LiftedPowers(_context, model.Weights.Whh, levels, areExact: true));

    private void Close(StoredMatrix actual, MathNet.Numerics.LinearAlgebra.Matrix<double> expected)
    {
        for (int i = 0; i < expected.RowCount; i++)
        {
            for (int j = 0; j < expected.ColumnCount; j++)
            {
                actual.Span.Column(j)[i].Should().BeApproximately(expected[i, j], 1e-13, $"{_examples}");
            }
        }
    }
}
