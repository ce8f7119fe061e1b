"""Strings on which tokenizers go wrong, named ones and seeded random ones."""

from __future__ import annotations

import numpy as np

from bpe import END_OF_TEXT, script_words, sentences

ZWJ = "\u200d"
FAMILY = ZWJ.join(["\U0001f468", "\U0001f469", "\U0001f467", "\U0001f466"])
# Every character that Unicode calls White_Space, and some that look like it but are not.
SPACES = (
    "\t\n\x0b\x0c\r \x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
NOT_SPACES = "\x1c\x1d\x1e\x1f\u180e\u200b\u200c\u200d\u2060\ufeff\u00ad"

PLAIN = (
    "",
    "a",
    " ",
    "  ",
    "   ",
    "Once upon a time, there was a little girl named Lily.",
    "  leading and trailing  ",
    " one leading",
    "one trailing ",
    "two  spaces   three    four",
    "x" + " " * 17 + "y",
    " " * 33,
    "a b c d e f g",
    "UPPER lower MiXeD camelCase snake_case kebab-case",
)

CONTRACTIONS = (
    "I'm you're he's we've they'll she'd don't",
    "I'M YOU'RE HE'S WE'VE THEY'LL SHE'D DON'T",
    "I'Ll 'tis 'twas rock'n'roll o'clock",
    "'s 't 're 've 'm 'll 'd",
    "''s '' 's'' 're're",
    "dogs' cats'  '",
    "it\u2019s the typographer\u2019s \u2018quote\u2019",
    "a 's b 'll c '",
    "'sx 'tx 'rex 'vex 'mx 'llx 'dx 'sam 'le 'll'",
    "x's1 2's 3're !'ve ?'m",
    "'\u00e9 's\u00e9 's\u0301",
)

NUMBERS = (
    "0 1 12 123 1234 12345678901234567890",
    "3.14159 -2.5e-10 1,000,000 0x1F 1/2 50%",
    "a1b2c3 1a2b3c 2nd 3rd",
    "\u2167 \u2168\u2169 \u217a",  # Roman numerals
    "\u00bd \u00bc\u00be 1\u00bd",  # fractions
    "x\u00b2 x\u00b3 \u2070\u2074 \u2082",  # superscripts and subscripts
    "\u0661\u0662\u0663 \u06f4\u06f5 \u0967\u0968\u0969 \uff11\uff12\uff13",  # digits elsewhere
    "\u2460\u2461\u2462 \u3220 \u4e00\u4e8c\u4e09",  # circled; Han numerals are letters
    "\U0001d7d8\U0001d7e2 \U00010107 \U0001f100",  # mathematical, Aegean, with full stop
    "1\u03002 1\u20e32",  # combining marks between digits
)

UNICODE = (
    "caf\u00e9 cafe\u0301 na\u00efve nai\u0308ve",
    "e\u0301\u0302\u0303\u0304\u0305 Z\u0351\u036b\u0343a\u0329l\u0334g\u0315o\u0321",
    "\u0301leading mark",
    " \u0301space and mark",
    "\u00c5\u212bA\u030a \u1e9e\u00df \ufb01\ufb02 \u0130\u0131",
    "\u0391\u03b1 \u03a3\u03c3\u03c2 \u0434\u0430 \u041d\u0435\u0442",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645 \u0640\u0640 \u061f",
    "abc \u202eright to left\u202c \u2067isolate\u2069 \u200f\u200e",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002 \u6f22\u5b57 \u304b\u306a \u30ab\u30ca",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab \uac00\uac01",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0915\u094d\u0937 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u0f40\u0f74\u0f53 \u10d2\u10d0\u10db\u10d0\u10e0 \u13a3\u13b3\u13a9 \u1793\u17b7\u1799",
    "\U00020000\U0002a6d6 \U0002f800 \U00030000",
    "\U0001d400\U0001d41a \U0001d538 \U0001d7ce",
    "\u02b0\u02c8 \u2071\u207f \u00aa\u00ba \u2160",  # modifier letters, ordinals
    "\u2019\u201c\u201d\u2026\u2013\u2014 \u00ab\u00bb \u3001\u300c\u300d",
    "\u20ac\u00a3\u00a5\u20bf \u00a9\u00ae\u2122 \u2200\u2203\u2211 \u2190\u2192",
    "\u0345\u0903\u20dd \u2cef\ufe0f\ufe20",  # marks of the three kinds
    "\u24b6\u24d0 \u3021\u3022",  # circled letters are symbols, Hangzhou numerals numbers
    "\U00010330\U00010331 \U00012000 \U00013000 \U00016a00",
    "\U0001e900\U0001e922 \U000118a0 \U00010400\U00010428",
)

EMOJI = (
    "\U0001f600\U0001f601 \U0001f602",
    f"{FAMILY} {FAMILY}{FAMILY}",
    "\U0001f44b\U0001f3fb\U0001f44b\U0001f3ff \U0001f3fd",
    "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 \U0001f1fa",
    f"\u2764\ufe0f {ZWJ}\u2764\ufe0f\u200d\U0001f525 \u2764",
    "1\ufe0f\u20e3 #\ufe0f\u20e3 \u263a\ufe0e",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    f"\U0001f469\U0001f3fd{ZWJ}\U0001f4bb works\U0001f680!",
    "\U0001fae0\U0001fae8\U0001fadc \U0001f6d8",  # Unicode 14 to 17
)

WHITESPACE = (
    "\n",
    "\n\n",
    "\r\n",
    "\r\n\r\n",
    "\t",
    "\t\t x",
    "a\nb\r\nc\rd",
    "a \n b",
    "a\n b",
    "a \n  \n b  \n",
    "a\n\n\n",
    "\n a",
    "\n  a",
    " \n",
    "a\t b \tc",
    "tab\tnew\nline",
    "a\u00a0b \u00a0c\u00a0 d\u00a0",
    "\u3000\u3000\u5168\u89d2 \u3000x",
    "a\u200bb\u200b c \u200b",
    "a\u2028b\u2029c\x85d\x0be\x0cf",
    "a\u2003\u2003b \u2003 c",
    "a\x1cb\x1d\x1e\x1f c",
    "\ufeffBOM first, \ufeff later",
    SPACES,
    NOT_SPACES,
    "x" + SPACES + "y",
    SPACES[::-1] + "1",
)

CONTROL = (
    "\x00",
    "a\x00b",
    "\x00\x00 \x00",
    "".join(chr(code) for code in range(32)),
    "\x7f\x80\x81\x9f\xa0",
    "\x1b[31mred\x1b[0m",
    "bell\x07 back\x08",
    "\ufffd replacement \ufffd\ufffd",
    "\ufffe\uffff \U0001fffe\U0010ffff",  # non-characters
    "\ue000\uf8ff \U000f0000\U0010fffd",  # private use
    "\u0378\u0379 \u05ff \U0001fbff \U000e0fff \U0003fffd",  # unassigned
    "\u0379a 1\u0379 !\u0379 \u0379",
)

SPECIAL = (
    END_OF_TEXT,
    END_OF_TEXT * 3,
    f"{END_OF_TEXT}start",
    f"end{END_OF_TEXT}",
    f"one{END_OF_TEXT}two",
    f"one {END_OF_TEXT} two",
    f"one  {END_OF_TEXT}  two",
    f" {END_OF_TEXT} ",
    f"\n{END_OF_TEXT}\n\n{END_OF_TEXT}",
    f"don'{END_OF_TEXT}t 1{END_OF_TEXT}2",
    "<|endoftext",
    "<|endoftext|",
    "|endoftext|>",
    "<|endoftext|endoftext|>",
    "<<|endoftext|>>",
    "<|<|endoftext|>|>",
    "<|ENDOFTEXT|> <|Endoftext|> < |endoftext|>",
    "<\u200b|endoftext|> <|endoftext\u0301|>",
    "<|im_start|> <s></s> [CLS] <unk> <pad>",
)

CODE = (
    "def f(x: int) -> int:\n    return x ** 2  # squared\n",
    'if (a && b) {\n\tprintf("%d\\n", x[i]->y);\n}\n',
    "#include <stdio.h>\r\nint main(void){return 0;}\r\n",
    "<html><body class=\"x\">&nbsp;&#39;</body></html><script>alert('1')</script>",
    '{"key": [1, 2.5, null, true], "\\u00e9": "\\n"}',
    "SELECT * FROM t WHERE a='b' -- comment;",
    "https://example.org/a/b?c=d&e=%20#f user@example.org",
    "C:\\path\\to\\file /usr/share/x ~/.y",
    "!@#$%^&*()_+-=[]{}|;':\",./<>?`~",
    "...!!!???,,,;;;:::---===+++",
    "a.b.c(d)[e]{f}",
    "x=1;y=2;z=x+y",
    "___init___ __ _ _a a_",
    "|" * 40,
    "= " * 20,
    "\\n \\t \\u0041 \\\\",
)

LONG = (
    "a" * 500,
    "ab" * 300,
    "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft",
    "\u00e9" * 200,
    "\U0001f600" * 60,
    "\u4e00" * 120,
    "9" * 300,
    "!" * 300,
    "\n" * 100,
    "\t " * 50,
    "".join(chr(0x4E00 + i) for i in range(96)),
    "Tom saw a red ball. " * 12,
)

# Pieces that the random strings are put together from.
PIECES = (
    *"abcXYZ019!?.,'\"-_<|>\\/",
    *SPACES,
    *NOT_SPACES,
    " ",
    " ",
    "  ",
    "\n",
    "'s",
    "'ll",
    "'T",
    "the",
    "Tom",
    " ball",
    END_OF_TEXT,
    "\u00e9",
    "e\u0301",
    "\u0308",
    "\u4f60",
    "\u3042",
    "\ud55c",
    "\u05d0",
    "\u0628",
    "\u0905",
    "\u094d",
    "\u2167",
    "\u00bd",
    "\u0663",
    "\U0001f600",
    "\U0001f3fd",
    "\U0001f1e9",
    FAMILY,
    "\ufe0f",
    "\x00",
    "\ue000",
    "\u0378",
    "\U0001d400",
    "\U00020000",
)


def random_strings(seed: int = 5) -> list[str]:
    """Strings of random pieces, of random characters of the whole of Unicode, and of scripts."""
    generator = np.random.default_rng(seed)
    strings = []
    for _ in range(110):
        chosen = generator.integers(len(PIECES), size=int(generator.integers(1, 24)))
        strings.append("".join(PIECES[index] for index in chosen))
    limits = (0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000)
    for index in range(90):
        codes = generator.integers(limits[index % len(limits)], size=int(generator.integers(1, 16)))
        # A surrogate is no character.
        strings.append("".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000))
    strings += script_words(30, seed=6)
    strings += sentences(20, seed=7)
    return strings


def all_strings() -> list[str]:
    """Every string once, the named groups first."""
    groups = (
        PLAIN,
        CONTRACTIONS,
        NUMBERS,
        UNICODE,
        EMOJI,
        WHITESPACE,
        CONTROL,
        SPECIAL,
        CODE,
        LONG,
        random_strings(),
    )
    return list(dict.fromkeys(string for group in groups for string in group))
