"""Texts and names that are awkward in one format or another."""

# Texts that break separators, lines, encodings, spreadsheets and SPEC.
TEXTS = [
    "plain",
    "",
    " leading and trailing ",
    "Größe µ₀ 試料 🧪 e\u0301",
    "comma, \"quotes\" and 'apostrophes'",
    "two\nlines\r\nand\ttab",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "#S 99 forged",
    "\n#S 99 forged\n#N 1\n#L x\n1\n",
    "nan",
    "1e3",
    "%d %s {0} \\",
    "control \x01\x1b\x7f\u2028\u200b",
    "x" * 500,
    "None",
]

# Names that a RunEngine lets pass.
AWKWARD = [
    "two words",
    "two  blanks",
    " leading",
    "trailing ",
    "colon:semicolon;",
    'double "quote"',
    "apostrophe's",
    "comma,separated",
    "Größe_µ",
    "試料",
    "🧪",
    "50%",
    "#S 1",
    "@A",
    "=1+1",
    "-minus",
    "back\\slash",
    "brace{0}",
    "$HOME",
    "star*?<>|",
    "tab\tbed",
    "[unit]",
    "1st",
    "CON",
    "__class__",
    "long_" + "x" * 250,
]
# What event-model 1.24 refuses in data keys, and what it lets pass all the same.
FORBIDDEN = ["slash/ed", "/absolute", "../../above", "dot.ted", ".", "..", ""]
UNPRINTABLE = [" ", "new\nline", "null\0", "\x1b[31m", "\u2028", "lone \udc80"]
RESERVED = [
    "time",
    "seq_num",
    "uid",
    "value",
    "EPOCH",
    "data",
    "timestamps",
    "descriptor",
    "filled",
    "index",
    "Epoch",
    "nan",
    "epoch",
]
COLLIDING = ["a b", "a_b", "a-b", "a:b", "A b", "a  b", "caf\u00e9", "cafe\u0301", "a b ", "a%20b"]
