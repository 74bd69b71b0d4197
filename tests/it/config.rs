//! `sccfg config`, and sccache's own word on what it reads and writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::support::{self, Ran, Sandbox};

const CONFIG: &str = "home/.config/sccache/config";

/// Runs `sccache --show-stats` on the sandbox's file; it starts no server.
fn sccache(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Ran {
    let program = support::sccache();
    let output = sandbox
        .command(program)
        .args(["--show-stats", "--stats-format=json"])
        .env("SCCACHE_SERVER_UDS", sandbox.path("nobody-listens"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Ran::new("sccache --show-stats".to_owned(), &output)
}

/// The sandbox's command line, with the real sccache first on `PATH`.
fn with_sccache(sandbox: Sandbox) -> Sandbox {
    let directory = support::sccache().parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::iter::once(directory).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(directories).unwrap();
    sandbox.variable("PATH", path.to_str().unwrap())
}

#[requires(sccache)]
#[test]
fn a_size_is_written_as_sccache_reads_it() {
    let sandbox = Sandbox::new();
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "24GiB"])
        .status(0)
        .stdout_has("set cache.disk.size");
    assert_eq!(sandbox.read(CONFIG), "[cache.disk]\nsize = 25769803776\n");
    assert_eq!(
        sandbox
            .sccfg(&["config", "get", "cache.disk.size"])
            .status(0)
            .stdout,
        "24GiB\n"
    );
    assert_eq!(
        sandbox
            .sccfg(&["config", "get", "cache.disk.size", "--json"])
            .status(0)
            .stdout,
        "25769803776\n"
    );
    let ran = sccache(&sandbox, &[]).status(0);
    ran.stdout_has("\"max_cache_size\":25769803776");
    sandbox
        .sccfg(&["config", "unset", "cache.disk.size"])
        .status(0);
    assert_eq!(sandbox.read(CONFIG), "[cache.disk]\n");
    sandbox
        .sccfg(&["config", "get", "cache.disk.size"])
        .status(1)
        .stderr_has("is not set");
}

#[test]
fn comments_order_and_line_breaks_stay() {
    let before = "# mine\r\n[dist]\r\nrewrite_includes_only = true\r\n\r\n[cache.disk] # here\r\nsize = \"10G\" # ten\r\n";
    let sandbox = Sandbox::new().file(CONFIG, before);
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "1TiB"])
        .status(0);
    assert_eq!(
        sandbox.read(CONFIG),
        before.replace("\"10G\"", "1099511627776")
    );
}

const SETTINGS: &str = "home/.config/sccfg/config.toml";

#[test]
fn settings_of_the_local_store_are_in_sccfgs_own_file() {
    let before = "# mine\n[store] # here\nsize = \"10G\" # ten\n";
    let sandbox = Sandbox::new().file(SETTINGS, before);
    let set = |key: &str, value: &str| sandbox.sccfg(&["config", "set", key, value]).status(0);
    set("store.size", "1.5TiB").stdout_has("set store.size in ");
    let now = before.replace("10G", "1.5TiB");
    assert_eq!(sandbox.read(SETTINGS), now);
    set("store.enabled", "false");
    assert_eq!(sandbox.read(SETTINGS), format!("{now}enabled = false\n"));
    let get = |args: &[&str]| sandbox.sccfg(&[&["config", "get"], args].concat());
    assert_eq!(get(&["store.size"]).status(0).stdout, "1536GiB\n");
    let json = get(&["store.size", "--json"]).status(0).stdout;
    assert_eq!(json, "1649267441664\n");
    get(&["store.dir"]).status(1).stderr_has("is not set in");
    sandbox
        .sccfg(&["config", "unset", "store.enabled"])
        .status(0)
        .stdout_has("unset store.enabled");
    assert_eq!(sandbox.read(SETTINGS), now);

    // Both files at once; nothing is written if one value is wrong.
    let both = |size: &str| {
        sandbox.sccfg(&[
            "config",
            "set",
            "cache.disk.size",
            "24GiB",
            "store.size",
            size,
        ])
    };
    both("much").status(2).stderr_has("invalid value `much`");
    assert!(!sandbox.exists(CONFIG));
    both("5GiB").status(0);
    assert_eq!(sandbox.read(CONFIG), "[cache.disk]\nsize = 25769803776\n");
    assert_eq!(sandbox.read(SETTINGS), before.replace("10G", "5GiB"));

    for (key, value, said) in [
        ("store.dir", "here", "hint: write an absolute path"),
        ("store.enabled", "on", "hint: write true or false"),
    ] {
        let ran = sandbox.sccfg(&["config", "set", key, value]).status(2);
        ran.stderr_has(said);
    }
    for key in ["store.size", "cache.disk.size"] {
        let ran = sandbox.sccfg(&["config", "set", key, ""]).status(2);
        ran.stderr_has(&format!("error: `{key}` needs a value"));
    }
    sandbox
        .sccfg(&["config", "set", "store.limit", "1"])
        .status(2)
        .stderr_has("store.enabled, store.dir, store.size");
}

/// Two shells that start may each set something.
#[test]
fn settings_that_are_set_at_once_are_all_there() {
    let pairs = [
        (
            SETTINGS,
            ["store.enabled", "store.dir"],
            ["false", "/store"],
        ),
        (
            CONFIG,
            ["cache.disk.size", "cache.disk.dir"],
            ["24GiB", "/cache"],
        ),
    ];
    for round in 0..10 {
        for (file, keys, values) in pairs {
            // In a directory that is missing, and in one that is there.
            let sandbox = Sandbox::new();
            if round % 2 == 0 {
                sandbox.write(file, "");
            }
            let set = |key, value| {
                let mut sccfg = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
                let sccfg = sccfg.args(["config", "set", key, value]);
                sccfg.stdout(Stdio::null()).spawn().unwrap()
            };
            let both = [set(keys[0], values[0]), set(keys[1], values[1])];
            for mut child in both {
                assert!(child.wait().unwrap().success(), "{file}, round {round}");
            }
            for (key, value) in keys.into_iter().zip(values) {
                let ran = sandbox.sccfg(&["config", "get", key]).status(0);
                assert_eq!(ran.stdout, format!("{value}\n"), "round {round}");
            }
        }
    }
}

/// A value that is refused leaves no directory.
#[test]
fn a_refused_setting_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox
        .sccfg(&["config", "set", "store.size", "much"])
        .status(2);
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "much"])
        .status(2);
    assert!(!sandbox.exists("home/.config/sccfg"));
    assert!(!sandbox.exists("home/.config/sccache"));
}

/// A mistake in the file is named in words of the file.
#[test]
fn errors_in_the_settings_are_named() {
    let sandbox = Sandbox::new();
    for (text, said, hint) in [
        (
            "store = 5\n",
            "invalid type: integer `5`, expected a table",
            "correct it",
        ),
        (
            "[store]\nsize = [1]\n",
            "expected a size such as \"24GiB\"",
            "correct it",
        ),
        (
            "[store]\nsize = \"10GX\"\n",
            "`10GX` is not a size",
            "correct it",
        ),
        (
            "[store]\nsize =\n",
            "could not parse the settings: ",
            "correct it",
        ),
        (
            "[store]\nlimit = 1\n",
            "unknown key `limit`",
            "the keys are `enabled`, `dir` and",
        ),
    ] {
        sandbox.write(SETTINGS, text);
        let ran = sandbox.sccfg(&["config", "check"]).status(1);
        ran.stderr_has(said).stderr_has(&format!("hint: {hint}"));
    }
    sandbox.write(SETTINGS, "");
    for (name, value) in [("SCCFG_CONFIG", "relative.toml"), ("SCCFG_STORE", "maybe")] {
        let mut sccfg = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        let output = sccfg.args(["config", "check"]).env(name, value).output();
        Ran::new(
            format!("{name}={value} sccfg config check"),
            &output.unwrap(),
        )
        .status(1)
        .stderr_has(&format!("{name}={value} is ignored"))
        .stderr_has("hint: write ");
    }
}

#[test]
fn settings_of_the_local_store_are_shown_and_checked() {
    let sandbox = Sandbox::new().file(SETTINGS, "[store]\nsize = \"2GiB\"\n");
    let sandbox = sandbox.variable("SCCFG_STORE", "off");
    let table = sandbox.sccfg(&["config", "show"]).status(0).stdout;
    let row = |key: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row("store.enabled")[1..], ["false", "SCCFG_STORE"]);
    let place = format!("{}:2", sandbox.path(SETTINGS).display());
    assert_eq!(row("store.size")[1..], ["2GiB", &place]);
    let store = sandbox.path("home/.cache/sccfg/wrapper/store");
    assert_eq!(row("store.dir")[1..], [store.to_str().unwrap(), "default"]);

    sandbox.write(SETTINGS, "[store]\nsize = \"much\"\n");
    let ran = sandbox.sccfg(&["config", "check"]).status(1);
    ran.stderr_has("config.toml:2:8")
        .stderr_has("`much` is not a size");
    sandbox
        .sccfg(&["config", "check", "--json"])
        .status(1)
        .stdout_has("`much` is not a size");
    // It can be set right again, and another file can be named.
    sandbox
        .sccfg(&["config", "set", "store.size", "1GiB"])
        .status(0);
    let other = sandbox.path("other.toml");
    let sandbox = sandbox.variable("SCCFG_CONFIG", other.to_str().unwrap());
    sandbox
        .sccfg(&["config", "set", "store.size", "3GiB"])
        .status(0);
    assert_eq!(sandbox.read("other.toml"), "[store]\nsize = \"3GiB\"\n");
}

#[test]
fn path_is_where_sccache_looks() {
    let sandbox = Sandbox::new();
    let path = sandbox.sccfg(&["config", "path"]).status(0).stdout;
    assert_eq!(path.trim_end(), sandbox.path(CONFIG).to_str().unwrap());
    let sandbox = sandbox.variable("SCCACHE_CONF", "/etc/elsewhere");
    assert_eq!(
        sandbox.sccfg(&["config", "path"]).status(0).stdout,
        "/etc/elsewhere\n"
    );
    sandbox
        .sccfg(&["config", "path", "--json"])
        .status(0)
        .stdout_has("{\"exists\":false,\"path\":\"/etc/elsewhere\"}");
}

#[test]
fn show_names_the_source_of_each_value() {
    let sandbox = Sandbox::new().file(
        CONFIG,
        "[cache.disk]\nsize = 5368709120\n[cache.redis]\nendpoint = \"redis://u:geheim@h\"\npassword = \"geheim\"\ndb = 3\n",
    );
    let shown = sandbox.sccfg(&["config", "show"]).status(0);
    assert!(!shown.stdout.contains("geheim"), "{}", shown.stdout);
    let lines: Vec<String> = shown
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let path = sandbox.path(CONFIG);
    let path = path.display();
    let cache = sandbox.path("home/.cache/sccache");
    for line in [
        "storage redis".to_owned(),
        format!("cache.disk.dir {} default", cache.display()),
        format!("cache.disk.size 5GiB {path}:2"),
        format!("cache.redis.password (hidden) {path}:5"),
        format!("cache.redis.db 3 {path}:6"),
    ] {
        assert!(lines.contains(&line), "no `{line}` in\n{}", shown.stdout);
    }
    sandbox
        .sccfg(&["config", "show", "--show-secrets"])
        .status(0)
        .stdout_has("geheim");
    let json = sandbox
        .sccfg(&["config", "show", "--json"])
        .status(0)
        .stdout;
    assert!(!json.contains("geheim"), "{json}");
    assert!(
        json.contains(r#""key":"cache.disk.size""#) && json.contains(r#""value":5368709120"#),
        "{json}"
    );
    assert_eq!(
        sandbox
            .sccfg(&["config", "get", "cache.redis.password", "--show-secrets"])
            .status(0)
            .stdout,
        "geheim\n"
    );
    let sandbox = sandbox.variable("SCCACHE_CACHE_SIZE", "7G");
    sandbox
        .sccfg(&["config", "show"])
        .status(0)
        .stdout_has("SCCACHE_CACHE_SIZE");
}

#[test]
fn a_wrong_key_is_wrong_usage() {
    let sandbox = Sandbox::new();
    sandbox
        .sccfg(&["config", "set", "cache.disk.sise", "24GiB"])
        .status(2)
        .stderr_has("did you mean `cache.disk.size`?");
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "plenty"])
        .status(2)
        .stderr_has("hint:");
    assert!(!sandbox.exists(CONFIG));
}

#[test]
fn set_warns_if_a_variable_overrides_it() {
    let sandbox = Sandbox::new().variable("SCCACHE_DIR", "/var/tmp");
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "24GiB"])
        .status(0)
        .stderr_has("SCCACHE_DIR in the environment replaces the whole [cache.disk] table");
}

/// The variables of the hook repeat the file as it was when the shell was entered.
#[test]
fn set_in_a_dev_shell_says_to_enter_it_again() {
    let sandbox = Sandbox::new()
        .file(CONFIG, "[cache.disk]\ndir = \"/c\"\nsize = 3221225472\n")
        .variable("SCCACHE_DIR", "/c")
        .variable("SCCACHE_CACHE_SIZE", "3221225472");
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "24GiB"])
        .status(0)
        .stderr_has("SCCACHE_DIR and SCCACHE_CACHE_SIZE in the environment replace the whole")
        .stderr_has("hint: enter the shell again");
}

#[test]
fn json_is_not_edited() {
    let sandbox = Sandbox::new().file("c.json", "{}");
    let path = sandbox.path("c.json");
    let sandbox = sandbox.variable("SCCACHE_CONF", path.to_str().unwrap());
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "1G"])
        .status(1)
        .stderr_has("hint:");
    assert_eq!(sandbox.read("c.json"), "{}");
}

#[test]
fn check_is_silent_about_a_good_file_and_exits_1_otherwise() {
    let sandbox = Sandbox::new();
    sandbox.sccfg(&["config", "check"]).status(0);
    sandbox.write(CONFIG, "[cache.disk]\ndir = \"cache\"\n");
    sandbox
        .sccfg(&["config", "check"])
        .status(1)
        .stderr_has("config:2:1: the cache directory");
    sandbox.write(CONFIG, "[cache.disk]\nsize = \"24GiB\"\n");
    sandbox
        .sccfg(&["config", "check"])
        .status(1)
        .stderr_has("config:2:8: sccache does not accept the size `24GiB`")
        .stderr_has("hint: write `size = 25769803776`");
    sandbox
        .sccfg(&["config", "check", "--json"])
        .status(1)
        .stdout_has("\"severity\":\"fails\"");
    sandbox.write(CONFIG, "[cache.disk]\nsize = 1152921504606846976\n");
    sandbox
        .sccfg(&["config", "check"])
        .status(1)
        .stderr_has("but the disk of");
}

#[requires(sccache)]
#[test]
fn what_check_calls_failing_makes_sccache_fail_and_nothing_else_does() {
    let files = [
        ("x =", 2),
        ("[cache.disk]\nsize = 5\nsize = 6\n", 2),
        ("[cache.disk]\nsise = 5\n", 2),
        ("size = 5\n", 2),
        ("[cache.disk]\nsize = \"24GiB\"\n", 2),
        ("[cache.disk]\nsize = \"1.5G\"\n", 2),
        ("[cache.disk]\nsize = -1\n", 2),
        ("[cache.disk]\nsize = 1.5\n", 2),
        ("[cache.disk]\ndir = 5\n", 2),
        ("[cache.disk]\nrw_mode = \"read_only\"\n", 2),
        ("[cache]\ndisk = 5\n", 2),
        ("[[cache.disk]]\nsize = 5\n", 2),
        ("[cache.disk]\npreprocessor_cache_mode = true\n", 2),
        ("[cache.s3]\nbucket = \"b\"\n", 2),
        ("[cache.gcs]\nbucket = \"b\"\nkey_prefix = \"\"\n", 2),
        ("[cache.gha]\nenabled = true\n", 2),
        ("[cache.redis]\nendpoint = 'x'\ndb = \"1\"\n", 2),
        ("[cache.redis]\nendpoint = 'x'\ndb = 5000000000\n", 2),
        (
            "[cache.redis]\nendpoint = 'x'\nttl = 1\nexpiration = 2\n",
            2,
        ),
        ("[cache.multilevel]\nwrite_error_policy = 'l0'\n", 2),
        (
            "[cache.multilevel]\nchain = []\nwrite_error_policy = 'L0'\n",
            2,
        ),
        ("basedirs = [\"a\"]\n", 2),
        ("basedirs = \"/a\"\n", 2),
        ("server_startup_timeout_ms = -1\n", 2),
        ("[dist.auth]\ntoken = 'x'\n", 2),
        ("[dist.auth]\ntype = 'token'\n", 2),
        (
            "[dist.auth]\ntype = 'token'\ntoken = 'y'\nclient_id = 'x'\n",
            2,
        ),
        ("[dist]\nscheduler_url = 'x'\n", 2),
        ("[dist]\nscheduler_url = 'http://x/y'\n", 2),
        (
            "[[dist.toolchains]]\ntype = 'path_override'\ncompiler_executable = '/x'\n",
            2,
        ),
        // What it takes.
        ("", 0),
        ("\u{feff}[cache.disk]\r\nsize = 5\r\n", 0),
        ("[cache.disk]\nsize = \"10g\"\ndir = \"cache\"\n", 0),
        ("[cache]\ndisk = { size = 5, rw_mode = \"READ_ONLY\" }\n", 0),
        (
            "cache.disk.preprocessor_cache_mode.skip_system_headers = true\n",
            0,
        ),
        ("[cache.multilevel]\nchain = []\nother = 1\n", 0),
        ("[cache.memcached]\nendpoint = 'tcp://x'\n", 0),
        (
            "[dist]\nscheduler_url = 'http://x:10600'\ntoolchain_cache_size = \"5G\"\n",
            0,
        ),
        (
            "[[dist.toolchains]]\ntype = 'no_dist'\ncompiler_executable = '/x'\n",
            0,
        ),
    ];
    for (text, code) in files {
        let sandbox = Sandbox::new().file(CONFIG, text);
        let checked = sandbox.sccfg(&["config", "check", "--json"]).stdout;
        let fails = checked.contains("\"severity\":\"fails\"");
        assert_eq!(fails, code == 2, "{text}\n{checked}");
        // One that was built without the dist client does not look at what that would read.
        if text.starts_with("[dist]") && !has_all_features() {
            continue;
        }
        let ran = sccache(&sandbox, &[]);
        assert_eq!(ran.code, Some(code), "{text}\n{}", ran.stderr);
    }
}

/// Whether this sccache was built with everything, by its own list of features.
fn has_all_features() -> bool {
    let mut sccache = Command::new(support::sccache());
    let output = sccache.arg("--help").output().unwrap();
    !String::from_utf8_lossy(&output.stdout).contains(": false")
}

#[requires(sccache)]
#[test]
fn what_check_says_about_variables_is_what_sccache_does() {
    let sandbox = Sandbox::new().file(CONFIG, "[cache.disk]\nsize = 5368709120\n");
    for (name, value, code, size) in [
        ("SCCACHE_DIRECT", "maybe", 2, None),
        ("SCCACHE_BASEDIRS", "a", 2, None),
        ("SCCACHE_CACHE_SIZE", "24GiB", 0, Some("5368709120")),
        ("SCCACHE_DIR", "/x", 0, Some("10737418240")),
        ("SCCACHE_LOCAL_RW_MODE", "RO", 0, Some("5368709120")),
    ] {
        let output = sandbox
            .command(env!("CARGO_BIN_EXE_sccfg"))
            .args(["config", "check", "--json"])
            .env(name, value)
            .output()
            .unwrap();
        let checked = Ran::new(format!("{name}={value} sccfg config check"), &output).status(1);
        assert_eq!(
            checked.stdout.contains("\"fails\""),
            code == 2,
            "{}",
            checked.stdout
        );
        let ran = sccache(&sandbox, &[(name, value)]).status(code);
        if let Some(size) = size {
            ran.stdout_has(&format!("\"max_cache_size\":{size}"));
        }
    }
}

#[requires(sccache)]
#[test]
fn a_key_too_new_for_this_sccache_fails() {
    let program = support::sccache();
    let version = support::version(&program);
    let sandbox = with_sccache(Sandbox::new().file(CONFIG, "client_side_mode = true\n"));
    let refused = version < sccache_control::config::version::Version::new(0, 17, 0);
    let ran = sccache(&sandbox, &[]);
    assert_eq!(
        ran.code,
        Some(if refused { 2 } else { 0 }),
        "{}",
        ran.stderr
    );
    let checked = sandbox.sccfg(&["config", "check"]);
    assert_eq!(checked.code, Some(i32::from(refused)), "{}", checked.stderr);
}

/// What sccfg puts together in every form of file, read by sccache itself.
#[requires(sccache)]
#[test]
fn what_set_writes_is_read_by_sccache() {
    for before in [
        "",
        "[cache.disk]\n",
        "cache = {}\n",
        "[cache]\ndisk = { dir = '/c' }\n",
        "cache.redis.endpoint = 'x'\n",
        "cache.disk.dir = '/c'\r\n",
        "[cache.disk.preprocessor_cache_mode]\nfile_stat_matches = true",
        "[cache]\nredis.endpoint = 'x'\n",
    ] {
        let sandbox = Sandbox::new().file(CONFIG, before);
        sandbox
            .sccfg(&["config", "set", "cache.disk.size", "24GiB"])
            .status(0);
        sandbox
            .sccfg(&["config", "set", "cache.disk.dir", "/some/where else"])
            .status(0);
        sandbox
            .sccfg(&[
                "config",
                "set",
                "basedirs",
                "/a,/b",
                "cache.gha.enabled",
                "false",
                "cache.gha.version",
                "",
            ])
            .status(0);
        let text = sandbox.read(CONFIG);
        let ran = sccache(&sandbox, &[]);
        assert_eq!(ran.code, Some(0), "{before} became\n{text}\n{}", ran.stderr);
        if !before.contains("redis") {
            sandbox.sccfg(&["config", "unset", "cache.gha"]).status(0);
            let ran = sccache(&sandbox, &[]).status(0);
            ran.stdout_has("\"max_cache_size\":25769803776")
                .stdout_has("/some/where else");
        }
    }
}

#[test]
fn verbose_lists_the_files_that_are_read_and_written() {
    let sandbox = Sandbox::new();
    let config = sandbox.path(CONFIG);
    let config = config.display();
    let set = ["config", "set", "cache.disk.size", "5GiB"];
    sandbox.sccfg(&set).status(0).quiet();
    let ran = sandbox.sccfg(&["-v", "config", "set", "cache.disk.size", "6GiB"]);
    ran.status(0)
        .stderr_has(&format!("sccfg: sccache's config file is {config}\n"))
        .stderr_has(&format!("sccfg: read {config}: 31 bytes\n"))
        .stderr_has(&format!("sccfg: wrote {config}: 31 bytes\n"))
        .stderr_has("sccfg: running `sccache --version`");
}

#[test]
fn writing_a_secret_into_a_file_that_others_can_read_is_reported() {
    let set = |sandbox: &Sandbox, key: &str, value: &str| {
        let endpoint = ["cache.webdav.endpoint", "https://h"];
        let set = [&["config", "set"], &endpoint[..], &[key, value]].concat();
        sandbox.sccfg(&set).status(0)
    };
    let with_mode = |mode| {
        let sandbox = Sandbox::new().file(CONFIG, "");
        fs::set_permissions(sandbox.path(CONFIG), fs::Permissions::from_mode(mode)).unwrap();
        sandbox
    };
    for (key, value) in [
        ("cache.webdav.password", "hunter2hunter2"),
        ("cache.redis.url", "redis://me:hunter2hunter2@h"),
    ] {
        for mode in [0o644, 0o640, 0o604] {
            let sandbox = with_mode(mode);
            let config = sandbox.path(CONFIG);
            let config = config.display();
            set(&sandbox, key, value)
                .stderr_has(&format!(
                    "warning: other users can read {config}, which contains the secret `{key}`\n"
                ))
                .stderr_has(&format!("hint: chmod 600 {config}\n"));
        }
        let private = set(&with_mode(0o600), key, value);
        assert!(!private.stderr.contains("can read"), "{private:?}");
    }
    let public = set(&with_mode(0o644), "cache.redis.url", "redis://h");
    assert!(!public.stderr.contains("can read"), "{public:?}");
}

#[test]
fn a_new_file_is_private_and_an_existing_one_keeps_its_mode() {
    let mode = |sandbox: &Sandbox| {
        let metadata = fs::metadata(sandbox.path(CONFIG)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let set = ["config", "set", "cache.disk.size", "24GiB"];
    let sandbox = Sandbox::new();
    sandbox.sccfg(&set).status(0);
    assert_eq!(mode(&sandbox), 0o600);
    for existing in [0o644, 0o600, 0o660] {
        sandbox.write(CONFIG, "");
        let permissions = fs::Permissions::from_mode(existing);
        fs::set_permissions(sandbox.path(CONFIG), permissions).unwrap();
        sandbox.sccfg(&set).status(0);
        assert_eq!(mode(&sandbox), existing);
    }
}
