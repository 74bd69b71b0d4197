use super::*;
use rstest::rstest;

fn path() -> &'static Path {
    Path::new("config")
}

fn context(variables: &[(&str, &str)]) -> CheckContext {
    CheckContext {
        variables: variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        default_dir: "/home/me/.cache/sccache".into(),
        ..CheckContext::default()
    }
}

fn only(text: &str, variables: &[(&str, &str)]) -> Diagnostic {
    let mut diagnostics = check(Some(text), path(), &context(variables));
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    diagnostics.remove(0)
}

/// With each of these, `sccache --show-stats` exits with 2, as the integration tests prove.
#[rstest]
#[case("x =", 1, "invalid TOML", "every sccache command fails")]
#[case("[cache.disk]\nsize = 5\nsize = 6\n", 3, "invalid TOML", "every")]
#[case(
    "[cache.disk]\nsise = 5\n",
    2,
    "`cache.disk.sise`",
    "did you mean `size`?"
)]
#[case("[disk]\nsize = 5\n", 1, "`disk`", "did you mean `cache.disk`?")]
#[case("size = 5\n", 1, "`size`", "did you mean `cache.disk.size`?")]
#[case(
    "[cache.disk]\nsize = \"24GiB\"\n",
    2,
    "does not accept the size `24GiB`",
    "size = 25769803776"
)]
#[case("[cache.disk]\nsize = -1\n", 2, "is negative", "24GiB")]
#[case("[cache.disk]\nsize = 1.5\n", 2, "not a float", "size = 25769803776")]
#[case(
    "[cache.disk]\ndir = 5\n",
    2,
    "must be a path as a string, not a number",
    "dir = "
)]
#[case(
    "[cache.disk]\nrw_mode = \"read_only\"\n",
    2,
    "invalid value `read_only`",
    "\"READ_ONLY\""
)]
#[case("[cache]\ndisk = 5\n", 2, "must be a table", "disk = {")]
#[case(
    "[cache.s3]\nbucket = \"b\"\n",
    1,
    "lacks the required key `no_credentials`",
    "no_credentials = false"
)]
#[case(
    "[cache.redis]\nendpoint = 'x'\ndb = \"1\"\n",
    3,
    "must be a number, not a string",
    "db = 5"
)]
#[case(
    "[cache.redis]\nendpoint = 'x'\ndb = 5000000000\n",
    3,
    "out of range",
    "4294967295"
)]
#[case(
    "[cache.redis]\nendpoint = 'x'\nttl = 1\nexpiration = 2\n",
    4,
    "are the same key",
    "remove"
)]
#[case(
    "[dist.auth]\ntoken = 'x'\n",
    1,
    "lacks the required key `type`",
    "oauth2_implicit"
)]
#[case(
    "[dist.auth]\ntype = 'token'\nclient_id = 'x'\ntoken = 'y'\n",
    3,
    "client_id",
    "token"
)]
#[case(
    "[[dist.toolchains]]\ntype = 'path_override'\ncompiler_executable = '/x'\narchive = '/y'\n",
    1,
    "lacks the required key `archive_compiler_executable`",
    "add"
)]
#[case("[dist]\nscheduler_url = 'x'\n", 2, "invalid URL", "http://")]
fn fails(#[case] text: &str, #[case] line: usize, #[case] what: &str, #[case] hint: &str) {
    let found = only(text, &[]);
    assert_eq!(found.severity, Severity::Error);
    assert!(found.what.contains(what), "{}", found.what);
    assert!(
        found.hint.clone().unwrap().contains(hint),
        "{:?}",
        found.hint
    );
    assert_eq!(found.place.unwrap().line, line);
}

#[rstest]
#[case("")]
#[case("[cache.disk]\ndir = '/c'\nsize = 25769803776\n")]
#[case("[cache]\ndisk = { dir = '/c', preprocessor_cache_mode.skip_system_headers = true }\n")]
#[case(
    "[dist]\nscheduler_url = '10.0.0.1:10600'\n[dist.auth]\ntype = 'token'\ntoken = 'x'\n[[dist.toolchains]]\ntype = 'no_dist'\ncompiler_executable = '/x'\n"
)]
#[case("[cache.memcached]\nendpoint = 'tcp://x'\nexpiration = 5\n")]
fn passes(#[case] text: &str) {
    assert_eq!(check(Some(text), path(), &context(&[])), []);
}

#[rstest]
#[case("[cache.disk]\ndir = 'cache'\n", &[], "is relative", 2)]
#[case("[cache.disk]\ndir = '~/cache'\n", &[], "is relative", 2)]
#[case("[cache.disk]\ndir = ''\n", &[], "empty string", 2)]
#[case("[cache.disk]\nsize = 0\n", &[], "nothing is cached", 2)]
#[case("[cache.disk]\nsize = 5\n[cache.redis]\nendpoint = 'x'\n", &[], "disk cache is not used", 1)]
#[case("[cache.redis]\nendpoint = 'x'\n[cache.webdav]\nendpoint = 'x'\n", &[], "`webdav` is not used", 3)]
#[case("[cache.disk]\nsize = 5\n", &[("SCCACHE_REDIS_ENDPOINT", "x")], "disk cache is not used", 1)]
#[case("[cache.disk]\nsize = 5368709120\n", &[("SCCACHE_DIR", "/x")], "size 10GiB instead of 5GiB", 1)]
#[case("[cache.disk]\ndir = '/x'\n", &[("SCCACHE_CACHE_SIZE", "5G")], "dir /home/me/.cache/sccache instead of /x", 1)]
#[case("[cache.disk]\nrw_mode = 'READ_ONLY'\n", &[("SCCACHE_CACHE_SIZE", "5G")], "no rw_mode", 1)]
fn warnings_of_the_file(
    #[case] text: &str,
    #[case] variables: &[(&str, &str)],
    #[case] what: &str,
    #[case] line: usize,
) {
    let found = only(text, variables);
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.what.contains(what), "{}", found.what);
    assert_eq!(found.place.unwrap().line, line);
}

#[rstest]
#[case(&[("SCCACHE_CACHE_SIZE", "24GiB")], Severity::Warning, "SCCACHE_CACHE_SIZE=24G")]
#[case(&[("SCCACHE_DIR", "")], Severity::Warning, "unset it")]
#[case(&[("SCCACHE_DIR", "x")], Severity::Warning, "absolute path")]
#[case(&[("SCCACHE_DIRECT", "maybe")], Severity::Error, "true, on, 1")]
#[case(&[("SCCACHE_BASEDIRS", "/a:b")], Severity::Error, "absolute path")]
#[case(&[("SCCACHE_LOCAL_RW_MODE", "READONLY")], Severity::Warning, "SCCACHE_LOCAL_RW_MODE=READ_ONLY")]
#[case(&[("SCCACHE_SERVER_PORT", "x")], Severity::Warning, "number")]
#[case(&[("SCCACHE_MULTILEVEL_CHAIN", "disk")], Severity::Error, "[cache.disk]")]
fn problems_of_variables(
    #[case] variables: &[(&str, &str)],
    #[case] severity: Severity,
    #[case] hint: &str,
) {
    let found = only("", variables);
    assert_eq!(found.severity, severity, "{found:?}");
    assert!(found.hint.clone().unwrap().contains(hint), "{found:?}");
}

#[test]
fn variables_with_the_values_of_the_file_are_fine() {
    let text = "[cache.disk]\ndir = '/c'\nsize = 25769803776\n";
    let both = context(&[("SCCACHE_DIR", "/c"), ("SCCACHE_CACHE_SIZE", "24G")]);
    assert_eq!(check(Some(text), path(), &both), []);
}

#[test]
fn a_size_without_a_unit_is_a_warning() {
    for (text, place) in [
        ("[cache.disk]\nsize = 24\n", 2),
        ("[cache.disk]\nsize = '900K'\n", 2),
    ] {
        let found = check(Some(text), path(), &context(&[]));
        let found = found
            .iter()
            .find(|found| found.what.contains("less than 1 MiB"));
        let found = found.expect(text);
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.place.as_ref().unwrap().line, place);
        assert!(found.hint.clone().unwrap().contains("add a unit"));
    }
    let found = only("", &[("SCCACHE_CACHE_SIZE", "24")]);
    assert!(found.what.contains("24 bytes"), "{found:?}");
}

#[test]
fn a_chain_uses_the_disk_and_the_remote() {
    let text = "[cache.disk]\nsize = 5000000\n[cache.redis]\nendpoint = 'x'\n[cache.multilevel]\nchain = ['disk', 'redis']\n";
    let found = only(text, &[]);
    assert_eq!(found.severity, Severity::Note, "{found:?}");
    let text = "[cache.multilevel]\nchain = ['rediss']\n";
    let found = check(Some(text), path(), &context(&[]));
    assert!(found[0].hint.clone().unwrap().contains("`redis`"));
}

#[test]
fn a_newer_key_fails_on_an_older_sccache_and_is_a_note_otherwise() {
    let text = "client_side_mode = true\n";
    let with = |version| CheckContext {
        sccache: version,
        ..context(&[])
    };
    let severity = |version| check(Some(text), path(), &with(version))[0].severity;
    assert_eq!(severity(Some(Version::new(0, 16, 0))), Severity::Error);
    assert_eq!(severity(Some(Version::new(0, 17, 0))), Severity::Note);
    assert_eq!(severity(None), Severity::Note);
}

#[test]
fn a_missing_file_matters_only_if_sccache_conf_names_it() {
    assert_eq!(check(None, path(), &context(&[])), []);
    let found = check(None, path(), &context(&[("SCCACHE_CONF", "/nowhere")]));
    assert!(found[0].what.contains("defaults"), "{found:?}");
    let found = check(None, Path::new(""), &context(&[("SCCACHE_CONF", "")]));
    assert!(found[0].what.contains("empty"), "{found:?}");
}

#[rstest]
#[case(DirState::ReadOnly, Some(1 << 40), "is not writable")]
#[case(DirState::NotCreatable, Some(1 << 40), "cannot be created")]
#[case(DirState::NotADirectory, None, "not a directory")]
#[case(DirState::Writable, Some(1 << 20), "is full: 1MiB free")]
fn directories(#[case] state: DirState, #[case] free: Option<u64>, #[case] what: &str) {
    let context = CheckContext {
        directory: Some(Directory {
            path: "/c".into(),
            state,
            free,
            total: Some(1 << 40),
        }),
        ..context(&[])
    };
    let found = check(Some("[cache.disk]\ndir = '/c'\n"), path(), &context);
    assert!(found[0].what.contains(what), "{found:?}");
}

#[test]
fn only_the_syntax_of_json_is_checked() {
    let path = Path::new("config.json");
    let found = check(Some("{ \"cache\": }"), path, &context(&[]));
    assert_eq!(
        (found[0].severity, found[0].place.as_ref().unwrap().line),
        (Severity::Error, 1)
    );
    let found = check(Some("{}"), path, &context(&[]));
    assert_eq!(found[0].severity, Severity::Note);
}
