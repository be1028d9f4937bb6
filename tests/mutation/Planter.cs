// Plants mutations in one source file: each an alternative that a number in MutantSwitch chooses while the program
// runs, so that one build holds them all.

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Bptt.Mutation;

/// <summary>One change of the source.</summary>
/// <param name="Number">Its number in all files; 0 until it is chosen.</param>
/// <param name="File">Where, from the root of the repository.</param>
/// <param name="Line">The line in the original, from 1.</param>
/// <param name="Before">The original.</param>
/// <param name="After">What takes its place; empty for a statement left out.</param>
internal sealed record Mutant(int Number, string File, int Line, string Before, string After)
{
    /// <summary>Where and what, in one line.</summary>
    public string Text => $"{File}:{Line}  {Before}  →  {(After == "" ? "(left out)" : Planter.OneLine(After))}";

    public override string ToString() => $"{Number,5}  {Text}";
}

internal static class Planter
{
    /// <summary>Everything that can be planted in a file, in the order of the text.</summary>
    /// <param name="file">Where, from the root of the repository.</param>
    /// <param name="text">Its text.</param>
    /// <param name="transposes">Whether transposes are left out, and nothing else is changed.</param>
    public static List<(SyntaxNode Node, Mutant Mutant)> Candidates(string file, string text, bool transposes)
    {
        SyntaxNode root = CSharpSyntaxTree.ParseText(text).GetRoot();
        var found = new List<(SyntaxNode, Mutant)>();
        foreach (SyntaxNode node in root.DescendantNodes(IsOpen).Where(IsOpen))
        {
            foreach (string after in transposes ? Untransposed(node) : Alternatives(node))
            {
                int line = node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
                found.Add((node, new Mutant(0, file, line, OneLine(node.ToString()), after)));
            }
        }
        return found;
    }

    /// <summary>The text with mutants in it.</summary>
    public static string Plant(SyntaxNode root, IEnumerable<(SyntaxNode Node, Mutant Mutant)> chosen)
    {
        ILookup<SyntaxNode, Mutant> byNode = chosen.ToLookup(c => c.Node, c => c.Mutant);
        return root.ReplaceNodes(byNode.Select(group => group.Key), (original, rewritten) =>
        {
            string text = rewritten.WithoutTrivia().ToString();
            foreach (Mutant mutant in byNode[original])
            {
                string isChosen = $"global::Bptt.MutantSwitch.Is({mutant.Number})";
                text = original is StatementSyntax
                    ? $"if (!{isChosen}) {{ {text} }}"
                    : $"({isChosen} ? ({mutant.After}) : ({text}))";
            }
            SyntaxNode planted = original is StatementSyntax
                ? SyntaxFactory.ParseStatement(text)
                : SyntaxFactory.ParseExpression(text);
            return planted.WithTriviaFrom(original);
        }).ToFullString();
    }

    /// <summary>Not where only constants may stand, where the code only words an error or is left out of a release, or
    /// where it runs once in a process, before a mutant is chosen: in a static field or the start of a static
    /// property.</summary>
    private static bool IsOpen(SyntaxNode node) => node is not (
        AttributeListSyntax or ParameterListSyntax or EnumDeclarationSyntax or PatternSyntax or SwitchLabelSyntax
        or ThrowStatementSyntax or ThrowExpressionSyntax or InterpolatedStringExpressionSyntax)
        && !(node is FieldDeclarationSyntax field
            && (field.Modifiers.Any(SyntaxKind.ConstKeyword) || field.Modifiers.Any(SyntaxKind.StaticKeyword)))
        && !(node is EqualsValueClauseSyntax { Parent: PropertyDeclarationSyntax property }
            && property.Modifiers.Any(SyntaxKind.StaticKeyword))
        && !(node is ObjectCreationExpressionSyntax made
            && made.Type.ToString().EndsWith("Exception", StringComparison.Ordinal))
        && !(node is ExpressionStatementSyntax { Expression: InvocationExpressionSyntax call }
            && call.Expression.ToString().StartsWith("Debug.", StringComparison.Ordinal))
        && !(node is LocalDeclarationStatementSyntax local && local.IsConst);

    private static IEnumerable<string> Untransposed(SyntaxNode node) =>
        node is MemberAccessExpressionSyntax { Name.Identifier.Text: "T" } transpose
            ? [transpose.Expression.ToString()]
            : [];

    private static IEnumerable<string> Alternatives(SyntaxNode node)
    {
        switch (node)
        {
            case BinaryExpressionSyntax binary when Operator(binary.Kind()) is string other:
                yield return $"{binary.Left} {other} {binary.Right}";
                break;
            case LiteralExpressionSyntax { RawKind: (int)SyntaxKind.NumericLiteralExpression } literal:
                yield return literal.Token.Value is int or long or 0.0 ? $"{literal} + 1" : $"{literal} * 2";
                break;
            case PrefixUnaryExpressionSyntax not when not.IsKind(SyntaxKind.LogicalNotExpression):
                yield return not.Operand.ToString();
                break;
            case PrefixUnaryExpressionSyntax minus when minus.IsKind(SyntaxKind.UnaryMinusExpression):
                yield return minus.Operand.ToString();
                break;
            case IdentifierNameSyntax { Parent: ArgumentSyntax { Parent: BracketedArgumentListSyntax } } index:
                yield return $"{index} + 1";
                break;
            case InvocationExpressionSyntax { ArgumentList.Arguments: { Count: > 1 } arguments } call
                when arguments[0].ToString() != arguments[^1].ToString()
                    && arguments.All(a => a.RefKindKeyword.RawKind == 0 && a.NameColon is null)
                    && call.Expression
                        is not MemberAccessExpressionSyntax { Name.Identifier.Text: "Max" or "Min" or "Dot" }:
                yield return $"{call.Expression}({string.Join(", ", arguments.Reverse())})";
                break;
            case ConditionalExpressionSyntax conditional:
                yield return $"{conditional.Condition} ? {conditional.WhenFalse} : {conditional.WhenTrue}";
                break;
            case ExpressionStatementSyntax statement when statement.Expression
                is InvocationExpressionSyntax or AssignmentExpressionSyntax or PostfixUnaryExpressionSyntax:
                yield return "";
                break;
        }
    }

    private static string? Operator(SyntaxKind kind) => kind switch
    {
        SyntaxKind.AddExpression => "-",
        SyntaxKind.SubtractExpression => "+",
        SyntaxKind.MultiplyExpression => "/",
        SyntaxKind.DivideExpression => "*",
        SyntaxKind.ModuloExpression => "*",
        SyntaxKind.LessThanExpression => "<=",
        SyntaxKind.LessThanOrEqualExpression => "<",
        SyntaxKind.GreaterThanExpression => ">=",
        SyntaxKind.GreaterThanOrEqualExpression => ">",
        SyntaxKind.EqualsExpression => "!=",
        SyntaxKind.NotEqualsExpression => "==",
        SyntaxKind.LogicalAndExpression => "||",
        SyntaxKind.LogicalOrExpression => "&&",
        _ => null,
    };

    /// <summary>The beginning of a text, without line breaks.</summary>
    public static string OneLine(string text)
    {
        string line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= 100 ? line : line[..100] + "…";
    }
}
