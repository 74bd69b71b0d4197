use super::*;
use rstest::rstest;

fn path() -> &'static Path {
    Path::new("config")
}

fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
    Surroundings {
        variables: variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        default_dir: "/home/me/.cache/sccache".into(),
        ..Surroundings::default()
    }
}

fn only(text: &str, variables: &[(&str, &str)]) -> Diagnostic {
    let mut findings = check(Some(text), path(), &surroundings(variables));
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

/// Each of these makes `sccache --show-stats` end with 2; the integration tests prove it.
#[rstest]
#[case("x =", 1, "not TOML", "every sccache command fails")]
#[case("[cache.disk]\nsize = 5\nsize = 6\n", 3, "not TOML", "every")]
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
    "cannot read the size `24GiB`",
    "size = 25769803776"
)]
#[case("[cache.disk]\nsize = -1\n", 2, "less than nothing", "24GiB")]
#[case(
    "[cache.disk]\nsize = 1.5\n",
    2,
    "a number with a fraction",
    "size = 25769803776"
)]
#[case(
    "[cache.disk]\ndir = 5\n",
    2,
    "takes a path as text, and this is a number",
    "dir = "
)]
#[case(
    "[cache.disk]\nrw_mode = \"read_only\"\n",
    2,
    "cannot be `read_only`",
    "\"READ_ONLY\""
)]
#[case("[cache]\ndisk = 5\n", 2, "takes a table", "disk = {")]
#[case(
    "[cache.s3]\nbucket = \"b\"\n",
    1,
    "lacks `no_credentials`",
    "no_credentials = false"
)]
#[case(
    "[cache.redis]\nendpoint = 'x'\ndb = \"1\"\n",
    3,
    "takes a number, and this is text",
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
    "two names of one key",
    "take out"
)]
#[case("[dist.auth]\ntoken = 'x'\n", 1, "lacks `type`", "oauth2_implicit")]
#[case(
    "[dist.auth]\ntype = 'token'\nclient_id = 'x'\ntoken = 'y'\n",
    3,
    "client_id",
    "token"
)]
#[case(
    "[[dist.toolchains]]\ntype = 'path_override'\ncompiler_executable = '/x'\narchive = '/y'\n",
    1,
    "lacks `archive_compiler_executable`",
    "add"
)]
#[case("[dist]\nscheduler_url = 'x'\n", 2, "not an address", "http://")]
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
    assert_eq!(check(Some(text), path(), &surroundings(&[])), []);
}

#[rstest]
#[case("[cache.disk]\ndir = 'cache'\n", &[], "is relative", 2)]
#[case("[cache.disk]\ndir = '~/cache'\n", &[], "is relative", 2)]
#[case("[cache.disk]\ndir = ''\n", &[], "empty text", 2)]
#[case("[cache.disk]\nsize = 0\n", &[], "nothing is kept", 2)]
#[case("[cache.disk]\nsize = 5\n[cache.redis]\nendpoint = 'x'\n", &[], "disk cache is not used", 1)]
#[case("[cache.redis]\nendpoint = 'x'\n[cache.webdav]\nendpoint = 'x'\n", &[], "`webdav` is set up and not used", 3)]
#[case("[cache.disk]\nsize = 5\n", &[("SCCACHE_REDIS_ENDPOINT", "x")], "disk cache is not used", 1)]
#[case("[cache.disk]\nsize = 5368709120\n", &[("SCCACHE_DIR", "/x")], "size 10GiB instead of 5GiB", 1)]
#[case("[cache.disk]\ndir = '/x'\n", &[("SCCACHE_CACHE_SIZE", "5G")], "dir /home/me/.cache/sccache instead of /x", 1)]
#[case("[cache.disk]\nrw_mode = 'READ_ONLY'\n", &[("SCCACHE_CACHE_SIZE", "5G")], "no rw_mode", 1)]
fn surprises_in_the_file(
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
#[case(&[("SCCACHE_DIR", "x")], Severity::Warning, "from the root")]
#[case(&[("SCCACHE_DIRECT", "maybe")], Severity::Error, "true, on, 1")]
#[case(&[("SCCACHE_BASEDIRS", "/a:b")], Severity::Error, "from the root")]
#[case(&[("SCCACHE_LOCAL_RW_MODE", "READONLY")], Severity::Warning, "SCCACHE_LOCAL_RW_MODE=READ_ONLY")]
#[case(&[("SCCACHE_SERVER_PORT", "x")], Severity::Warning, "number")]
#[case(&[("SCCACHE_MULTILEVEL_CHAIN", "disk")], Severity::Error, "[cache.disk]")]
fn faults_of_variables(
    #[case] variables: &[(&str, &str)],
    #[case] severity: Severity,
    #[case] hint: &str,
) {
    let found = only("", variables);
    assert_eq!(found.severity, severity, "{found:?}");
    assert!(found.hint.clone().unwrap().contains(hint), "{found:?}");
}

#[test]
fn variables_that_repeat_the_file_are_fine() {
    let text = "[cache.disk]\ndir = '/c'\nsize = 25769803776\n";
    let both = surroundings(&[("SCCACHE_DIR", "/c"), ("SCCACHE_CACHE_SIZE", "24G")]);
    assert_eq!(check(Some(text), path(), &both), []);
}

#[test]
fn a_chain_uses_the_disk_and_the_remote() {
    let text = "[cache.disk]\nsize = 5\n[cache.redis]\nendpoint = 'x'\n[cache.multilevel]\nchain = ['disk', 'redis']\n";
    let found = only(text, &[]);
    assert_eq!(found.severity, Severity::Note, "{found:?}");
    let text = "[cache.multilevel]\nchain = ['rediss']\n";
    let found = check(Some(text), path(), &surroundings(&[]));
    assert!(found[0].hint.clone().unwrap().contains("`redis`"));
}

#[test]
fn a_newer_key_fails_on_an_older_sccache_and_is_a_note_otherwise() {
    let text = "client_side_mode = true\n";
    let with = |version| Surroundings {
        sccache: version,
        ..surroundings(&[])
    };
    let severity = |version| check(Some(text), path(), &with(version))[0].severity;
    assert_eq!(severity(Some(Version::new(0, 16, 0))), Severity::Error);
    assert_eq!(severity(Some(Version::new(0, 17, 0))), Severity::Note);
    assert_eq!(severity(None), Severity::Note);
}

#[test]
fn a_missing_file_matters_only_when_it_is_named() {
    assert_eq!(check(None, path(), &surroundings(&[])), []);
    let found = check(None, path(), &surroundings(&[("SCCACHE_CONF", "/nowhere")]));
    assert!(found[0].what.contains("defaults"), "{found:?}");
    let found = check(None, Path::new(""), &surroundings(&[("SCCACHE_CONF", "")]));
    assert!(found[0].what.contains("empty"), "{found:?}");
}

#[rstest]
#[case(DirState::ReadOnly, Some(1 << 40), "cannot be written to")]
#[case(DirState::NotCreatable, Some(1 << 40), "cannot be made")]
#[case(DirState::NotADirectory, None, "not a directory")]
#[case(DirState::Writable, Some(1 << 20), "is full: 1MiB free")]
fn directories(#[case] state: DirState, #[case] free: Option<u64>, #[case] what: &str) {
    let around = Surroundings {
        directory: Some(Directory {
            path: "/c".into(),
            state,
            free,
            total: Some(1 << 40),
        }),
        ..surroundings(&[])
    };
    let found = check(Some("[cache.disk]\ndir = '/c'\n"), path(), &around);
    assert!(found[0].what.contains(what), "{found:?}");
}

#[test]
fn json_is_looked_at_for_its_form() {
    let path = Path::new("config.json");
    let found = check(Some("{ \"cache\": }"), path, &surroundings(&[]));
    assert_eq!(
        (found[0].severity, found[0].place.as_ref().unwrap().line),
        (Severity::Error, 1)
    );
    let found = check(Some("{}"), path, &surroundings(&[]));
    assert_eq!(found[0].severity, Severity::Note);
}
