//! A Nix file that sccfg made, and whether anybody has touched it since.

/// The command that made a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    Init,
    Home,
}

impl Maker {
    fn start(self) -> &'static str {
        match self {
            Self::Init => "# Made by `sccfg init`; yours to edit. As it was made: ",
            Self::Home => "# Made by `sccfg home`; yours to edit. As it was made: ",
        }
    }
}

/// The text of a new file, with a first line that lets `remove` recognise it.
pub(super) fn with_header(maker: Maker, text: &str) -> String {
    format!("{}{}\n{text}", maker.start(), checksum(text))
}

/// Whether `text`, without its regions, is just what `with_header` gave.
pub(super) fn is_untouched(maker: Maker, text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    text.strip_prefix(maker.start())
        .and_then(|rest| rest.split_once('\n'))
        .is_some_and(|(sum, body)| sum == checksum(body))
}

/// Whether sccfg made the file, however it looks now.
pub(super) fn is_ours(maker: Maker, text: &str) -> bool {
    text.starts_with(maker.start())
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_untouched_file_is_recognised() {
        let text = with_header(Maker::Init, "{\n  outputs = _: { };\n}\n");
        let is_untouched = |text: &str| is_untouched(Maker::Init, text);
        assert!(is_untouched(&text));
        assert!(is_untouched(&text.replace('\n', "\r\n")));
        assert!(!is_untouched(&text.replace("{ }", "{}")));
        assert!(is_ours(Maker::Init, &text) && !is_ours(Maker::Init, "{ }"));
        assert!(!is_ours(Maker::Home, &text));
    }
}
