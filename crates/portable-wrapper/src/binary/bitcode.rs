//! Paths in LLVM bitcode.

use std::io;

use super::super::path_leak::PathLeak;
use super::super::path_map::PathMap;
use super::super::windows::Part;
use super::PLACEHOLDER_ROLES;

/// The magic numbers of bitcode.
pub(super) const MAGIC: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// The leak of LLVM bitcode. Its constants are packed with seven or eight bits per character, and begin at any bit. With
/// link-time optimisation, rustc writes libraries that consist of bitcode.
pub(super) fn leak(part: &Part<'_>, path_map: &PathMap) -> io::Result<Option<PathLeak>> {
    if !MAGIC.contains(&&*part.start(4)?) {
        return Ok(None);
    }
    for role in PLACEHOLDER_ROLES {
        let placeholder = role.placeholder();
        let forms = (0..8).map(|shift| packed(placeholder.as_bytes(), 7, shift));
        if part.contains_any(&forms.collect::<Vec<_>>())? {
            return Ok(Some(PathLeak::SourceLocation(role)));
        }
    }
    for (directory, role) in path_map.mapped_dirs() {
        let forms = (0..8).flat_map(|shift| [7, 8].map(|bits| (bits, shift)));
        let forms = forms.map(|(bits, shift)| packed(directory.as_bytes(), bits, shift));
        if part.contains_any(&forms.collect::<Vec<_>>())? {
            return Ok(Some(PathLeak::Embedded(role)));
        }
    }
    Ok(None)
}

/// `text` packed with `bits` bits per character, the lowest bit first, starting at bit `shift` of a byte. The bytes at both
/// ends that contain bits of other data are left out.
fn packed(text: &[u8], bits: usize, shift: usize) -> Vec<u8> {
    let length = shift + text.len() * bits;
    let mut bytes = vec![0_u8; length.div_ceil(8)];
    for (nth, letter) in text.iter().enumerate() {
        for bit in (0..bits).filter(|bit| letter >> bit & 1 == 1) {
            let at = shift + nth * bits + bit;
            bytes[at / 8] |= 1 << (at % 8);
        }
    }
    bytes.truncate(length / 8);
    bytes.drain(..usize::from(shift > 0));
    bytes
}

#[cfg(test)]
mod tests {
    use memchr::memmem;

    use super::*;

    #[test]
    fn packed_text_is_found_at_any_bit() {
        let text = b"/home/me/work";
        for bits in [7, 8] {
            for before in 0..16 {
                // Other bits stand before and behind.
                let mut stream = vec![true; before];
                for letter in text {
                    stream.extend((0..bits).map(|bit| letter >> bit & 1 == 1));
                }
                stream.extend([true; 9]);
                let bytes: Vec<u8> = stream
                    .chunks(8)
                    .map(|chunk| {
                        (0..chunk.len())
                            .map(|bit| u8::from(chunk[bit]) << bit)
                            .sum()
                    })
                    .collect();
                let form = packed(text, bits, before % 8);
                assert!(form.len() >= text.len() - 3);
                assert!(
                    memmem::find(&bytes, &form).is_some(),
                    "{bits} bits after {before}"
                );
            }
        }
    }
}
