use super::*;
use crate::config::check::{CheckContext, Severity, check};
use crate::config::file::disk;
use proptest::prelude::*;
use rstest::rstest;

const GIB: u64 = 1 << 30;

fn path() -> &'static Path {
    Path::new("/home/me/.config/sccache/config")
}

fn gib(number: u64) -> ByteSize {
    ByteSize::from_bytes(number * GIB)
}

fn request(size: Option<u64>) -> Request {
    Request {
        dir: None,
        default_dir: "/home/me/.cache/sccache".into(),
        size: size.map(gib),
        default_size: gib(10),
    }
}

fn grown(text: &str, size: Option<u64>) -> String {
    grow(Some(text), path(), &request(size)).unwrap().text
}

#[test]
fn a_new_file_has_both_and_says_what_it_is() {
    let made = grow(None, path(), &request(Some(24))).unwrap();
    assert_eq!(
        made.text,
        "# sccache reads this file; `sccfg config` shows, checks and changes it.\n\
         [cache.disk]\ndir = \"/home/me/.cache/sccache\"\nsize = 25769803776\n"
    );
    assert_eq!(made.before, Disk::default());
    assert_eq!(made.after.size, Some(gib(24)));
    assert_eq!(disk(&made.text, path()).unwrap(), made.after);
}

#[test]
fn without_a_request_sccaches_own_size_is_written_down() {
    let made = grow(None, path(), &request(None)).unwrap();
    assert_eq!(made.after.size, Some(gib(10)));
}

#[rstest]
#[case::larger_stays(
    "[cache.disk]\nsize = 99999999999\ndir = \"/c\"\n",
    "[cache.disk]\nsize = 99999999999\ndir = \"/c\"\n"
)]
#[case::text_that_is_enough(
    "[cache.disk]\nsize = \"30G\"\ndir = '/c'\n",
    "[cache.disk]\nsize = \"30G\"\ndir = '/c'\n"
)]
#[case::text_that_grows(
    "[cache.disk]\nsize = \"10G\" # ten\ndir = '/c'\n",
    "[cache.disk]\nsize = 25769803776 # ten\ndir = '/c'\n"
)]
#[case::unreadable(
    "[cache.disk]\nsize = \"30GiB\"\ndir = '/c'\n",
    "[cache.disk]\nsize = 32212254720\ndir = '/c'\n"
)]
#[case::braces(
    "[cache]\ndisk = { size = 5 }\n",
    "[cache]\ndisk = { size = 25769803776, dir = \"/home/me/.cache/sccache\" }\n"
)]
#[case::dotted(
    "[cache]\ndisk.size = 5\nredis.endpoint = 'x'\n",
    "[cache]\ndisk.size = 25769803776\ndisk.dir = \"/home/me/.cache/sccache\"\nredis.endpoint = 'x'\n"
)]
#[case::crlf_open(
    "# mine\r\n[cache.disk]\r\ndir = '/c'",
    "# mine\r\n[cache.disk]\r\ndir = '/c'\r\nsize = 25769803776"
)]
#[case::beside_others(
    "[dist]\nrewrite_includes_only = true # r\n",
    "[dist]\nrewrite_includes_only = true # r\n\n[cache.disk]\ndir = \"/home/me/.cache/sccache\"\nsize = 25769803776\n"
)]
#[case::comments_only(
    "# nothing yet\n",
    "# nothing yet\n\n[cache.disk]\ndir = \"/home/me/.cache/sccache\"\nsize = 25769803776\n"
)]
fn growing_touches_nothing_else(#[case] before: &str, #[case] after: &str) {
    assert_eq!(grown(before, Some(24)), after);
}

#[test]
fn a_requested_directory_is_set_and_another_one_is_kept() {
    let text = "[cache.disk]\ndir = \"/old\"\nsize = 5\n";
    assert_eq!(grow(Some(text), path(), &request(None)).unwrap().text, text);
    let named = Request {
        dir: Some("/new".into()),
        ..request(None)
    };
    let made = grow(Some(text), path(), &named).unwrap();
    assert_eq!(made.text, "[cache.disk]\ndir = \"/new\"\nsize = 5\n");
    assert_eq!(made.before.dir, Some("/old".into()));
}

#[rstest]
#[case::relative("cache", "not an absolute path")]
#[case::tilde("~/cache", "not an absolute path")]
fn a_directory_that_sccache_would_take_otherwise_is_refused(#[case] dir: &str, #[case] what: &str) {
    let named = Request {
        dir: Some(dir.into()),
        ..request(None)
    };
    let problem = grow(None, path(), &named).unwrap_err();
    assert!(
        problem.what.contains(what) && problem.hint.is_some(),
        "{problem}"
    );
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let named = Request {
        dir: Some(std::ffi::OsStr::from_bytes(b"/a\xff").into()),
        ..request(None)
    };
    assert!(
        grow(None, path(), &named)
            .unwrap_err()
            .what
            .contains("UTF-8")
    );
}

#[test]
fn a_file_that_sccache_refuses_is_not_grown() {
    let text = "[cache.disk]\nsise = 5\n";
    let problem = grow(Some(text), path(), &request(Some(24))).unwrap_err();
    assert!(problem.what.contains("cache.disk.sise"), "{problem}");
    assert_eq!(problem.place.unwrap().line, 2);
    assert_eq!(problem.hint.as_deref(), Some("did you mean `size`?"));
    for text in [
        "cache = 5\n",
        "[cache]\ndisk = 5\n",
        "[[cache.disk]]\nsize = 5\n",
        "x =\n",
    ] {
        assert!(grow(Some(text), path(), &request(None)).is_err(), "{text}");
    }
}

#[test]
fn json_is_refused_with_a_hint() {
    let problem = grow(Some("{}"), Path::new("/c.json"), &request(None)).unwrap_err();
    assert!(problem.hint.unwrap().contains("SCCACHE_CONF"));
}

fn put(text: &str, settings: &[(&str, &str)]) -> Result<String, Problem> {
    set(text, path(), settings)
}

#[rstest]
#[case("cache.disk.size", "24GiB", "[cache.disk]\nsize = 25769803776\n")]
#[case(
    "cache.disk.rw_mode",
    "READ_ONLY",
    "[cache.disk]\nrw_mode = \"READ_ONLY\"\n"
)]
#[case("basedirs", "/a,/b", "basedirs = [\"/a\", \"/b\"]\n")]
#[case(
    "server_startup_timeout_ms",
    "5000",
    "server_startup_timeout_ms = 5000\n"
)]
#[case(
    "cache.disk.preprocessor_cache_mode.skip_system_headers",
    "true",
    "[cache.disk.preprocessor_cache_mode]\nskip_system_headers = true\n"
)]
fn set_writes_what_sccache_reads(#[case] key: &str, #[case] typed: &str, #[case] after: &str) {
    assert_eq!(put("", &[(key, typed)]).unwrap(), after);
}

#[rstest]
#[case("cache.disk.size", "plenty", "24GiB")]
#[case("cache.disk.rw_mode", "read_only", "did you mean `READ_ONLY`?")]
#[case("cache.disk.dir", "~/x", "does not expand `~`")]
#[case("cache.disk", "x", "cache.disk.dir")]
#[case("cache.disk.sise", "5", "did you mean `cache.disk.size`?")]
#[case("cache.redis.db", "-1", "from 0 to 4294967295")]
#[case("basedirs", "a", "absolute path")]
#[case("cache.s3.bucket", "b", "no_credentials")]
fn set_refuses_what_sccache_would(#[case] key: &str, #[case] typed: &str, #[case] hint: &str) {
    let problem = put("", &[(key, typed)]).unwrap_err();
    let hint_given = problem.hint.clone().unwrap();
    assert!(hint_given.contains(hint), "{problem}: {hint_given}");
}

#[test]
fn a_back_end_is_set_up_with_several_keys_at_once() {
    let text = put(
        "",
        &[
            ("cache.s3.bucket", "b"),
            ("cache.s3.no_credentials", "false"),
        ],
    )
    .unwrap();
    assert_eq!(text, "[cache.s3]\nbucket = \"b\"\nno_credentials = false\n");
    let problem = unset(&text, path(), "cache.s3.bucket").unwrap_err();
    assert!(
        problem.what.contains("lacks the required key `bucket`"),
        "{problem}"
    );
    assert_eq!(
        unset(&text, path(), "cache.s3").unwrap().as_deref(),
        Some("")
    );
    assert_eq!(unset(&text, path(), "cache.redis").unwrap(), None);
}

#[test]
fn a_key_does_not_get_a_second_name() {
    let text = "[cache.redis]\nendpoint = 'x'\nexpiration = 5\n";
    let problem = put(text, &[("cache.redis.ttl", "6")]).unwrap_err();
    assert!(problem.hint.unwrap().contains("cache.redis.expiration"));
}

/// Config files that sccache reads, in every form.
fn files() -> impl Strategy<Value = String> {
    let size = prop::sample::select(vec!["", "size = 5", "size = \"10G\"", "size = 99999999999"]);
    let dir = prop::sample::select(vec!["", "dir = '/c' ", "dir = \"/c \\\" d\""]);
    let form = prop::sample::select(vec![
        "none",
        "header",
        "dotted",
        "top",
        "braces",
        "all braces",
        "below",
    ]);
    let other = prop::sample::select(vec![
        "",
        "[dist]\nrewrite_includes_only = true\n",
        "[cache.gha]\nenabled = true\nversion = ''\n",
    ]);
    let flags = (prop::bool::ANY, prop::bool::ANY, prop::bool::ANY);
    (size, dir, form, other, flags).prop_map(|(size, dir, form, other, (crlf, open, mark))| {
        let keys: Vec<&str> = [size, dir]
            .into_iter()
            .filter(|key| !key.is_empty())
            .collect();
        let lines = |prefix: &str| -> String {
            let mut out = String::new();
            for key in &keys {
                out.push_str(&format!("{prefix}{key} # k\n"));
            }
            out
        };
        let braces = format!("{{ {} }}", keys.join(", "));
        let body = match form {
            "none" => String::new(),
            "header" => format!("{other}# d\n[cache.disk] # h\n{}\n# end\n", lines("  ")),
            "dotted" => format!("{other}[cache]\n{}", lines("disk.")),
            "top" => format!("{}{other}", lines("cache.disk.")),
            "braces" => format!(
                "[cache]\ndisk = {braces} # b\n{}",
                if other.starts_with("[dist") {
                    other
                } else {
                    ""
                }
            ),
            "all braces" => format!(
                "cache = {{ disk = {braces} }}\n{}",
                if other.starts_with("[dist") {
                    other
                } else {
                    ""
                }
            ),
            _ => format!("[cache.disk.preprocessor_cache_mode]\nfile_stat_matches = true\n{other}"),
        };
        let mut text = format!("# mine\n\n{body}");
        if open {
            text.pop();
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if mark {
            format!("\u{feff}{text}")
        } else {
            text
        }
    })
}

proptest! {
    #[test]
    fn growing_twice_changes_nothing_more(text in files(), size in prop::option::of(1..100_u64)) {
        let once = grown(&text, size);
        prop_assert_eq!(grown(&once, size), once);
    }

    #[test]
    fn a_grown_file_passes_the_check(text in files(), size in prop::option::of(1..100_u64)) {
        let made = grow(Some(&text), path(), &request(size)).unwrap();
        let diagnostics = check(Some(&made.text), path(), &CheckContext::default());
        let bad: Vec<_> = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
        prop_assert!(bad.is_empty(), "{bad:?} in {}", made.text);
        let now = disk(&made.text, path()).unwrap();
        prop_assert_eq!(&now, &made.after);
        prop_assert!(now.size >= size.map(gib) && now.size >= made.before.size);
        prop_assert!(now.dir.unwrap().is_absolute());
        prop_assert_eq!(made.text.matches('\r').count(), if text.contains('\r') { made.text.matches('\n').count() } else { 0 });
    }

    #[test]
    fn nothing_but_the_values_changes(text in files()) {
        let made = grown(&text, Some(500));
        let kept = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.contains('#') && !line.contains("size")).map(str::to_owned).collect()
        };
        for line in kept(&text) {
            let same = made.lines().any(|made| made == line);
            prop_assert!(same || line.contains('{'), "{line} went from {made}");
        }
    }
}
