// Text of a user's (names of files and columns) as XML may hold it.

using System.Xml;

namespace Bptt.Cli.Pictures;

internal static class SafeText
{
    /// <summary>The text, with � for each character that XML forbids even when escaped: control characters and halves
    /// of surrogate pairs. A file name may hold them.</summary>
    public static string Clean(string text)
    {
        char[] clean = text.ToCharArray();
        for (int i = 0; i < clean.Length; i++)
        {
            if (i + 1 < clean.Length && XmlConvert.IsXmlSurrogatePair(clean[i + 1], clean[i]))
            {
                i++;
            }
            else if (!XmlConvert.IsXmlChar(clean[i]))
            {
                clean[i] = '\uFFFD';
            }
        }
        return new string(clean);
    }
}
