//! A flake.nix that sccfg made, and whether anybody has touched it since.

const START: &str = "# Made by `sccfg init`; yours to edit. As it was made: ";

/// The text of a new file, with a first line that lets `remove` recognise it.
pub(super) fn with_header(text: &str) -> String {
    format!("{START}{}\n{text}", checksum(text))
}

/// Whether `text`, without its regions, is just what `with_header` gave.
pub(super) fn is_untouched(text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    text.strip_prefix(START)
        .and_then(|rest| rest.split_once('\n'))
        .is_some_and(|(sum, body)| sum == checksum(body))
}

/// Whether sccfg made the file, however it looks now.
pub(super) fn is_ours(text: &str) -> bool {
    text.starts_with(START)
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_untouched_file_is_recognised() {
        let text = with_header("{\n  outputs = _: { };\n}\n");
        assert!(is_untouched(&text));
        assert!(is_untouched(&text.replace('\n', "\r\n")));
        assert!(!is_untouched(&text.replace("{ }", "{}")));
        assert!(is_ours(&text) && !is_ours("{ }"));
    }
}
