//! Templates of `format_args!`, in which texts are written together with their lengths (rustc 1.93 and newer). A template is a
//! sequence of texts and placeholders of arguments, and ends with a zero:
//!
//! | first byte | what follows |
//! | --- | --- |
//! | 0 | nothing |
//! | 1 to 127 | a text of that length |
//! | 128 | the length of a text in 16 bits, little endian, and the text |
//! | 192 to 255 | for each of the lower bits that is set, the options of an argument: flags in 32 bits, its width, its precision and its number in 16 bits each |
//!
//! (`expand_format_args` in rustc's `compiler/rustc_ast_lowering/src/format.rs`, and `fmt::write` in `library/core/src/fmt/mod.rs`.)

/// The first byte of a text with a length of 16 bits.
const TEXT: u8 = 128;
/// The number of bytes before such a text: [`TEXT`] and its length.
pub(super) const LENGTH: u64 = 3;
/// The number of bytes of each option, from the lowest bit on.
const OPTIONS: [usize; 4] = [4, 2, 2, 2];

/// A text in a template.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Text {
    /// The positions of its first byte and of the first one behind it.
    pub(in super::super) start: usize,
    pub(in super::super) end: usize,
    /// The number of bytes behind it up to the end of the template.
    pub(in super::super) rest: usize,
}

/// The texts in templates that `bytes` may contain, and that contain the `length` bytes from `at` on.
pub(super) fn texts_around(
    bytes: &[u8],
    at: usize,
    length: usize,
) -> impl Iterator<Item = Text> + '_ {
    (3..=at).rev().filter_map(move |start| {
        let [TEXT, low, high] = bytes.get(start - 3..start)? else {
            return None;
        };
        let end = start + usize::from(u16::from_le_bytes([*low, *high]));
        let rest = rest(bytes.get(end..)?).filter(|_| end >= at + length)?;
        Some(Text { start, end, rest })
    })
}

/// The text in `template` that contains the `length` bytes from `at` on; `None` if that is no template with such a text.
pub(in super::super) fn text_in(template: &[u8], at: usize, length: usize) -> Option<Text> {
    let is_around = |text: &Text| at + length <= text.end && text.rest > 0;
    let mut texts = texts_around(template, at, length).filter(is_around);
    let text = texts.find(|text| text.end + text.rest == template.len());
    // Whatever precedes the text are parts of the template as well.
    text.filter(|text| {
        let before = template.get(..text.start - 3).unwrap_or_default();
        rest(&[before, &[0]].concat()) == Some(before.len() + 1)
    })
}

/// The number of bytes up to the end of the template, behind a text in it. `None` if `bytes` are not the rest of a template.
fn rest(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let first = *bytes.get(at)?;
        at += 1;
        at += match first {
            0 => return Some(at),
            1..TEXT => usize::from(first),
            TEXT => 2 + usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)),
            0xc0.. => {
                let options = OPTIONS.iter().enumerate();
                let given = options.filter(|(bit, _)| first & (1 << bit) != 0);
                given.map(|(_, size)| size).sum()
            }
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_template_ends_with_a_zero() {
        assert_eq!(rest(b"\0more"), Some(1));
        assert_eq!(rest(b"\xc0\x06/tests\0more"), Some(9));
        assert_eq!(rest(b"\x80\x03\x00abc\0"), Some(7));
        // A width of 10, and the argument with the number 1.
        assert_eq!(rest(b"\xca\x0a\x00\x01\x00\0"), Some(6));
        assert_eq!(rest(b"\x06short"), None);
        assert_eq!(rest(b"\x90"), None);
    }

    #[test]
    fn a_template_with_a_text_is_read_from_its_beginning() {
        let found = |template: &[u8]| {
            let text = text_in(template, 5, 2)?;
            Some((text.start, text.end, text.rest))
        };
        assert_eq!(found(b"\xc0\x80\x04\0in/w\xc0\0"), Some((4, 8, 2)));
        assert_eq!(found(b"\x80\x04\0in/w\xc0\0"), Some((3, 7, 2)));
        assert_eq!(found(b"\x80\x04\0in/w\xc0\0x"), None);
        assert_eq!(found(b"\x80\x04\0in/w"), None);
        assert_eq!(found(b"a text, /w and more\0"), None);
        let behind = b"\xc0\x80\x02\0/w\0";
        assert_eq!(text_in(behind, 4, 2).map(|text| text.rest), Some(1));
        // What precedes the text is no part of a template.
        let behind = b"\xb0\x80\x02\0/w\0";
        assert_eq!(text_in(behind, 4, 2), None);
    }

    #[test]
    fn the_length_of_a_text_precedes_it() {
        let bytes = b"\xc0\x80\x06\0in /w!\xc0\0x";
        let text = Text {
            start: 4,
            end: 10,
            rest: 2,
        };
        assert_eq!(texts_around(bytes, 7, 2).collect::<Vec<_>>(), [text]);
        assert_eq!(texts_around(bytes, 7, 4).count(), 0);
    }
}
