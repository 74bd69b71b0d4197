//! The output of `sccfg hook` and `sccfg env`, evaluated by each shell.

use std::fs;
use std::path::Path;

use indoc::indoc;
use proptest::prelude::*;
use rstest::rstest;
use sccfg::hook_text::{HookText, Settings};
use sccfg::sccfg_toml::Incremental;
use sccfg::shell::{Change, Form, quote, text};

use crate::support::{Ran, Sandbox, program, project, sccache};

/// Runs `script` from a file, so that no other shell parses it.
fn run(sandbox: &Sandbox, shell: &str, script: &str) -> Ran {
    sandbox.write("script", script);
    let mut command = sandbox.command(program(shell).unwrap());
    if shell == "nu" {
        command.arg("--no-config-file");
    }
    let output = command.arg("script").output().unwrap();
    Ran::new(format!("{shell}\n{script}"), &output).status(0)
}

/// Evaluates `changes` in `shell`, and returns the variables of the processes it starts.
fn evaluated<const N: usize>(
    shell: &str,
    form: Form,
    changes: &[Change],
    names: [&str; N],
) -> Vec<String> {
    let sandbox = Sandbox::new().file("changes", &text(form, changes));
    let evaluate = match form {
        Form::Fish | Form::Nu => "source ./changes",
        _ => "eval \"$(cat ./changes)\"",
    };
    let print =
        names.map(|name| format!("printenv {name} | od -An -v -tx1 | tr -d ' \\n'; echo\n"));
    sandbox.write("print", &print.concat());
    let ran = run(&sandbox, shell, &format!("{evaluate}\nsh ./print\n"));
    assert!(!sandbox.exists("x") && !sandbox.exists("home/x"), "{ran:?}");
    ran.stdout
        .lines()
        .map(|line| {
            let bytes: Vec<u8> = (0..line.len() / 2)
                .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            let text = String::from_utf8(bytes).unwrap();
            text.strip_suffix('\n').unwrap_or(&text).to_owned()
        })
        .collect()
}

const NAMES: [&str; 4] = ["ONE", "TWO", "THREE", "FOUR"];

#[track_caller]
fn assert_data(shell: &str, form: Form, values: &[String]) {
    let set = |(name, value): (&&'static str, &String)| Change::Set(name, value.clone());
    let changes: Vec<Change> = NAMES.iter().zip(values).map(set).collect();
    assert_eq!(evaluated(shell, form, &changes, NAMES), values);
}

#[rstest]
#[case::bash("bash", Form::Bash)]
#[requires(dash)]
#[case::dash("dash", Form::Bash)]
#[requires(zsh)]
#[case::zsh("zsh", Form::Zsh)]
#[requires(fish)]
#[case::fish("fish", Form::Fish)]
#[requires(nu)]
#[case::nu("nu", Form::Nu)]
fn values_with_shell_syntax_are_data(#[case] shell: &str, #[case] form: Form) {
    let values = [
        "a b\t'c' \"d\" \\ \\\\ \\' `touch x` $(touch x) $HOME ${x} !! #no ~ * ?",
        "two\nlines\n\n; touch x\n'\n",
        "ü€𝄞 \u{1}\u{1b}[31m \u{7f} %s {a,b} (touch x) $env.HOME \\u{41} \\n",
        "'",
    ];
    // A value that fish once misread.
    let invisible = [" ", "\u{1}", " ", "¨"];
    for values in [values, invisible] {
        assert_data(shell, form, &values.map(str::to_owned));
    }
}

#[rstest]
#[case::bash("bash", Form::Bash)]
#[requires(dash)]
#[case::dash("dash", Form::Bash)]
#[requires(zsh)]
#[case::zsh("zsh", Form::Zsh)]
#[requires(fish)]
#[case::fish("fish", Form::Fish)]
#[requires(nu)]
#[case::nu("nu", Form::Nu)]
fn any_value_is_data(#[case] shell: &str, #[case] form: Form) {
    let config = ProptestConfig {
        cases: 24,
        ..ProptestConfig::default()
    };
    proptest!(config, |(
        values in prop::collection::vec("([ -~]|[\n\t'\"\\\\$`(){}]|[^\0]){1,40}", 4)
    )| {
        assert_data(shell, form, &values);
    });
}

#[rstest]
#[case::bash("bash", Form::Bash)]
#[requires(dash)]
#[case::dash("dash", Form::Bash)]
#[requires(zsh)]
#[case::zsh("zsh", Form::Zsh)]
#[requires(fish)]
#[case::fish("fish", Form::Fish)]
#[requires(nu)]
#[case::nu("nu", Form::Nu)]
fn variables_are_unset_and_a_directory_is_prepended_to_the_search_path(
    #[case] shell: &str,
    #[case] form: Form,
) {
    let changes = [
        Change::Set("ONE", "1".to_owned()),
        Change::Unset("ONE"),
        Change::Unset("NEVER_SET"),
        Change::First {
            directory: "/first of/all's".to_owned(),
            whole: String::new(),
        },
    ];
    let read = evaluated(shell, form, &changes, ["ONE", "NEVER_SET", "PATH"]);
    assert_eq!(read[..2], ["", ""], "{shell}");
    assert!(
        read[2].starts_with("/first of/all's:"),
        "{shell}: {}",
        read[2]
    );
}

/// A universal variable is the user's, of all shells. fish gives it to programs whatever a script does, except setting it.
#[rstest]
#[requires(fish)]
#[case::none("", "", "unset")]
#[case::global("set -gx ONE global", "", "unset")]
#[case::universal("set -Ux ONE universal", "stays set", "universal")]
#[case::both("set -Ux ONE universal; set -gx ONE global", "stays set", "universal")]
#[case::not_exported("set -Uu ONE universal; set -gx ONE global", "", "unset")]
fn fish_keeps_universal_variables(#[case] before: &str, #[case] said: &str, #[case] seen: &str) {
    let sandbox = Sandbox::new().file("changes", &text(Form::Fish, &[Change::Unset("ONE")]));
    let script = format!(
        "{before}\ncat changes | source\necho $status\nsh -c 'echo ${{ONE-unset}}'\nset -qg ONE; or echo gone\n"
    );
    let ran = run(&sandbox, "fish", &script);
    assert_eq!(ran.stdout, format!("0\n{seen}\ngone\n"));
    match said {
        "" => drop(ran.quiet()),
        said => drop(ran.says_once(&["sccfg: ONE", said, "set -eU ONE"])),
    }
    let left = run(&sandbox, "fish", "set -qU ONE; and echo $ONE; or true");
    let is_universal = before.contains("set -U");
    assert_eq!(left.stdout, if is_universal { "universal\n" } else { "" });
}

#[test]
fn nushell_and_json_take_a_value_the_same_way() {
    assert_eq!(quote(Form::Nu, "a\n\"$x\"\\"), r#""a\n\"$x\"\\""#);
    let changes = [
        Change::Set("ONE", "a b".to_owned()),
        Change::Unset("TWO"),
        Change::First {
            directory: "/f".to_owned(),
            whole: "/f:/bin".to_owned(),
        },
    ];
    let nu = indoc! {r#"
        $env.ONE = "a b"
        hide-env --ignore-errors TWO
        $env.PATH = ($env.PATH | prepend "/f")
    "#};
    assert_eq!(text(Form::Nu, &changes), nu);
    assert_eq!(
        text(Form::Json, &changes),
        "{\"ONE\":\"a b\",\"PATH\":\"/f:/bin\",\"TWO\":null}\n"
    );
}

/// A sandbox whose `PATH` has this sccache first, and an address where no server is.
fn sandbox(sccache: &Path) -> Sandbox {
    let sandbox = Sandbox::new();
    let run = sandbox.path("run");
    fs::create_dir(&run).unwrap();
    let path = format!(
        "{}:{}",
        sccache.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    sandbox
        .variable("XDG_RUNTIME_DIR", run.to_str().unwrap())
        .variable("SCCACHE_SERVER_PORT", "1")
        .variable("PATH", &path)
}

const SHOWN: [&str; 6] = [
    "SCCACHE_DIR",
    "SCCACHE_CACHE_SIZE",
    "CARGO_INCREMENTAL",
    "RUSTC_WRAPPER",
    "SCCACHE_SERVER_UDS",
    "PATH",
];

/// The relevant variables after `script`.
fn left_by(sandbox: &Sandbox, directory: &str, script: &str) -> Vec<(&'static str, String)> {
    let print = SHOWN.map(|name| format!("printf '%s\\0' \"${{{name}-unset}}\"\n"));
    let print = print.concat();
    let mut bash = sandbox.command("bash");
    let output = bash
        .args(["-c", &format!("{script}\n{print}")])
        .env("SCCACHE_DIR", "/stale")
        .env("SCCACHE_CACHE_SIZE", "1G")
        .env("CARGO_INCREMENTAL", "1")
        .current_dir(sandbox.path(directory))
        .output()
        .unwrap();
    let ran = Ran::new(script.to_owned(), &output).status(0);
    let values = ran.stdout.split('\0').map(str::to_owned);
    SHOWN.into_iter().zip(values).collect()
}

/// `SCCACHE_DIR` and `SCCACHE_CACHE_SIZE` with each of these files.
const FILES: [(&str, Option<(&str, &str)>); 26] = [
    (
        "[cache.disk]\ndir = \"/c\"\nsize = 25769803776\n",
        Some(("/c", "25769803776")),
    ),
    ("[cache.disk]\nsize = 123\ndir = '/c'", Some(("/c", "123"))),
    (
        "# x\n\n[cache.disk] # x\n  dir=\"/c\"  # y\n\tsize=\"7G\" # z\n",
        Some(("/c", "7516192768")),
    ),
    (
        "[cache.disk]\ndir = \"/c\"\nsize = \"512m\"\n",
        Some(("/c", "536870912")),
    ),
    ("[cache.disk]\ndir = \"/c\"\n", Some(("/c", "10737418240"))),
    ("[cache.disk]\nsize = 5\n", Some((DEFAULT, "5"))),
    ("[cache.disk]\r\nsize = 5\r\n", Some((DEFAULT, "5"))),
    (
        "[cache]\ndisk = { dir = \"/c\", size = 5 }\n",
        Some(("/c", "5")),
    ),
    (
        "cache.disk.size = 25_769_803_776\n",
        Some((DEFAULT, "25769803776")),
    ),
    (
        "[cache.disk]\ndir = \"/\\u0041\"\nsize = 5\n",
        Some(("/A", "5")),
    ),
    (
        "[cache.disk]\ndir = \"/`touch x`;'ü=  # $HOME $(touch x)\" # c\nsize = 5\n",
        Some(("/`touch x`;'ü=  # $HOME $(touch x)", "5")),
    ),
    (
        "[cache.disk]\ndir = '/a b/\"$(touch x)\\'\nsize = 5\n",
        Some(("/a b/\"$(touch x)\\", "5")),
    ),
    (
        "[cache.disk]\ndir = \"/a\\nb\"\nsize = 5\n",
        Some(("/a\nb", "5")),
    ),
    // No disk table: sccache's defaults, not the request of the repository.
    ("", Some((DEFAULT, "10737418240"))),
    (
        "server_startup_timeout_ms = 1\n",
        Some((DEFAULT, "10737418240")),
    ),
    // The file is used if the two variables cannot express all of it.
    (
        "[cache.disk]\ndir = \"/c\"\nsize = 5\nrw_mode = \"READ_ONLY\"\n",
        None,
    ),
    (
        indoc! {"
            [cache.disk]
            size = 5
            [cache.disk.preprocessor_cache_mode]
            use_preprocessor_cache_mode = false
        "},
        None,
    ),
    (
        "[cache]\ndisk = { size = 5, preprocessor_cache_mode = { ignore_time_macros = true } }",
        None,
    ),
    ("[cache.redis]\nendpoint = \"redis://x\"\n", None),
    (
        "[cache.redis]\nendpoint = \"redis://x\"\n[cache.disk]\nsize = 5\n",
        None,
    ),
    (
        "[cache.disk]\nsize = 5\n[cache.multilevel]\nchain = [\"disk\"]\n",
        None,
    ),
    ("[cache.disk]\ndir = \"\"\nsize = 5\n", None),
    ("[cache.disk]\ndir = \"relative\"\nsize = 5\n", None),
    // sccache refuses these, and reports it.
    ("[cache.disk]\nsize = \"24GiB\"\n", None),
    ("[cache.disk]\nsize = 5\nsise = 6\n", None),
    ("{\"cache\": {\"disk\": {\"size\": 5}}}", None),
];

/// Placeholder for sccache's default directory.
const DEFAULT: &str = "the default directory";

#[requires(sccache)]
#[test]
fn the_file_decides_on_size_and_directory() {
    let sccache = sccache();
    let sandbox = sandbox(&sccache).variable("RUSTC_WRAPPER", sccache.to_str().unwrap());
    sandbox.write("repo/sccfg.toml", "[cache]\nsize = \"24GiB\"\n");
    let sccfg = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
    let default = sandbox.path("home/.cache/sccache");
    let default = default.to_str().unwrap();
    for (file, expected) in FILES {
        sandbox.write("home/.config/sccache/config", file);
        let left = left_by(&sandbox, "repo", &sccfg);
        let (dir, size) = expected.unwrap_or(("unset", "unset"));
        let dir = if dir == DEFAULT { default } else { dir };
        assert_eq!((&*left[0].1, &*left[1].1), (dir, size), "{file}");
        // A second time in the same shell, nothing changes.
        let again = left_by(&sandbox, "repo", &format!("{sccfg}\n{sccfg}"));
        assert_eq!(left, again, "{file}");
    }
    assert!(!sandbox.exists("repo/x") && !sandbox.exists("home/x"));
}

#[requires(sccache)]
#[test]
fn the_file_is_where_sccache_looks_for_it() {
    let sccache = sccache();
    let sccfg = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
    let place = |sandbox: Sandbox, file: &str, dir: &str| {
        sandbox.write(file, "[cache.disk]\nsize = 5\n");
        let left = left_by(&sandbox, "", &sccfg);
        let dir = sandbox.path(dir);
        assert_eq!((&*left[0].1, &*left[1].1), (dir.to_str().unwrap(), "5"));
    };
    let plain = sandbox(&sccache);
    let (config, cache) = (plain.path("xdg c"), plain.path("xdg d"));
    let xdg = plain
        .variable("XDG_CONFIG_HOME", config.to_str().unwrap())
        .variable("XDG_CACHE_HOME", cache.to_str().unwrap());
    place(xdg, "xdg c/sccache/config", "xdg d/sccache");
    // A relative path is ignored.
    let relative = sandbox(&sccache)
        .variable("XDG_CONFIG_HOME", "relative")
        .variable("XDG_CACHE_HOME", "relative");
    place(
        relative,
        "home/.config/sccache/config",
        "home/.cache/sccache",
    );
    let both = sandbox(&sccache).file("home/.config/sccache/config", "[cache.disk]\nsize = 9");
    let named = both.path("some where");
    let named = both.variable("SCCACHE_CONF", named.to_str().unwrap());
    place(named, "some where", "home/.cache/sccache");
}

/// With sccfg on `PATH`, the hook evaluates what `sccfg hook` prints, also the hook of 0.1.0.
#[requires(sccache)]
#[test]
fn the_hook_hands_over_to_sccfg() {
    let sccache = sccache();
    let files = [
        None,
        Some("[cache.disk]\ndir = \"/c\"\nsize = 25769803776\n"),
        Some("[cache.redis]\nendpoint = \"redis://x\"\n"),
        Some("nonsense"),
    ];
    let policies = [(Incremental::Off, Some("24GiB")), (Incremental::Auto, None)];
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    for (incremental, size) in policies {
        for file in files {
            for wrapper in [None, sccache.to_str(), Some("/nowhere/sccache")] {
                let mut sandbox = sandbox(&sccache);
                if let Some(wrapper) = wrapper {
                    sandbox = sandbox.variable("RUSTC_WRAPPER", wrapper);
                }
                if let Some(file) = file {
                    sandbox.write("home/.config/sccache/config", file);
                }
                sandbox.write("repo/.git", "gitdir: /x/.git/worktrees/repo\n");
                let asks = size.map_or_else(String::new, |size| format!("size = \"{size}\"\n"));
                let name = incremental.name();
                let policy = format!("[cache]\n{asks}[cargo]\nincremental = \"{name}\"\n");
                sandbox.write("repo/sccfg.toml", &policy);
                let by_sccfg = left_by(
                    &sandbox,
                    "repo",
                    &format!("eval \"$('{sccfg}' hook bash)\""),
                );
                let text = |settings| HookText {
                    size: size.map(|size| size.parse().unwrap()),
                    incremental,
                    settings,
                };
                let handed_over = |text: &str| {
                    let script = format!("sccfg() {{ '{sccfg}' \"$@\" || echo exit 3; }}\n{text}");
                    left_by(&sandbox, "repo", &script)
                };
                let what = format!("{incremental:?} {wrapper:?} {file:?}");
                let in_policy = text(Settings::InPolicy).render();
                assert_eq!(handed_over(&in_policy), by_sccfg, "{what}");
                // Without a sccfg.toml, as in the shell of a Nix module, the hook passes the settings.
                fs::remove_file(sandbox.path("repo/sccfg.toml")).unwrap();
                let in_hook = text(Settings::InHook).render();
                assert_eq!(handed_over(&in_hook), by_sccfg, "{what}");
                let old = hook_of_0_1_0(incremental, size.map(|_| 24 << 30));
                assert_eq!(handed_over(&old), by_sccfg, "{what}");
            }
        }
    }
}

/// The hook of 0.1.0 with these settings.
fn hook_of_0_1_0(incremental: Incremental, size: Option<u64>) -> String {
    let flake = project().join("tests/old_regions/template/written/flake.nix");
    let flake = fs::read_to_string(flake).unwrap();
    let (_, hook) = flake.split_once("shellHook = ''\n").unwrap();
    let (hook, _) = hook.split_once("\n            '';").unwrap();
    let settings = "_sccfg_incremental=off _sccfg_size=\n";
    assert!(hook.contains(settings));
    let size = size.map_or_else(String::new, |size| size.to_string());
    let name = incremental.name();
    hook.replace("''$", "$").replace(
        settings,
        &format!("_sccfg_incremental={name} _sccfg_size={size}\n"),
    )
}

#[requires(sccache)]
#[test]
fn where_a_shell_cannot_quote_the_directory_sccfg_can() {
    let sccache = sccache();
    let sandbox = sandbox(&sccache);
    let dir = "/a b/\"$(touch x)\\'\n;";
    let file = format!("[cache.disk]\ndir = {}\nsize = 5\n", serde_json::json!(dir));
    sandbox.write("home/.config/sccache/config", &file);
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    let left = left_by(&sandbox, "", &format!("eval \"$('{sccfg}' hook bash)\""));
    assert_eq!(left[0], ("SCCACHE_DIR", dir.to_owned()));
    assert_eq!(left[1], ("SCCACHE_CACHE_SIZE", "5".to_owned()));
    let left = left_by(&sandbox, "", &format!("source <('{sccfg}' env)"));
    assert_eq!(left[0], ("SCCACHE_DIR", dir.to_owned()));
    assert!(!sandbox.exists("x"));
    let json = sandbox.sccfg(&["env", "--shell", "json"]).status(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["SCCACHE_DIR"], dir);
}

/// A linked worktree has a `commondir`; a git directory may lie below any directory.
#[requires(sccache)]
#[test]
fn a_separate_git_directory_makes_no_linked_worktree() {
    let sandbox = sandbox(&sccache());
    sandbox.write("repo/sccfg.toml", "[cargo]\nincremental = \"auto\"\n");
    sandbox.write("repo/.git", "gitdir: ../worktrees/repo.git\n");
    sandbox.write("worktrees/repo.git/HEAD", "ref: refs/heads/main\n");
    let sccfg = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
    let incremental = || left_by(&sandbox, "repo", &sccfg)[2].1.clone();
    assert_eq!(incremental(), "unset");
    sandbox.write("worktrees/repo.git/commondir", "..\n");
    assert_eq!(incremental(), "0");
}

#[requires(sccache)]
#[test]
fn env_works_outside_of_nix() {
    let sccache = sccache();
    let sandbox = sandbox(&sccache);
    sandbox.write("home/.config/sccache/config", "[cache.disk]\nsize = 5\n");
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    let left = left_by(&sandbox, "", &format!("source <('{sccfg}' env)"));
    let default = sandbox.path("home/.cache/sccache");
    let expected = [
        default.to_str().unwrap(),
        "5",
        "0",
        sccache.to_str().unwrap(),
    ];
    let values: Vec<&str> = left.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values[..4], expected);
}

#[test]
fn a_faulty_policy_is_one_line_and_no_output() {
    let sandbox = Sandbox::new().file("repo/sccfg.toml", "[cache]\nsise = 5\n");
    let ran = sandbox.sccfg(&["-C", "repo", "hook", "bash"]).status(1);
    assert_eq!(ran.stdout, "");
    ran.says_once(&["sccfg: ", "sccfg.toml:2:1", "size"]);
}

#[requires(sccache)]
#[test]
fn the_wrapper_of_the_flake_comes_first_on_the_search_path() {
    let sccache = sccache();
    let sandbox = sandbox(&sccache);
    let wrapper = sandbox.path("nix/store/0-sccache-1.0/bin/sccache");
    fs::create_dir_all(wrapper.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&sccache, &wrapper).unwrap();
    let sandbox = sandbox.variable("RUSTC_WRAPPER", wrapper.to_str().unwrap());
    let sccfg = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
    let path = |script: &str| left_by(&sandbox, "", script)[5].1.clone();
    let by_sccfg = path(&sccfg);
    assert!(by_sccfg.starts_with(&format!("{}:", wrapper.parent().unwrap().display())));
    assert_eq!(by_sccfg, path(&format!("{sccfg}\n{sccfg}")));
}

#[test]
fn a_shell_without_a_syntax_gets_a_hint() {
    let sandbox = Sandbox::new();
    for (name, arguments) in [
        ("tcsh", &["hook", "tcsh"][..]),
        ("elvish", &["hook", "elvish", "--size=24G"]),
        ("xonsh", &["env", "--shell", "xonsh"]),
    ] {
        sandbox
            .sccfg(arguments)
            .status(2)
            .stderr_has(&format!("no syntax for the shell `{name}`"))
            .stderr_has("known ones are bash, zsh, fish, nu")
            .stderr_has("hint: every POSIX shell reads that of bash")
            .stderr_has("`sccfg env --shell json`");
    }
}

#[test]
fn shells_have_the_names_of_their_programs() {
    let sandbox = Sandbox::new().file("sccfg.toml", "");
    for (name, other) in [("sh", "bash"), ("dash", "bash"), ("nushell", "nu")] {
        let with = |name: &str| {
            let env = sandbox.sccfg(&["env", "--shell", name]).status(0);
            let hook = sandbox.sccfg(&["hook", name]).status(0);
            (env.stdout, hook.stdout)
        };
        assert_eq!(with(name), with(other));
    }
}
