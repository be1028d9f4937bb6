#!/usr/bin/env bash
# Builds the documentation as a folder of pages, artifacts/site, that opens from disc: open artifacts/site/index.html.
# The pages are the READMEs and, made of the comments in the code, the API. Needs the .NET SDK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for project in Bptt Bptt.Onnx Bptt.Orleans Bptt.TorchSharp; do
  dotnet build -c Release "src/$project" --verbosity quiet
done

# Beside each other as in the repository, so that the links of the READMEs lead where they should.
source=artifacts/site-source
rm -rf "$source" artifacts/site
mkdir -p "$source"
cp -r src/site/docfx.json src/site/toc.yml src/site/template "$source"
git ls-files README.md CHANGELOG.md LICENSE '*/README.md' 'src/pictures/*' 'src/*/samples/*.cs' 'tests/*/*.svg' |
  while read -r file; do
    mkdir -p "$source/$(dirname "$file")"
    cp "$file" "$source/$file"
  done

dotnet tool restore
# Warnings of parameters documented twice are of documentation that is inherited and overridden in part.
dotnet docfx "$source/docfx.json" | tee "$source/docfx.txt"
if grep -E 'warning (Invalid(File|Bookmark)|.*NotFound)' "$source/docfx.txt"; then
  echo "A link leads nowhere." >&2
  exit 1
fi
cp artifacts/site/README.html artifacts/site/index.html
