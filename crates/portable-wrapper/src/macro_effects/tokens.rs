//! The tokens of a Rust source, from rustc's lexer, without comments.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, strip_shebang, tokenize};

/// The maximum number of tokens that are kept of a list of numbers, such as a table: the first ones and the last one. No call
/// has as many arguments.
const NUMBERS: usize = 64;

/// The size of a source, in bytes, above which numeric constants are left out: bindings to C have many of them.
const LARGE: usize = 1 << 16;

/// The approximate number of bytes of a source per token, with white space and comments.
const BYTES_OF_TOKEN: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword, without `r#`.
    Ident,
    /// A string literal without escapes; the text is its content.
    Text,
    /// Any other literal, such as a string with escapes.
    Literal,
    /// `::`
    PathSeparator,
    /// `(`, `[` or `{`, with the position of the closing token.
    Open(usize),
    /// `)`, `]` or `}`
    Close,
    /// Any other character.
    Punctuation,
}

/// A token that is neither white space nor a comment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// As in the source; of [`Kind::Text`] its content.
    pub(super) text: &'a str,
}

impl Token<'_> {
    pub(super) fn is_ident(&self, text: &str) -> bool {
        self.kind == Kind::Ident && self.text == text
    }

    pub(super) fn is_punctuation(&self, text: &str) -> bool {
        self.kind == Kind::Punctuation && self.text == text
    }

    fn is_number(&self) -> bool {
        self.kind == Kind::Literal && self.text.starts_with(|first: char| first.is_ascii_digit())
    }
}

pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let source = &source[strip_shebang(source).unwrap_or(0)..];
    let mut found: Vec<Token<'_>> = Vec::with_capacity(source.len() / BYTES_OF_TOKEN);
    let mut at = 0;
    let mut colon = None;
    // The number of numbers with commas at the end of the tokens.
    let mut numbers = 0;
    for token in tokenize(source, FrontmatterAllowed::No) {
        let start = at;
        at += token.len as usize;
        let text = &source[start..at];
        let (kind, text) = match token.kind {
            TokenKind::LineComment { .. }
            | TokenKind::BlockComment { .. }
            | TokenKind::Whitespace => continue,
            TokenKind::Ident | TokenKind::InvalidIdent => (Kind::Ident, text),
            TokenKind::RawIdent => (Kind::Ident, without_raw_prefix(text)),
            TokenKind::Literal { kind, suffix_start } => {
                literal(kind, &text[..suffix_start as usize])
            }
            TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket => {
                (Kind::Open(usize::MAX), text)
            }
            TokenKind::CloseParen | TokenKind::CloseBrace | TokenKind::CloseBracket => {
                (Kind::Close, text)
            }
            TokenKind::Colon if colon == Some(start) => {
                found.pop();
                (Kind::PathSeparator, "::")
            }
            _ => (Kind::Punctuation, text),
        };
        colon = (token.kind == TokenKind::Colon && kind == Kind::Punctuation).then_some(at);
        let token = Token { kind, text };
        let is_after_number = found.last().is_some_and(Token::is_number);
        if token.is_number() && !is_after_number {
            if numbers > NUMBERS {
                found.truncate(found.len() - 2);
            }
        } else if is_after_number && token.is_punctuation(",") {
            numbers += 1;
        } else {
            numbers = 0;
        }
        found.push(token);
        if source.len() > LARGE && token.is_punctuation(";") {
            let start = start_of_numeric_constant(&found);
            found.truncate(start.unwrap_or(found.len()));
        }
    }
    close(&mut found);
    found.shrink_to_fit();
    found
}

/// A raw identifier as the name that it is, without `r#` unless that would be a keyword.
fn without_raw_prefix(text: &str) -> &str {
    const KEYWORDS: [&str; 47] = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in",
        "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
        "return", "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "use",
        "virtual", "where", "while", "yield",
    ];
    let name = text.trim_start_matches("r#");
    if KEYWORDS.contains(&name) { text } else { name }
}

/// The start of the constant that ends with the last token, if its value is a number.
fn start_of_numeric_constant(tokens: &[Token<'_>]) -> Option<usize> {
    let [.., keyword, name, colon, kind, equals, value, _] = tokens else {
        return None;
    };
    let is_constant = keyword.is_ident("const")
        && name.kind == Kind::Ident
        && colon.is_punctuation(":")
        && kind.kind == Kind::Ident
        && equals.is_punctuation("=")
        && value.is_number();
    let start = tokens.len() - 7;
    let is_public = start > 0 && tokens[start - 1].is_ident("pub");
    let start = start - usize::from(is_public);
    // Its attribute, which may be before `pub(…)`, would be that of the next item.
    let before = start.checked_sub(1).map(|before| &tokens[before]);
    let may_have_attribute =
        before.is_some_and(|before| before.kind == Kind::Close && before.text != "}");
    (is_constant && !may_have_attribute).then_some(start)
}

/// Whether two sources have the same tokens, but for string literals that `is_same` accepts.
pub(in super::super) fn are_same_but_for_texts(
    one: &str,
    other: &str,
    is_same: impl Fn(&str, &str) -> bool,
) -> bool {
    fn all(source: &str) -> impl Iterator<Item = (TokenKind, &str)> {
        let mut at = 0;
        let texts = tokenize(source, FrontmatterAllowed::No).map(move |token| {
            let start = at;
            at += token.len as usize;
            (token.kind, &source[start..at])
        });
        let is_left_out = |kind: &TokenKind| {
            use TokenKind::{BlockComment, LineComment, Whitespace};
            matches!(kind, Whitespace | LineComment { .. } | BlockComment { .. })
        };
        texts.filter(move |(kind, _)| !is_left_out(kind))
    }
    let is_text = |kind: TokenKind| {
        let TokenKind::Literal { kind, .. } = kind else {
            return false;
        };
        matches!(kind, LiteralKind::Str { .. } | LiteralKind::RawStr { .. })
    };
    let (mut ones, mut others) = (all(one), all(other));
    loop {
        match (ones.next(), others.next()) {
            (None, None) => return true,
            (Some(one), Some(other))
                if one.1 == other.1
                    || is_text(one.0) && is_text(other.0) && is_same(one.1, other.1) => {}
            _ => return false,
        }
    }
}

/// Whether a source has these identifiers one after the other, other than in comments and literals.
pub(in super::super) fn has_idents(source: &str, names: &[&str]) -> bool {
    let tokens = tokens(source);
    let mut places = tokens.windows(names.len());
    places.any(|place| {
        place
            .iter()
            .zip(names)
            .all(|(token, name)| token.is_ident(name))
    })
}

/// Whether a source has one of these identifiers, other than in comments and literals.
pub(in super::super) fn has_any_ident(source: &str, names: &[&str]) -> bool {
    let is_named = |token: &Token<'_>| names.iter().any(|name| token.is_ident(name));
    tokens(source).iter().any(is_named)
}

/// Sets the ends of all groups; one that is not closed ends with the source.
fn close(tokens: &mut [Token<'_>]) {
    let mut open = Vec::new();
    for at in 0..tokens.len() {
        match tokens[at].kind {
            Kind::Open(_) => open.push(at),
            Kind::Close => {
                if let Some(start) = open.pop() {
                    tokens[start].kind = Kind::Open(at);
                }
            }
            _ => {}
        }
    }
    for start in open {
        tokens[start].kind = Kind::Open(tokens.len());
    }
}

/// The tokens of `tokens` whose positions `keep` accepts, with new ends of groups.
pub(super) fn only<'a>(tokens: &[Token<'a>], keep: impl Fn(usize) -> bool) -> Vec<Token<'a>> {
    let mut kept: Vec<_> = tokens
        .iter()
        .enumerate()
        .filter(|(at, _)| keep(*at))
        .map(|(_, token)| *token)
        .collect();
    close(&mut kept);
    kept
}

fn literal(kind: LiteralKind, text: &str) -> (Kind, &str) {
    let content = match kind {
        LiteralKind::Str { terminated: true } => text.get(1..text.len() - 1),
        LiteralKind::RawStr {
            n_hashes: Some(hashes),
        } => {
            let hashes = usize::from(hashes);
            text.get(hashes + 2..text.len() - hashes - 1)
        }
        _ => None,
    };
    let is_raw = matches!(kind, LiteralKind::RawStr { .. });
    match content {
        Some(content) if is_raw || !content.contains('\\') => (Kind::Text, content),
        _ => (Kind::Literal, text),
    }
}

/// Whether it is a keyword after which a path may begin with `::`, or an expression with `!`.
pub(super) fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 22] = [
        "as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "let", "match", "move",
        "mut", "pub", "ref", "return", "static", "unsafe", "use", "where", "while", "yield",
    ];
    KEYWORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).iter().map(|token| token.text).collect()
    }

    #[test]
    fn raw_identifiers_are_no_keywords() {
        assert_eq!(texts("r#std::r#match"), ["std", "::", "r#match"]);
    }

    #[test]
    fn constants_of_large_sources_are_left_out_unless_they_have_attributes() {
        let blank = " ".repeat(LARGE);
        let left = |source: &str| texts(&format!("{source}{blank}")).join(" ").leak() as &str;
        assert_eq!(left("a; pub const B: u32 = 1; c"), "a ; c");
        let with_place = "#[cfg(x)] pub(crate) const B: u32 = 1; c";
        assert!(left(with_place).contains("const B"));
        assert_eq!(
            left("#[cfg(x)] pub const B: u32 = 1; c"),
            "# [ cfg ( x ) ] pub const B : u32 = 1 ; c"
        );
    }

    #[test]
    fn comments_and_string_literals_are_not_code() {
        assert_eq!(texts("a // b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(
            texts("let u = \"//x\"; b"),
            ["let", "u", "=", "//x", ";", "b"]
        );
        assert_eq!(
            texts("r#std::r##\"a\"b\"## 'a' 'b"),
            ["std", "::", "a\"b", "'a'", "'b"]
        );
        assert_eq!(texts("a: :b"), ["a", ":", ":", "b"]);
        assert_eq!(tokens("\"a\\x41\"")[0].kind, Kind::Literal);
    }

    #[test]
    fn one_of_several_identifiers_is_enough() {
        let has_any = |source| has_any_ident(source, &["file", "caller"]);
        for source in ["file!()", "Location::caller()", "caller(); file!()"] {
            assert!(has_any(source), "{source}");
        }
        for source in ["// file\nlet a = \"caller\";", "files(callers)", ""] {
            assert!(!has_any(source), "{source}");
        }
    }

    #[test]
    fn long_lists_of_numbers_are_shortened() {
        let table = format!("f([{}], a, 1)", "0x12, 3.5, ".repeat(1000));
        let found = texts(&table);
        assert!(found.len() < 200, "{}", found.len());
        assert_eq!(found[..4], ["f", "(", "[", "0x12"]);
        let end = ["3.5", ",", "3.5", ",", "]", ",", "a", ",", "1", ")"];
        assert_eq!(found[found.len() - 10..], end);
        let texts_in_it = format!("[{}]", "1, \"a::b\", ".repeat(100));
        assert_eq!(tokens(&texts_in_it).len(), 402);
    }

    #[test]
    fn numeric_constants_of_bindings_are_left_out() {
        let rest = "pub const A: &str = \"a\"; #[b] fn f() { const B: u8 = c(1); }";
        let bindings = "pub const NUMBER: u32 = 0x12;\nconst OTHER: c_int = 3;\n".repeat(2000);
        assert_eq!(texts(&format!("{bindings}{rest}")), texts(rest));
        assert_eq!(texts("const A: u8 = 1;").len(), 7);
    }

    #[test]
    fn groups_know_their_ends() {
        let tokens = tokens("a { ( ) } b [");
        assert_eq!(tokens[1].kind, Kind::Open(4));
        assert_eq!(tokens[2].kind, Kind::Open(3));
        assert_eq!(tokens[6].kind, Kind::Open(7));
    }
}
