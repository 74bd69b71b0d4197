//! Finds identifiers in a source without its tokens. Most sources have none of those that are searched for.

use memchr::{memchr, memmem, memrchr};

/// Whether the identifier `name` may be a token of `source`.
pub(super) fn may_have(source: &str, name: &str) -> bool {
    places_of(source.as_bytes(), name).next().is_some()
}

/// The offsets at which the identifier `name` may be a token of `source`: where it is a whole word, unless a comment begins the
/// line. Each of its tokens is among them; string literals and other comments are not excluded.
pub(super) fn places_of<'s>(source: &'s [u8], name: &'s str) -> impl Iterator<Item = usize> + 's {
    memmem::find_iter(source, name).filter(move |at| {
        let before = &source[..*at];
        let after = source.get(at + name.len());
        !before.last().copied().is_some_and(is_letter)
            && !after.copied().is_some_and(is_letter)
            && !is_in_comment(before)
    })
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the source that begins with `before` continues in a comment, or in a string literal. Only what precedes in the same
/// line is read: a comment that begins it, unless it is text of a literal or comment that began before and may have ended.
fn is_in_comment(before: &[u8]) -> bool {
    let line = memrchr(b'\n', before).map_or(before, |end| &before[end + 1..]);
    line.trim_ascii_start().starts_with(b"//")
        && memchr(b'"', line).is_none()
        && memmem::find(line, b"*/").is_none()
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    #[test]
    fn each_token_is_found() {
        for source in [
            "include!(\"a\")",
            "r#include!(\"a\")",
            "/*\n// */ include!(\"a\")",
            "let a = \"\n// \"; include!(\"a\")",
            "/include",
            "a\n//\ninclude",
            "// é\u{2028}\ninclude",
            "// a\r\n\tinclude",
        ] {
            assert!(tokens(source).iter().any(|token| token.is_ident("include")));
            assert!(may_have(source, "include"), "{source}");
        }
    }

    #[test]
    fn parts_of_words_and_comments_are_no_tokens() {
        for source in [
            "includes",
            "_include",
            "r#included",
            "// include",
            "a\n    /// Files to include.",
            "//! include",
            "/*\n// include\n*/",
        ] {
            assert!(!tokens(source).iter().any(|token| token.is_ident("include")));
            assert!(!may_have(source, "include"), "{source}");
        }
        let places = |source: &str| places_of(source.as_bytes(), "a").collect::<Vec<_>>();
        assert_eq!(places("a b // a\n// a\nab a"), [0, 7, 17]);
    }
}
