//! The regions of sccfg in a Dockerfile: where they are, and the text without them.

use std::ops::Range;
use std::path::Path;

use nix_shell_edit::region::{self, END, NOTE};
use sccfg_util::problem::{Place, Problem};

/// The start of the first line of a region of whole instructions.
const BLOCK: &str = region::BEGIN;
/// The start of the first line of a region within an instruction.
pub(crate) const MOUNTS: &str = "# >>> sccfg mounts >>>";

/// The text of a Dockerfile without regions.
#[derive(Debug, Clone)]
pub(crate) struct Stripped {
    pub(crate) text: String,
    /// The removed byte ranges of the file.
    removed: Vec<Range<usize>>,
}

impl Stripped {
    /// `text` as it is.
    pub(crate) fn unchanged(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            removed: Vec::new(),
        }
    }

    /// The place in the file of the byte at `offset` of the text without regions.
    pub(crate) fn original(&self, offset: usize) -> usize {
        let mut original = offset;
        for removed in &self.removed {
            if removed.start <= original {
                original += removed.len();
            }
        }
        original
    }
}

/// Lines between the markers of a block of instructions.
pub(super) fn block(lines: &[String], newline: &str) -> String {
    marked(BLOCK, lines, newline)
}

/// Options of an instruction between markers, to be put behind its keyword.
pub(super) fn mounts(options: &[String], escape: char, newline: &str) -> String {
    let lines: Vec<String> = options
        .iter()
        .map(|option| format!("    {option} {escape}"))
        .collect();
    format!(" {escape}{newline}{}", marked(MOUNTS, &lines, newline))
}

fn marked(begin: &str, lines: &[String], newline: &str) -> String {
    let sum = checksum(lines.iter().map(String::as_str));
    let mut out = format!("{begin} {NOTE} (checksum: {sum}){newline}");
    for line in lines {
        out.push_str(line);
        out.push_str(newline);
    }
    out.push_str(END);
    out.push_str(newline);
    out
}

/// The checksum of lines, whatever their indentation.
fn checksum<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines.map(str::trim).collect();
    format!("{:08x}", crc32fast::hash(lines.join("\n").as_bytes()))
}

/// `text`, the contents of `path`, without regions.
///
/// # Errors
/// If a region is damaged, or was edited.
pub(crate) fn without_regions(path: &Path, text: &str) -> Result<Stripped, Problem> {
    let mut removed: Vec<Range<usize>> = Vec::new();
    let mut region: Option<(usize, usize, &str)> = None;
    let mut inside: Vec<&str> = Vec::new();
    let mut offset = text.len() - text.trim_start_matches('\u{feff}').len();
    let problem = |what: &str, at: usize, hint: &str| {
        Problem::new(what).at(Place::at(path, text, at)).hint(hint)
    };
    for line in text[offset..].split_inclusive('\n') {
        let trimmed = line.trim();
        match region {
            None if trimmed.starts_with(BLOCK) => region = Some((offset, offset, trimmed)),
            None if trimmed.starts_with(MOUNTS) => {
                let before = &text[..offset];
                let continuation = [" \\\n", " \\\r\n", " `\n", " `\r\n"]
                    .into_iter()
                    .find(|word| before.ends_with(word));
                let Some(continuation) = continuation else {
                    return Err(problem(
                        "the line above this one has to end with a space and a line continuation",
                        offset,
                        "restore it as `RUN \\`, or remove the lines from this one to the end marker",
                    ));
                };
                region = Some((offset - continuation.len(), offset, trimmed));
            }
            None if trimmed == END => {
                return Err(problem(
                    "this sccfg end marker has no begin marker",
                    offset,
                    "restore the line that starts with `# >>> sccfg`, or remove all lines of the region",
                ));
            }
            None => {}
            Some((start, at, begin)) if trimmed == END => {
                let sum = checksum(inside.drain(..));
                if !begin.ends_with(&format!("(checksum: {sum})")) {
                    return Err(problem(
                        "the lines below this one were edited, and `sccfg apply` would lose that",
                        at,
                        "move your lines below the end marker, or remove the region to have it rendered again",
                    ));
                }
                removed.push(start..offset + line.len());
                region = None;
            }
            Some(_) => inside.push(line),
        }
        offset += line.len();
    }
    if let Some((_, at, _)) = region {
        return Err(problem(
            "a region of sccfg has no end",
            at,
            "add the line `# <<< sccfg <<<` below it, or remove the region",
        ));
    }
    let mut stripped = String::with_capacity(text.len());
    let mut kept = 0;
    for range in &removed {
        stripped.push_str(&text[kept..range.start]);
        kept = range.end;
    }
    stripped.push_str(&text[kept..]);
    Ok(Stripped {
        text: stripped,
        removed,
    })
}
