// Puts a page together from its parts: one document with its style and script inside, which loads nothing.

using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Bptt.Cli.Studio;

/// <param name="document">The name of the part with the elements, such as chapter.html.</param>
/// <param name="scripts">The parts with the script, in their order.</param>
/// <param name="data">The parts with data that the script reads, by the ids of their elements.</param>
internal sealed class StudioPage(
    string document, IReadOnlyList<string> scripts, IReadOnlyList<(string Id, string Part)> data)
{
    private const int NonceBytes = 16;
    private readonly Lazy<string> _text = new(() => Assemble(document, scripts, data));

    /// <summary>The page, for this answer alone: only what it brought itself may run in it.</summary>
    public IResult Answer(HttpContext context)
    {
        string nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes));
        context.Response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        return TypedResults.Text(
            _text.Value.Replace("{{nonce}}", nonce, StringComparison.Ordinal), "text/html", Encoding.UTF8);
    }

    /// <summary>A part of a page.</summary>
    public static string Part(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"studio/{name}")
            ?? throw new InvalidOperationException($"There is no part '{name}' of a page.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string Assemble(
        string document, IReadOnlyList<string> scripts, IReadOnlyList<(string Id, string Part)> data)
    {
        string blocks = string.Concat(data.Select(d =>
            $"<script type=\"application/json\" id=\"{d.Id}\">"
            + $"{Part(d.Part).Replace("<", "\\u003c", StringComparison.Ordinal)}</script>\n"));
        return Part(document)
            .Replace("{{style}}", Part("studio.css"), StringComparison.Ordinal)
            .Replace("{{data}}", blocks, StringComparison.Ordinal)
            .Replace("{{script}}", string.Concat(scripts.Select(Part)), StringComparison.Ordinal);
    }
}
