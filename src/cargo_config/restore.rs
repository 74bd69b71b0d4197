//! Comments out lines with a mark, so that they can be restored byte for byte.
//!
//! ```toml
//! # sccfg:was rustc-wrapper = "sccache"
//! ```
//!
//! If replacement lines are needed, the mark has their number, and they have a mark as well:
//!
//! ```toml
//! # sccfg:was+1 build = { incremental = true, jobs = 4 }
//! build = { jobs = 4 } # sccfg:now
//! ```

use nix_shell_edit::region::WAS;

const NOW: &str = " # sccfg:now";

/// Whether any line is commented out with the mark.
pub(super) fn is_marked(text: &str) -> bool {
    lines(text.trim_start_matches('\u{feff}')).any(|line| was(line).is_some())
}

/// The offset of the first line that is commented out with the mark.
pub(super) fn first_mark(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in lines(text) {
        if was(line.trim_start_matches('\u{feff}')).is_some() {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// The whole lines `original`, commented out, followed by the replacement `instead`. `newline` ends a
/// last line that has no line break.
pub(super) fn comment_out(original: &str, instead: Option<&str>, newline: &str) -> String {
    let Some(instead) = instead else {
        return lines(original).map(|line| marked(WAS, line)).collect();
    };
    let count = lines(instead).count();
    let mark = format!("{WAS}+{count}");
    let mut out: String = lines(original).map(|line| marked(&mark, line)).collect();
    if !out.ends_with('\n') {
        out.push_str(newline);
    }
    let (body, ending) = split_ending(instead);
    out.push_str(body);
    out.push_str(NOW);
    out.push_str(ending);
    out
}

fn marked(mark: &str, line: &str) -> String {
    match split_ending(line) {
        ("", ending) => format!("{mark}{ending}"),
        (body, ending) => format!("{mark} {body}{ending}"),
    }
}

/// Restores every line that [`comment_out`] commented out. A replacement line without its mark was
/// edited since: it stays, and so do the comments above it.
pub(super) fn restore(text: &str) -> String {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut out = text[..start].to_owned();
    let lines: Vec<&str> = lines(&text[start..]).collect();
    let mut at = 0;
    while at < lines.len() {
        let Some((count, _)) = was(lines[at]) else {
            out.push_str(lines[at]);
            at += 1;
            continue;
        };
        let end = lines[at..]
            .iter()
            .position(|line| was(line).is_none_or(|(other, _)| other != count))
            .map_or(lines.len(), |length| at + length);
        let originals: String = lines[at..end]
            .iter()
            .filter_map(|line| Some(was(line)?.1))
            .collect();
        if count == 0 {
            out.push_str(&originals);
            at = end;
            continue;
        }
        match lines.get(end + count - 1).map(|line| split_ending(line)) {
            Some((body, ending)) if body.ends_with(NOW) => {
                out.push_str(split_ending(&originals).0);
                out.push_str(ending);
                at = end + count;
            }
            _ => {
                out.push_str(&lines[at..end].concat());
                at = end;
            }
        }
    }
    out
}

/// The number of replacement lines of a line that is commented out, and the line.
fn was(line: &str) -> Option<(usize, &str)> {
    // A formatter may have indented it.
    let rest = line.trim_start_matches([' ', '\t']).strip_prefix(WAS)?;
    let (count, rest) = match rest.strip_prefix('+') {
        None => (0, rest),
        Some(rest) => {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let count: u16 = rest[..digits].parse().ok().filter(|&count| count > 0)?;
            (usize::from(count), &rest[digits..])
        }
    };
    match rest.strip_prefix(' ') {
        Some(original) => Some((count, original)),
        None if rest.trim_end_matches(['\r', '\n']).is_empty() => Some((count, rest)),
        None => None,
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
}

/// A text without its last line break, and that line break.
fn split_ending(text: &str) -> (&str, &str) {
    let body = text
        .strip_suffix('\n')
        .map_or(text, |body| body.strip_suffix('\r').unwrap_or(body));
    text.split_at(body.len())
}
