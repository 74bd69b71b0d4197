//! cargo's dep-info: the sources of a unit, in a binary format, version 1 (`EncodedDepInfo` in
//! `core/compiler/fingerprint/dep_info.rs` of the crate `cargo`).
//!
//! Numbers have four bytes, the lowest first; texts have their length before them. The record is: the number 1, a
//! byte 255, the version; the number of files, and for each a byte for the kind of the path, the path, and a byte that
//! says whether a length (eight bytes) and a checksum follow; the number of variables, and for each the name, and a
//! byte that says whether a value follows. A source outside of its package has an absolute path.

const HEADER: [u8; 6] = [1, 0, 0, 0, 255, 1];

/// The dep-info with `change` applied to the path of each source. `None` if the format is not known.
pub(super) fn with_paths(record: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut rest = record.strip_prefix(&HEADER)?;
    let mut out = HEADER.to_vec();
    for _ in 0..number(&mut rest, &mut out)? {
        out.push(byte(&mut rest)?);
        let path = change(text(&mut rest)?);
        out.extend(u32::try_from(path.len()).ok()?.to_le_bytes());
        out.extend(path);
        let has_checksum = byte(&mut rest)?;
        out.push(has_checksum);
        if has_checksum != 0 {
            out.extend(take(&mut rest, 8)?);
            copy_text(&mut rest, &mut out)?;
        }
    }
    for _ in 0..number(&mut rest, &mut out)? {
        copy_text(&mut rest, &mut out)?;
        let has_value = byte(&mut rest)?;
        out.push(has_value);
        if has_value != 0 {
            copy_text(&mut rest, &mut out)?;
        }
    }
    rest.is_empty().then_some(out)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    Some(take(rest, 1)?[0])
}

fn length(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?))
}

/// Reads a number, and copies it to `out`.
fn number(rest: &mut &[u8], out: &mut Vec<u8>) -> Option<u32> {
    let number = length(rest)?;
    out.extend(number.to_le_bytes());
    Some(number)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = length(rest)?;
    take(rest, usize::try_from(length).ok()?)
}

fn copy_text(rest: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let length = number(rest, out)?;
    out.extend(take(rest, usize::try_from(length).ok()?)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_are_replaced() {
        let record = b"\x01\0\0\0\xff\x01\x02\0\0\0\
            \0\x0a\0\0\0src/lib.rs\0\
            \x01\x07\0\0\0/old/a!\x01\x05\0\0\0\0\0\0\0\x02\0\0\0ab\
            \x01\0\0\0\x01\0\0\0X\x01\x02\0\0\0/o";
        let same = with_paths(record, <[u8]>::to_vec).unwrap();
        assert_eq!(same, record);
        let moved = with_paths(record, |path| match path.strip_prefix(b"/old") {
            Some(rest) => [b"/newer", rest].concat(),
            None => path.to_vec(),
        });
        let text = String::from_utf8_lossy(&moved.unwrap()).into_owned();
        assert!(text.contains("\x09\0\0\0/newer/a!"), "{text:?}");
        for broken in [&record[..record.len() - 1], b"", b"\x02"] {
            assert_eq!(with_paths(broken, <[u8]>::to_vec), None);
        }
    }
}
