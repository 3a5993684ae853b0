//! Named sets of characters: `\p{…}` and the escapes `\d`, `\w` and their like.

use super::PatternSyntaxException;
use super::character_class::CharacterSet;
use super::lexer::Lexer;
use regex_syntax::hir::{Class, HirKind};

type Result<T> = std::result::Result<T, PatternSyntaxException>;

/// The general categories that Java knows by name.
const CATEGORIES: &[&str] = &[
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc",
    "Cf", "Co", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf", "L", "M", "N",
    "Z", "C", "P", "S",
];

/// The blocks that stand in patterns of configurations; names without spaces, hyphens and underscores.
const BLOCKS: &[(&str, char, char)] = &[
    ("basiclatin", '\0', '\u{7F}'),
    ("latin1supplement", '\u{80}', '\u{FF}'),
    ("latinextendeda", '\u{100}', '\u{17F}'),
    ("latinextendedb", '\u{180}', '\u{24F}'),
    ("greek", '\u{370}', '\u{3FF}'),
    ("greekandcoptic", '\u{370}', '\u{3FF}'),
    ("cyrillic", '\u{400}', '\u{4FF}'),
    ("armenian", '\u{530}', '\u{58F}'),
    ("hebrew", '\u{590}', '\u{5FF}'),
    ("arabic", '\u{600}', '\u{6FF}'),
    ("devanagari", '\u{900}', '\u{97F}'),
    ("thai", '\u{E00}', '\u{E7F}'),
    ("generalpunctuation", '\u{2000}', '\u{206F}'),
    ("currencysymbols", '\u{20A0}', '\u{20CF}'),
    ("hiragana", '\u{3040}', '\u{309F}'),
    ("katakana", '\u{30A0}', '\u{30FF}'),
    ("cjkunifiedideographs", '\u{4E00}', '\u{9FFF}'),
    ("hangulsyllables", '\u{AC00}', '\u{D7AF}'),
];

/// Reads what follows `\p` or `\P`; the cursor is at that letter.
pub(super) fn read(lexer: &mut Lexer<'_>, negate: bool) -> Result<CharacterSet> {
    let name = name(lexer)?;
    let flags = lexer.flags;
    let unknown = || Err(lexer.error(format!("Unknown character property name {{{name}}}")));
    let set = if let Some((key, value)) = name.split_once('=') {
        let found = match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => script(value),
            "blk" | "block" => block(value),
            "gc" | "general_category" => by_name(value, flags.case_insensitive),
            _ => None,
        };
        match found {
            Some(set) => set,
            None => {
                return Err(lexer.error(format!(
                    "Unknown Unicode property {{name=<{key}>, value=<{value}>}}"
                )));
            }
        }
    } else if let Some(short) = name.strip_prefix("In") {
        match block(short) {
            Some(set) => set,
            None => return unknown(),
        }
    } else if let Some(short) = name.strip_prefix("Is") {
        match posix(&short.to_ascii_lowercase(), true)
            .or_else(|| binary_property(short))
            .or_else(|| by_name(short, flags.case_insensitive))
            .or_else(|| script(short))
        {
            Some(set) => set,
            None => return unknown(),
        }
    } else {
        let unicode = flags
            .unicode_class
            .then(|| posix(&name.to_ascii_lowercase(), true))
            .flatten();
        match unicode.or_else(|| by_name(&name, flags.case_insensitive)) {
            Some(set) => set,
            None => return unknown(),
        }
    };
    Ok(set.negated_if(negate))
}

fn name(lexer: &mut Lexer<'_>) -> Result<String> {
    let first = lexer.next();
    if first != '{' {
        lexer.cursor += 1;
        return Ok(first.to_string());
    }
    lexer.cursor += 1;
    let start = lexer.cursor;
    while !lexer.is_at_end() && lexer.at(lexer.cursor) != '}' {
        lexer.cursor += 1;
    }
    let end = lexer.cursor;
    lexer.cursor += 1;
    if lexer.cursor > end && lexer.at(end) != '}' {
        return Err(lexer.error("Unclosed character family"));
    }
    if start == end {
        return Err(lexer.error("Empty character family"));
    }
    Ok((start..end).map(|at| lexer.at(at)).collect())
}

/// What `\d`, `\s`, `\w`, `\h` or `\v` stands for, by its small letter.
pub(super) fn by_escape(letter: &str, unicode: bool) -> CharacterSet {
    let set = match (letter, unicode) {
        ("h", _) => Some(CharacterSet::of(&[
            ('\t', '\t'),
            (' ', ' '),
            ('\u{A0}', '\u{A0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{180E}', '\u{180E}'),
            ('\u{2000}', '\u{200A}'),
            ('\u{202F}', '\u{202F}'),
            ('\u{205F}', '\u{205F}'),
            ('\u{3000}', '\u{3000}'),
        ])),
        ("v", _) => Some(CharacterSet::of(&[
            ('\n', '\r'),
            ('\u{85}', '\u{85}'),
            ('\u{2028}', '\u{2029}'),
        ])),
        ("w", false) => Some(CharacterSet::of(&[
            ('0', '9'),
            ('A', 'Z'),
            ('_', '_'),
            ('a', 'z'),
        ])),
        ("w", true) => posix("word", true),
        ("s", _) => posix("space", unicode),
        _ => posix("digit", unicode),
    };
    set.unwrap_or_else(CharacterSet::empty)
}

/// The names of POSIX, in small letters, over ASCII or over all of Unicode.
fn posix(name: &str, unicode: bool) -> Option<CharacterSet> {
    if unicode {
        return unicode_class(match name {
            "lower" | "lowercase" => r"\p{Lowercase}",
            "upper" | "uppercase" => r"\p{Uppercase}",
            "alpha" | "alphabetic" => r"\p{Alphabetic}",
            "digit" => r"\p{Nd}",
            "alnum" => r"[\p{Alphabetic}\p{Nd}]",
            "punct" | "punctuation" => r"\p{P}",
            "graph" => r"[^\p{White_Space}\p{Cc}\p{Cn}]",
            "print" => r"[[^\p{White_Space}\p{Cc}\p{Cn}]\p{Zs}]",
            "blank" => r"[\p{Zs}\t]",
            "cntrl" | "control" => r"\p{Cc}",
            "xdigit" | "hex_digit" | "hexdigit" => r"[\p{Nd}\p{Hex_Digit}]",
            "space" | "white_space" | "whitespace" => r"\p{White_Space}",
            "word" => r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]",
            _ => return None,
        });
    }
    let ranges: &[(char, char)] = match name {
        "lower" => &[('a', 'z')],
        "upper" => &[('A', 'Z')],
        "ascii" => &[('\0', '\u{7F}')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "digit" => &[('0', '9')],
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "graph" => &[('!', '~')],
        "print" => &[(' ', '~')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\u{1F}'), ('\u{7F}', '\u{7F}')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        _ => return None,
    };
    Some(CharacterSet::of(ranges))
}

/// Properties that only `\p{Is…}` names, in letters of any case.
fn binary_property(name: &str) -> Option<CharacterSet> {
    unicode_class(match name.to_ascii_lowercase().as_str() {
        "letter" => r"\p{L}",
        "ideographic" => r"\p{Ideographic}",
        "titlecase" => r"\p{Lt}",
        "assigned" => r"\P{Cn}",
        "noncharacter_code_point" | "noncharactercodepoint" => r"\p{Noncharacter_Code_Point}",
        "join_control" | "joincontrol" => r"\p{Join_Control}",
        "emoji" => r"\p{Emoji}",
        _ => return None,
    })
}

/// General categories, POSIX classes and the methods of `java.lang.Character`.
fn by_name(name: &str, case_insensitive: bool) -> Option<CharacterSet> {
    if case_insensitive {
        match name {
            "Lower" | "Upper" => return posix("alpha", false),
            "Lu" | "Ll" | "Lt" => return unicode_class(r"[\p{Lu}\p{Ll}\p{Lt}]"),
            "javaLowerCase" | "javaUpperCase" | "javaTitleCase" => {
                return unicode_class(r"[\p{Lowercase}\p{Uppercase}\p{Lt}]");
            }
            _ => {}
        }
    }
    if CATEGORIES.contains(&name) {
        return unicode_class(&format!(r"\p{{{name}}}"));
    }
    let is_posix = name == "XDigit"
        || name == "ASCII"
        || name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.len() > 2
            && name[1..].bytes().all(|letter| letter.is_ascii_lowercase());
    if is_posix {
        return posix(&name.to_ascii_lowercase(), false);
    }
    unicode_class(match name {
        "LC" => r"[\p{Lu}\p{Ll}\p{Lt}]",
        "LD" => r"[\p{L}\p{Nd}]",
        "L1" => r"[\x00-\xFF]",
        "all" => r"[\x00-\x{10FFFF}]",
        // A surrogate alone is in no text.
        "Cs" => return Some(CharacterSet::empty()),
        "javaLowerCase" => r"\p{Lowercase}",
        "javaUpperCase" => r"\p{Uppercase}",
        "javaTitleCase" => r"\p{Lt}",
        "javaAlphabetic" => r"\p{Alphabetic}",
        "javaIdeographic" => r"\p{Ideographic}",
        "javaDigit" => r"\p{Nd}",
        "javaDefined" => r"\P{Cn}",
        "javaLetter" => r"\p{L}",
        "javaLetterOrDigit" => r"[\p{L}\p{Nd}]",
        "javaJavaIdentifierStart" => r"[\p{L}\p{Nl}\p{Sc}\p{Pc}]",
        "javaJavaIdentifierPart" => {
            r"[\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mc}\p{Mn}\p{Cf}\x00-\x08\x0E-\x1B\x7F-\x9F]"
        }
        "javaUnicodeIdentifierStart" => r"\p{ID_Start}",
        "javaUnicodeIdentifierPart" => r"[\p{ID_Continue}\p{Cf}\x00-\x08\x0E-\x1B\x7F-\x9F]",
        "javaIdentifierIgnorable" => r"[\p{Cf}\x00-\x08\x0E-\x1B\x7F-\x9F]",
        "javaSpaceChar" => r"\p{Z}",
        "javaWhitespace" => r"[[\p{Z}--[\xA0\x{2007}\x{202F}]]\t-\r\x1C-\x1F]",
        "javaISOControl" => r"[\x00-\x1F\x7F-\x9F]",
        _ => return None,
    })
}

fn script(name: &str) -> Option<CharacterSet> {
    let is_name = name
        .bytes()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == b'_');
    is_name
        .then(|| unicode_class(&format!(r"\p{{sc={name}}}")))
        .flatten()
}

fn block(name: &str) -> Option<CharacterSet> {
    let name: String = name
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-' | '_'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    BLOCKS
        .iter()
        .find(|(block, _, _)| *block == name)
        .map(|(_, first, last)| CharacterSet::of(&[(*first, *last)]))
}

/// A class by its name in the tables of `regex_syntax`.
fn unicode_class(class: &str) -> Option<CharacterSet> {
    let hir = regex_syntax::parse(class).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(CharacterSet::of_class(class)),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Some(CharacterSet::single(text.chars().next()?))
        }
        _ => None,
    }
}
