#!/bin/sh
# Prints the C source that carries the given files inside the program (base/embedded.h).
set -eu
echo '#include "base/embedded.h"'
n=0
for file; do
    n=$((n + 1))
    printf '__asm__(".pushsection .rodata\\nembedded_%d: .incbin \\"%s\\"\\n.byte 0\\n.popsection");\n' "$n" "$file"
    printf 'extern const char embedded_%d[];\n' "$n"
done
echo 'const struct embedded embedded_files[] = {'
n=0
for file; do
    n=$((n + 1))
    printf '    {"%s", embedded_%d, %d},\n' "${file#build/}" "$n" "$(wc -c <"$file")"
done
echo '    {0}};'
