//! The messages of compilers: whether a compile failed because of its source, and which files rustc announces.

use std::path::PathBuf;
use std::process::ExitStatus;

use memchr::memmem;
use serde::Deserialize;

/// Texts in messages when the compiler reached a limit of its process or of the machine.
const RESOURCE_ERRORS: [&str; 5] = [
    "os error",
    "Cannot allocate memory",
    "File too large",
    "No space left on device",
    "Too many open files",
];

/// Whether a compile with this status and these messages failed because of an error in the source, so that it fails everywhere.
/// A compiler that sccache's server started has the server's limits for memory and open files, which may be lower than those of
/// the build.
pub(super) fn is_source_error(status: ExitStatus, stderr: &[u8]) -> bool {
    let text = String::from_utf8_lossy(stderr);
    let meets_limit = RESOURCE_ERRORS.iter().any(|words| text.contains(words));
    let has_error = || text.lines().any(is_error_in_source) || has_undefined_symbol(&text);
    status.code() == Some(1) && !meets_limit && has_error()
}

/// Whether the linker reported an undefined symbol. A link that fails for another reason may have reached a limit.
pub(super) fn has_undefined_symbol(text: &str) -> bool {
    // lld, mold and gold; the linker of binutils; that of macOS.
    const MESSAGES: [&str; 3] = [
        "undefined symbol: ",
        "undefined reference to ",
        "Undefined symbols for architecture ",
    ];
    text.contains("linking with `") && MESSAGES.iter().any(|words| text.contains(words))
}

/// Whether the compiler could not evaluate a constant (rustc's error code E0080).
pub(super) fn has_evaluation_error(stderr: &[u8]) -> bool {
    memmem::find(stderr, b"E0080").is_some()
}

/// A diagnostic of rustc, in JSON.
#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    spans: Vec<serde::de::IgnoredAny>,
}

impl Diagnostic {
    fn is_error(&self) -> bool {
        self.level.starts_with("error")
    }
}

/// Whether a line is an error with a location in a source: in JSON, in rustc's text (`--> a.rs:1:2`), or in the format of C
/// compilers (`a.c:1:2: error: …`).
fn is_error_in_source(line: &str) -> bool {
    if line.starts_with('{') {
        let diagnostic = serde_json::from_str::<Diagnostic>(line);
        return diagnostic
            .is_ok_and(|diagnostic| diagnostic.is_error() && !diagnostic.spans.is_empty());
    }
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_located = |prefix: &str| prefix.rsplit(':').next().is_some_and(is_number);
    let is_of_c = [": error: ", ": fatal error: "].iter().any(|separator| {
        line.split_once(separator)
            .is_some_and(|(prefix, _)| is_located(prefix))
    });
    is_of_c || line.trim_start().starts_with("--> ")
}

/// A message of rustc that it has written a file.
#[derive(Deserialize)]
struct Artifact {
    artifact: PathBuf,
    emit: String,
}

/// The library metadata that a line of rustc's messages announces: from now on, dependents can be
/// compiled.
pub(super) fn announced_metadata(line: &[u8]) -> Option<PathBuf> {
    announced(line, "metadata")
}

/// Whether a line of rustc's messages says that the dep-info is written: it lists all sources.
pub(super) fn announces_dep_info(line: &[u8]) -> bool {
    announced(line, "dep-info").is_some()
}

/// Whether a line is an error of rustc, in JSON.
pub(super) fn is_error(line: &[u8]) -> bool {
    // Parses only lines that may be one.
    let may_be = line.starts_with(b"{") && memmem::find(line, b"\"error").is_some();
    let diagnostic = || serde_json::from_slice::<Diagnostic>(line);
    may_be && diagnostic().is_ok_and(|diagnostic| diagnostic.is_error())
}

/// The file of this kind that a line of rustc's messages announces.
fn announced(line: &[u8], kind: &str) -> Option<PathBuf> {
    // Parses only lines with this field.
    if !line.starts_with(b"{") || memmem::find(line, b"\"artifact\"").is_none() {
        return None;
    }
    let message: Artifact = serde_json::from_slice(line).ok()?;
    (message.emit == kind).then_some(message.artifact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    #[test]
    fn only_announcements_of_metadata_are_found() {
        let announced = |line: &str| announced_metadata(line.as_bytes());
        let line = "{\"$message_type\":\"artifact\",\"artifact\":\"/t/liba.rmeta\",\"emit\":\"metadata\"}\n";
        assert_eq!(announced(line), Some(PathBuf::from("/t/liba.rmeta")));
        assert_eq!(announced(&line.replace("metadata", "link")), None);
        assert_eq!(
            announced("{\"message\":\"the word \\\"artifact\\\" alone\"}"),
            None
        );
        assert_eq!(announced("\"artifact\""), None);
        let line = line.replace("metadata", "dep-info");
        assert!(announces_dep_info(line.as_bytes()) && announced(&line).is_none());
        assert!(!super::is_error(line.as_bytes()));
        for (level, is_one) in [
            ("error", true),
            ("error: internal compiler error", true),
            ("warning", false),
        ] {
            let line = format!(r#"{{"message":"an \"error\"","level":"{level}","spans":[]}}"#);
            assert_eq!(super::is_error(line.as_bytes()), is_one, "{level}");
        }
    }

    const SPAN: &str = r#"{"file_name":"a.rs","line_start":1}"#;

    fn is_error(code: i32, stderr: &str) -> bool {
        is_source_error(ExitStatus::from_raw(code << 8), stderr.as_bytes())
    }

    #[test]
    fn an_error_with_a_location_is_a_source_error() {
        for stderr in [
            format!(r#"{{"message":"mismatched types","level":"error","spans":[{SPAN}]}}"#),
            "error[E0308]: mismatched types\n --> a.rs:1:2\n".to_owned(),
            "a.c:3:5: error: expected ';'\n".to_owned(),
            "a.c:1:10: fatal error: x.h: No such file or directory\n".to_owned(),
            r#"{"message":"linking with `cc` failed","level":"error","spans":[],"children":[{"message":"rust-lld: error: undefined symbol: f"}]}"#.to_owned(),
            "error: linking with `cc` failed\n  = note: main.rs:2: undefined reference to `f'\n".to_owned(),
        ] {
            assert!(is_error(1, &stderr), "{stderr}");
            assert!(!is_error(101, &stderr), "{stderr}");
        }
    }

    #[test]
    fn a_limit_or_a_failed_link_is_not_a_source_error() {
        for stderr in [
            String::new(),
            r#"{"message":"linking with `cc` failed","level":"error","spans":[]}"#.to_owned(),
            format!(r#"{{"message":"unused","level":"warning","spans":[{SPAN}]}}"#),
            format!(
                r#"{{"message":"couldn't read `b.rs`: Too many open files (os error 24)","level":"error","spans":[{SPAN}]}}"#
            ),
            "rustc: error while loading shared libraries: librustc_driver.so\n".to_owned(),
            "a.c:1:1: fatal error: error writing to x.s: No space left on device\n".to_owned(),
        ] {
            assert!(!is_error(1, &stderr), "{stderr}");
        }
    }
}
