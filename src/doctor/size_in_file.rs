//! S016: a file of the dev shell sets a size that sccache ignores.

use super::files::Files;
use super::server_stopped_by_hooks::changed_meanwhile;
use super::{Check, Finding, Fix, Remedy, Where};
use sccfg_util::fsio::Links;
use sccfg_util::problem::Place;
use sccfg_util::size::ByteSize;

pub(super) static CHECK: Check = Check {
    code: "S016",
    name: "invalid size in a file",
    why: "sccache accepts K, M, G and T only, ignores other sizes without a message, and keeps 10 GiB",
    find: |context| find(context),
};

const NAME: &str = "SCCACHE_CACHE_SIZE";

pub(super) fn find(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.shell_files() {
        for (offset, value) in sizes(&file.text) {
            if ByteSize::parse_like_sccache(value).is_some() {
                continue;
            }
            let place = Place::at(&file.shown, &file.text, offset);
            let what = format!("sccache ignores the size `{value}` of {NAME}");
            let Ok(size) = value.parse::<ByteSize>() else {
                let remedy =
                    Remedy::Words("write an integer with K, M, G or T, such as 24G".into());
                findings.push(Finding::warning(what, remedy).at(Where::File(place)));
                continue;
            };
            let valid = size.for_sccache();
            let question = format!("write {valid} instead of {value} at {place}");
            let links = Links::Below(files.repository.root.clone());
            let (invalid, replacement) = (value.to_owned(), valid.clone());
            let at = place.clone();
            let fix = Fix::edit(question, &file.path, links, move |text| {
                let mut written = sizes(text);
                let found = written.find(|(_, value)| *value == invalid);
                let (start, _) = found.ok_or_else(|| changed_meanwhile(&at))?;
                let end = start + invalid.len();
                Ok([&text[..start], &replacement, &text[end..]].concat())
            });
            let remedy = Remedy::Words(format!(
                "write {valid}, or request it with `sccfg init --size {size}`"
            ));
            let finding = Finding::warning(what, remedy).at(Where::File(place));
            findings.push(finding.fixed_by(fix));
        }
    }
    findings
}

/// The literal values that a text of Nix or of a shell gives to the variable, with their offsets.
fn sizes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(move |line| {
        let offset = start;
        start += line.len();
        (offset, line)
    });
    lines.filter_map(|(offset, line)| {
        if line.trim_start().starts_with('#') {
            return None;
        }
        let at = line.find(NAME)? + NAME.len();
        let is_start =
            !line[..at - NAME.len()].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = line[at..]
            .trim_start()
            .strip_prefix('=')
            .filter(|_| is_start)?;
        let value = rest.trim_start().trim_start_matches(['"', '\'']);
        let begin = line.len() - value.len();
        let end = value.find(|c: char| !c.is_alphanumeric() && c != '.');
        let value = &value[..end.unwrap_or(value.len())];
        value
            .starts_with(|c: char| c.is_ascii_digit())
            .then_some((offset + begin, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_nix_and_in_shells() {
        let text = "  SCCACHE_CACHE_SIZE = \"24GiB\";\n# SCCACHE_CACHE_SIZE=1GB\n\
                    export SCCACHE_CACHE_SIZE=5G # x\nexport MY_SCCACHE_CACHE_SIZE=7GB\n\
                    export SCCACHE_CACHE_SIZE=\"$size\"\nSCCACHE_CACHE_SIZE='1.5G'";
        let found: Vec<(usize, &str)> = sizes(text).collect();
        let values: Vec<&str> = found.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, ["24GiB", "5G", "1.5G"]);
        for (offset, value) in found {
            assert!(text[offset..].starts_with(value), "{offset}");
        }
    }
}
