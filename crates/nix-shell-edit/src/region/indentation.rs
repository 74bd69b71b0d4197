//! Whether two texts with regions differ in indentation that means nothing: a formatter may have changed it, and
//! earlier versions wrote two spaces for each level in every file.

use std::path::Path;

use super::Marks;
use super::scan::{Record, Region, is_record, scan, tokens};
use crate::text::{indent_at, line_start};

/// Whether `before` and `after`, which are the same without regions, differ only in the indentation of lines in regions,
/// and of what follows a region that started in the middle of a line.
pub(crate) fn is_all(marks: Marks, path: &Path, before: &str, after: &str) -> bool {
    let lines = |text: &str| text.matches('\n').count();
    let without = |line: &str| line.trim_start_matches([' ', '\t']).to_owned();
    let is_same_code =
        lines(before) == lines(after) && before.lines().map(without).eq(after.lines().map(without));
    if !is_same_code {
        return false;
    }
    let Ok(regions) = scan(marks, path, after, &tokens(path, after)) else {
        return false;
    };
    let mut start = 0;
    let mut offset = 0;
    before
        .split_inclusive('\n')
        .zip(after.split_inclusive('\n'))
        .all(|(old, new)| {
            start = offset;
            offset += new.len();
            old == new
                || regions
                    .iter()
                    .any(|region| may_differ(after, region, start, old))
        })
}

/// Whether the line of a region that starts at `start` in `after` may be indented as `old` is.
fn may_differ(after: &str, region: &Region, start: usize, old: &str) -> bool {
    match region.record {
        Record::Inline { .. } => (region.lines.start..=region.lines.end).contains(&start),
        // In a string, Nix removes the indentation of the line with the least one from all lines.
        Record::Lines(_) => {
            let marker = line_start(after, region.lines.start);
            region.body.contains(&start)
                && !is_record(old)
                && indent_at(old, 0).starts_with(indent_at(after, marker))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::edits::Edits;
    use crate::region::POLICY;

    #[test]
    fn the_indentation_of_a_region_alone_is_known() {
        let text = "{\n    a = ''\n        x\n    '';\n    b = { };\n}\n";
        let mut edits = Edits::new(text);
        let line = text.find("        x").unwrap();
        edits.lines(line..line, "        ", "if a; then\n    b\nfi");
        let brace = text.find("};").unwrap();
        edits.inline(brace..brace, "        ", "    ", "c = {\n    d = 1;\n};");
        let after = edits.apply().unwrap();
        let is = |from: &str, to: &str| {
            assert!(after.contains(from), "{from}");
            let before = after.replacen(from, to, 1);
            is_all(POLICY, Path::new("flake.nix"), &before, &after)
        };
        assert!(is("            b\n", "          b\n"));
        assert!(is("            d", "          d"));
        assert!(is("        c = {", "      c = {"));
        assert!(is("    };\n}", "  };\n}"));
        // The lines of the string would be indented.
        assert!(!is("        if a", "      if a"));
        assert!(!is("        x", "      x"));
        assert!(!is("    a = ''", "  a = ''"));
        assert!(!is("d = 1", "d = 2"));
    }
}
