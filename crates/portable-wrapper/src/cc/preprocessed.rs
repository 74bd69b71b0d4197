//! Preprocessed C, in an anonymous temporary file that is read line by line: the preprocessed text of generated sources may be
//! too large for memory.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _};
use std::path::Path;

use memchr::memmem;

use crate::digest;
use crate::path_map::PathMap;
use sccfg_util::fsio;
use sccfg_util::proc::Program;

/// Directives by which the assembler reads files; the preprocessor does not list them.
const READS_FILES: [&[u8]; 2] = [b".incbin", b".include"];
/// The maximum length of a piece of a line that is read at once, in bytes.
const PIECE: usize = 256 << 10;
/// The minimum overlap of two pieces of a line, in bytes, and so the maximum number of blanks between an assembler directive
/// and its file.
const OVERLAP: usize = 1 << 10;

/// The output of a preprocessor.
pub(super) struct Preprocessed(File);

/// The files and directories in preprocessed text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The files that were included, except system headers.
    pub(super) files: BTreeSet<String>,
    /// Whether a mapped directory is in it, other than in a line marker.
    pub(super) has_path: bool,
}

impl Preprocessed {
    /// The output of `preprocessor`, in a file on the file system of `directory`. `None` if it fails.
    pub(super) fn new(preprocessor: &Program<'_>, directory: &Path) -> Option<Self> {
        let file = fsio::unnamed_file_in(directory).ok()?;
        let output = preprocessor.output_into(file.try_clone().ok()?).ok()?;
        output.status.success().then_some(Self(file))
    }

    /// The files and directories in the text. `None` if the assembler may read a file that is not listed, if a path has a
    /// mapped directory as its prefix but not as whole components, or if a line marker cannot be parsed.
    pub(super) fn contents(&self, path_map: &PathMap) -> Option<Contents> {
        contents_of(self.reader().ok()?, path_map, PIECE)
    }

    /// The digest of the text.
    pub(super) fn digest(&self) -> Option<String> {
        digest::of_reader(self.reader().ok()?)
    }

    /// The digest of the text with placeholders.
    pub(super) fn digest_with_placeholders(&self, path_map: &PathMap) -> Option<String> {
        path_map.digest_with_placeholders(self.reader().ok()?).ok()
    }

    /// A reader that starts at the beginning. There must be only one at a time.
    fn reader(&self) -> io::Result<BufReader<&File>> {
        let mut file = &self.0;
        file.rewind()?;
        Ok(BufReader::new(file))
    }
}

/// The contents of `text`, of which at most `piece` bytes of a line are read at once.
fn contents_of(mut text: impl BufRead, path_map: &PathMap, piece: usize) -> Option<Contents> {
    let overlap = OVERLAP.max(path_map.margin());
    let mut found = Contents::default();
    let mut line = Vec::new();
    let mut is_marker = false;
    loop {
        // A rest in `line` is the overlap with the previous piece of the same line.
        let is_start = line.is_empty();
        let limit = u64::try_from(piece).ok()?;
        let read = text
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
            .ok()?;
        if read == 0 && line.is_empty() {
            return Some(found);
        }
        let goes_on = read == piece && line.last() != Some(&b'\n');
        if is_start {
            is_marker = line.starts_with(b"# ");
            if let Some(marker) = line.strip_prefix(b"# ")
                && marker.first().is_some_and(u8::is_ascii_digit)
            {
                // A line marker that is longer than a piece cannot be parsed.
                let marker = marker.strip_suffix(b"\n").filter(|_| !goes_on)?;
                let (name, is_of_system) = named_in(marker)?;
                // A name with a slash at the end is the current directory, and one in angle brackets is not a file.
                if !is_of_system && !name.ends_with('/') && !name.starts_with('<') {
                    found.files.insert(name.to_owned());
                }
            }
        }
        if may_read_files(&line, goes_on) || !path_map.matches_only_whole_components(&line, goes_on)
        {
            return None;
        }
        found.has_path |= !is_marker && path_map.find_in(&line).is_some();
        let kept = if goes_on {
            line.len().saturating_sub(overlap)
        } else {
            line.len()
        };
        line.drain(..kept);
    }
}

/// Whether an assembler directive in `text` reads a file, which is in quotes; `a.include` in C is a member. If the line
/// `goes_on`, a directive at the end of `text` counts, unless the next piece contains it as well.
fn may_read_files(text: &[u8], goes_on: bool) -> bool {
    // Directives of the assembler are not case-sensitive.
    let text = text.to_ascii_lowercase();
    READS_FILES.iter().any(|directive| {
        memmem::find_iter(&text, directive).any(|at| {
            let mut rest = text[at + directive.len()..].iter();
            let next = rest.find(|byte| !matches!(byte, b' ' | b'\t'));
            match next {
                Some(byte) => matches!(byte, b'"' | b'\\'),
                None => goes_on && text.len() - at >= OVERLAP,
            }
        })
    })
}

/// The file that a line marker names, such as `1 "native/a.h" 1`, and whether it is a system header. `None` if it cannot be
/// parsed.
fn named_in(marker: &[u8]) -> Option<(&str, bool)> {
    let line = std::str::from_utf8(marker).ok()?;
    let (_, rest) = line.split_once('"')?;
    let (name, flags) = rest.rsplit_once('"')?;
    let is_of_system = flags.split(' ').any(|flag| flag == "3");
    (!name.contains('\\')).then_some((name, is_of_system))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path_map::Role;

    fn contents(text: &str, piece: usize) -> Option<Contents> {
        let mut path_map = PathMap::default();
        path_map
            .add(Path::new("/w/checkout"), Role::Workspace)
            .unwrap();
        contents_of(text.as_bytes(), &path_map, piece)
    }

    fn files(text: &str) -> Option<Vec<String>> {
        Some(contents(text, PIECE)?.files.into_iter().collect())
    }

    #[test]
    fn files_are_found_in_line_markers() {
        let text = "# 0 \"native/x.c\"\n# 1 \"/w/p//\"\n# 0 \"<built-in>\"\n# 1 \"/usr/include/a.h\" 1 3 4\n\
            # 2 \"native/x.c\" 2\n# 1 \"native/n.h\" 1\nint f; # 3\n#pragma x\n";
        assert_eq!(files(text).unwrap(), ["native/n.h", "native/x.c"]);
        assert_eq!(files("# 1 \"a\\\"b.c\"\n"), None);
    }

    #[test]
    fn directives_are_distinguished_from_members() {
        for reads in [
            "__asm__(\".incbin \\\"a.bin\\\"\\n\");",
            ".include \"a.S\"",
            "__asm__(\".INCBIN \" \"\\\"a.bin\\\"\");",
        ] {
            assert!(may_read_files(reads.as_bytes(), false), "{reads}");
        }
        for reads_none in ["if (a.include) f();", "a.include = \"a\";", "x.included"] {
            assert!(
                !may_read_files(reads_none.as_bytes(), false),
                "{reads_none}"
            );
        }
    }

    #[test]
    fn a_path_counts_outside_line_markers_only() {
        let marker = "# 1 \"/w/checkout/a.h\"\nint f;\n";
        assert!(!contents(marker, PIECE).unwrap().has_path);
        let text = "const char *f = \"/w/checkout/a.h\";\n";
        assert!(contents(text, PIECE).unwrap().has_path);
        assert_eq!(contents("char *f = \"/w/checkouts\";\n", PIECE), None);
    }

    #[test]
    fn a_long_line_is_read_in_pieces() {
        for (end, is_sharable) in [
            ("\"/w/checkout/a\"", true),
            ("\"/w/checkouts\"", false),
            ("asm(\".incbin   \\\"a.bin\\\"\")", false),
            ("asm(\".incbin", true),
        ] {
            for before in (1 << 12)..(1 << 12) + 64 {
                let text = format!("{}{end};\nint f;\n", "x".repeat(before));
                let in_pieces = contents(&text, 1 << 11);
                assert_eq!(in_pieces, contents(&text, PIECE), "{before} {end}");
                assert_eq!(in_pieces.is_some(), is_sharable, "{before} {end}");
            }
        }
        let blanks = format!("asm(\".incbin{}\\\"a.bin\\\"\")\n", " ".repeat(1 << 13));
        assert_eq!(contents(&blanks, 1 << 11), None);
    }
}
