# Runs boot.ipxe of a tree as iPXE would (src/core/exec.c, settings.c, image/script.c), so far as our
# scripts go, and prints what it would show and boot: "item LABEL TITLE", "kernel PATH", "initrd PATH",
# "word ARGUMENT", "boot"; what our scripts may not do is "error: ...".
#
#   awk -v tree=DIR -v mac=52-54-00-12-34-56 -v choice=entry-debian -v platform=efi -v arch=x86_64 \
#       -f ipxe.awk
#
# choice: the menu line to take; "": the one on which the menu stands (nothing is shown before that
# if the script shows none). A line is split at blanks first; the words || && ; end a command, a word
# that begins with # the line; then ${...} are put in, and again in what was put in.

function fail(why) { print "error: " why; failed = 1; return 1 }

function decode(text,    out, at, code) {
    out = ""
    while ((at = index(text, "%")) > 0) {
        out = out substr(text, 1, at - 1)
        code = toupper(substr(text, at + 1, 2))
        if (code !~ /^[0-9A-F][0-9A-F]$/) { fail("% in " text); return out }
        out = out sprintf("%c", (index(HEX, substr(code, 1, 1)) - 1) * 16 + index(HEX, substr(code, 2, 1)) - 1)
        text = substr(text, at + 3)
    }
    return out text
}

# The last ${ before the first } behind one: the innermost first, until none is left.
function expand(text,    end, start, at, name) {
    while ((start = index(text, "${")) > 0) {
        end = index(substr(text, start), "}")
        if (!end) return text
        end += start - 1
        while ((at = index(substr(text, start + 2, end - start - 2), "${")) > 0) start += at + 1
        name = substr(text, start + 2, end - start - 2)
        if (name == "netX/mac:hexhyp") name = "netX/mac"
        sub(/:string$/, "", name)
        if (name !~ /^(netX\/mac|[a-z-]+)$/) fail("a setting of ours is no ${" name "}")
        text = substr(text, 1, start - 1) settings[name] substr(text, end + 1)
    }
    return text
}

function joined(from, to,    i, text) {
    text = from <= to ? argv[from] : ""
    for (i = from + 1; i <= to; i++) text = text " " argv[i]
    return text
}

# The first argument that is no option; where "--" would save a text that begins with "-", it has to be.
function operand(argc, values,    i) {
    for (i = 2; i <= argc && substr(argv[i], 1, 1) == "-"; i++) {
        if (argv[i] == "--") return i + 1
        option[substr(argv[i], 3)] = argv[i + 1]
        if (index(values, " " substr(argv[i], 3) " ")) i++
        else if (argv[i] != "--gap") fail("option " argv[i] " of " argv[1])
    }
    return i
}

function store(argc,    at, name, type) {
    at = index(argv[2], ":")
    name = at ? substr(argv[2], 1, at - 1) : argv[2]
    type = at ? substr(argv[2], at + 1) : "string"
    if (type == "uristring") settings[name] = decode(joined(3, argc))
    else if (type == "string") settings[name] = joined(3, argc)
    else fail("type " type)
    return 0
}

function path_of(uri) {
    if (index(uri, settings["base"] "/") != 1) { fail("not below base: " uri); return "" }
    return substr(uri, length(settings["base"]) + 2)
}

# Linux' words of a command line: "" keep blanks and go. initrd= of what was loaded is iPXE's affair.
function words(line,    i, c, word, inside, quoted) {
    inside = quoted = 0
    word = ""
    for (i = 1; i <= length(line) + 1; i++) {
        c = substr(line, i, 1)
        if (c == "\"") { quoted = !quoted; inside = 1 }
        else if (c != "" && (quoted || c != " ")) { word = word c; inside = 1 }
        else if (inside) {
            print "word " word
            word = ""
            inside = 0
        }
    }
    if (quoted) fail("a quote without end: " line)
}

# One command; 0 or another number. goto, exit and boot set stop.
function run(argc, script,    name, at, i, rest) {
    name = argv[1]
    if (argc == 0 || name == "") return 0
    if (name == "set") return store(argc)
    if (name == "clear") { delete settings[argv[2]]; return 0 }
    if (name == "isset") return argv[2] == ""
    if (name == "iseq") return argv[2] != argv[3]
    if (name == "imgfree") { loaded = expected = ""; return 0 }
    if (name == "echo" || name == "prompt") return 0
    if (name == "goto") { target = argv[2]; stop = "goto"; return 0 }
    if (name == "exit") { stop = "exit"; return argv[2] + 0 }
    if (name == "menu") { print "menu " joined(operand(argc, " "), argc); return 0 }
    if (name == "item") {
        at = operand(argc, " ")
        if (argv[2] != "--gap") print "item " argv[at] " " joined(at + 1, argc)
        return 0
    }
    if (name == "choose") {
        at = operand(argc, " timeout default ")
        print "timeout " option["timeout"]
        settings[argv[at]] = choice == "" ? option["default"] : choice
        return 0
    }
    if (name == "imgfetch") {
        at = operand(argc, " name ")
        image[option["name"]] = tree "/" path_of(argv[at])
        return (getline rest < image[option["name"]]) < 0 ? 1 : close(image[option["name"]])
    }
    if (name == "imgexec") return execute(image[argv[2]])
    if (name == "kernel") {
        at = operand(argc, " name ")
        print "kernel " path_of(argv[at])
        rest = ""
        for (i = at + 1; i <= argc; i++)
            if (argv[i] ~ /^initrd=initrd[0-9]+\.img$/ && rest == "") expected = expected " " substr(argv[i], 8)
            else rest = rest (rest == "" ? "" : " ") argv[i]
        words(rest)
        return 0
    }
    if (name == "initrd") {
        at = operand(argc, " name ")
        print "initrd " path_of(argv[at])
        loaded = loaded " " option["name"]
        return 0
    }
    if (name == "boot") {
        if (loaded != expected) fail("loaded" loaded ", named" expected)
        print "boot"
        stop = "boot"
        return 0
    }
    if (name == "shell" || name == "reboot") { print name; stop = "boot"; return 0 }
    return fail("command " name)
}

# One line: commands up to || && ; each.
function line(text,    tokens, count, i, argc, rc, process, ended) {
    count = split(text, tokens, /[ \t\r\f\v]+/)
    i = 1
    if (count && tokens[1] == "") i = 2
    if (count && tokens[count] == "") count--
    rc = 0
    process = 1
    for (;;) {
        argc = 0
        ended = ""
        delete argv
        for (; i <= count && ended == ""; i++) {
            if (substr(tokens[i], 1, 1) == "#") { i = count; continue }
            if (tokens[i] == "||" || tokens[i] == "&&" || tokens[i] == ";") ended = tokens[i]
            else argv[++argc] = process ? expand(tokens[i]) : tokens[i]
        }
        if (process) rc = run(argc)
        if (stop != "" || failed || ended == "") return rc
        process = ended == ";" || (ended == "||" ? rc != 0 : rc == 0)
    }
}

function execute(path,    lines, count, i, text, rc, label) {
    count = 0
    while ((getline text < path) > 0) {
        while (text ~ /\\$/) { # a line that goes on
            text = substr(text, 1, length(text) - 1)
            if ((getline label < path) <= 0) break
            text = text label
        }
        lines[++count] = text
    }
    close(path)
    if (lines[1] != "#!ipxe") return fail(path " is no script")
    for (i = 1; i <= count; i++) {
        if (++steps > 10000) return fail("goes round in circles")
        text = lines[i]
        sub(/^[ \t]+/, "", text)
        if (substr(text, 1, 1) == ":") sub(/^:[^ \t]*/, "", text)
        rc = line(text)
        if (failed || stop == "boot") return rc
        if (stop == "exit") { stop = ""; return rc }
        if (stop == "goto") {
            stop = ""
            for (i = 1; i <= count && lines[i] !~ "^[ \t]*:" target "[ \t]*$"; i++)
                ;
            if (i > count) return fail("no label " target)
            i--
            continue
        }
        if (rc) return rc
    }
    return 0
}

BEGIN {
    HEX = "0123456789ABCDEF"
    settings["netX/mac"] = mac
    settings["platform"] = platform
    settings["buildarch"] = arch
    rc = execute(tree "/boot.ipxe")
    if (rc) print "error: ended with " rc
    exit failed || rc
}
