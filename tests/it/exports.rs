//! What `sccfg hook` and `sccfg env` print: data in every shell, and the same as the hook's own
//! text does without sccfg.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use sccfg::config::keys::Version;
use sccfg::hook::HookText;
use sccfg::policy::{Incremental, Wrapper};
use sccfg::shell::{Change, Form, quote, text};

use crate::support::{Ran, Sandbox, left_out, program, sccache, version};

/// The shells of this machine, each with the form it reads.
fn shells() -> &'static [(&'static str, Form)] {
    static SHELLS: OnceLock<Vec<(&str, Form)>> = OnceLock::new();
    SHELLS.get_or_init(|| {
        let all = [
            ("bash", Form::Bash),
            ("dash", Form::Bash),
            ("zsh", Form::Zsh),
            ("fish", Form::Fish),
            ("nu", Form::Nu),
        ];
        let (found, missing): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(shell, _)| program(shell).is_some());
        for (shell, _) in missing {
            left_out(&format!("no {shell}"));
        }
        found
    })
}

/// Runs `script` in a file, so that no second shell reads it on the way.
fn run(sandbox: &Sandbox, shell: &str, script: &str) -> Ran {
    sandbox.write("script", script);
    let mut command = sandbox.command(program(shell).unwrap());
    if shell == "nu" {
        command.arg("--no-config-file");
    }
    let output = command.arg("script").output().unwrap();
    Ran::new(format!("{shell}\n{script}"), &output).status(0)
}

/// Evaluates `changes` in `shell`, and gives what the variables are for the processes it starts.
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

fn assert_data(values: &[String]) {
    let set = |(name, value): (&&'static str, &String)| Change::Set(name, value.clone());
    let changes: Vec<Change> = NAMES.iter().zip(values).map(set).collect();
    for &(shell, form) in shells() {
        let read = evaluated(shell, form, &changes, NAMES);
        assert_eq!(read, values, "{shell}");
    }
}

#[test]
fn hostile_values_are_data_in_every_shell() {
    let values = [
        "a b\t'c' \"d\" \\ \\\\ \\' `touch x` $(touch x) $HOME ${x} !! #no ~ * ?",
        "two\nlines\n\n; touch x\n'\n",
        "ü€𝄞 \u{1}\u{1b}[31m \u{7f} %s {a,b} (touch x) $env.HOME \\u{41} \\n",
        "'",
    ];
    assert_data(&values.map(str::to_owned));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_data_in_every_shell(
        values in prop::collection::vec("([ -~]|[\n\t'\"\\\\$`(){}]|[^\0]){1,40}", 4)
    ) {
        assert_data(&values);
    }
}

#[test]
fn what_is_to_go_goes_and_a_folder_comes_first() {
    let changes = [
        Change::Set("ONE", "1".to_owned()),
        Change::Unset("ONE"),
        Change::Unset("NEVER_SET"),
        Change::First {
            folder: "/first of/all's".to_owned(),
            whole: String::new(),
        },
    ];
    for &(shell, form) in shells() {
        let read = evaluated(shell, form, &changes, ["ONE", "NEVER_SET", "PATH"]);
        assert_eq!(read[..2], ["", ""], "{shell}");
        assert!(
            read[2].starts_with("/first of/all's:"),
            "{shell}: {}",
            read[2]
        );
    }
}

#[test]
fn nushell_and_json_take_a_value_the_same_way() {
    assert_eq!(quote(Form::Nu, "a\n\"$x\"\\"), r#""a\n\"$x\"\\""#);
    let changes = [
        Change::Set("ONE", "a b".to_owned()),
        Change::Unset("TWO"),
        Change::First {
            folder: "/f".to_owned(),
            whole: "/f:/bin".to_owned(),
        },
    ];
    let nu = "$env.ONE = \"a b\"\nhide-env --ignore-errors TWO\n\
              $env.PATH = ($env.PATH | prepend \"/f\")\n";
    assert_eq!(text(Form::Nu, &changes), nu);
    assert_eq!(
        text(Form::Json, &changes),
        "{\"ONE\":\"a b\",\"PATH\":\"/f:/bin\",\"TWO\":null}\n"
    );
}

/// A sandbox whose `PATH` has this sccache first, and an address where nobody is.
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

/// What `script` leaves of the variables that matter.
fn left_by(sandbox: &Sandbox, folder: &str, script: &str) -> Vec<(&'static str, String)> {
    let print = SHOWN.map(|name| format!("printf '%s\\0' \"${{{name}-unset}}\"\n"));
    let print = print.concat();
    let mut bash = sandbox.command("bash");
    let output = bash
        .args(["-c", &format!("{script}\n{print}")])
        .env("SCCACHE_DIR", "/stale")
        .env("SCCACHE_CACHE_SIZE", "1G")
        .env("CARGO_INCREMENTAL", "1")
        .current_dir(sandbox.path(folder))
        .output()
        .unwrap();
    let ran = Ran::new(script.to_owned(), &output).status(0);
    let values = ran.stdout.split('\0').map(str::to_owned);
    SHOWN.into_iter().zip(values).collect()
}

#[test]
fn the_hook_s_own_text_comes_to_the_same() {
    let Some(sccache) = sccache() else { return };
    let files: [Option<&str>; 16] = [
        None,
        Some(""),
        Some("[cache.disk]\ndir = \"/c\"\nsize = 25769803776\n"),
        Some("[cache.disk]\nsize = \"7G\"\n"),
        Some("[cache.disk]\r\ndir = '/a b'\r\n"),
        Some("[cache]\ndisk = { dir = \"/`touch x`;'ü=  # $HOME $(touch x)\", size = 5 }\n"),
        Some("[cache.disk]\nsize = 5\nrw_mode = \"READ_ONLY\"\n"),
        Some("[cache.disk]\nsize = 5 # no rw_mode here\n"),
        Some("[cache.disk.preprocessor_cache_mode]\nuse_preprocessor_cache_mode = false\n"),
        Some("[cache.redis]\nendpoint = \"redis://x\"\n[cache.disk]\nsize = 5\n"),
        Some("[cache.disk]\nsize = 5\n[cache.multilevel]\nchain = [\"disk\"]\n"),
        Some("[cache.disk]\ndir = \"relative\"\nsize = 5\n"),
        Some("[cache.disk]\ndir = \"\"\nsize = 5\n"),
        Some("[cache.disk]\nsize = \"24GiB\"\n"),
        Some("server_startup_timeout_ms = 20000\n"),
        Some("nonsense"),
    ];
    let policies = [(Incremental::Off, Some("24GiB")), (Incremental::Auto, None)];
    // Sizes with a unit are read since 0.11, levels since 0.15. The build of 0.10 prints a single
    // quote with a backslash, which the plain shell takes for one that it cannot quote.
    let is_old = version(&sccache) < Version(0, 15, 0);
    let is_new = |file: &str| {
        ["7G", "multilevel", ";'"]
            .iter()
            .any(|it| file.contains(it))
    };
    let files = files.into_iter();
    let files = files.filter(|file| !(is_old && file.is_some_and(is_new)));
    for (incremental, size) in policies {
        for file in files.clone() {
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
                let own_text = HookText {
                    size: size.map(|size| size.parse().unwrap()),
                    incremental,
                    wrapper: Wrapper::Sccache,
                }
                .render()
                .unwrap();
                let sccfg = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
                let by_sccfg = left_by(&sandbox, "repo", &sccfg);
                let by_itself = left_by(&sandbox, "repo", &own_text);
                assert_eq!(by_sccfg, by_itself, "{incremental:?} {wrapper:?} {file:?}");
                if wrapper != Some("/nowhere/sccache") {
                    // And a second time in the same shell: nothing changes.
                    let again = left_by(&sandbox, "repo", &format!("{sccfg}\n{sccfg}"));
                    assert_eq!(by_sccfg, again);
                }
                // Without a sccfg.toml, as in the shell of a Nix module, the text says what it asks.
                fs::remove_file(sandbox.path("repo/sccfg.toml")).unwrap();
                let sccfg = env!("CARGO_BIN_EXE_sccfg");
                let handed_over =
                    format!("sccfg() {{ '{sccfg}' \"$@\" || echo exit 3; }}\n{own_text}");
                assert_eq!(left_by(&sandbox, "repo", &handed_over), by_itself);
            }
        }
    }
}

#[test]
fn where_a_shell_cannot_quote_the_folder_sccfg_can() {
    let Some(sccache) = sccache() else { return };
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

#[test]
fn env_works_outside_of_nix() {
    let Some(sccache) = sccache() else { return };
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
fn a_defective_policy_leaves_the_work_to_the_hook_s_own_text() {
    let sandbox = Sandbox::new().file("repo/sccfg.toml", "[cache]\nsise = 5\n");
    let ran = sandbox.sccfg(&["-C", "repo", "hook", "bash"]).status(1);
    assert_eq!(ran.stdout, "");
    ran.says_once(&["sccfg: ", "sccfg.toml:2:1", "size"]);
}

#[test]
fn the_wrapper_of_the_flake_comes_first_on_the_search_path() {
    let Some(sccache) = sccache() else { return };
    let sandbox = sandbox(&sccache);
    let wrapper = sandbox.path("nix/store/0-sccache-1.0/bin/sccache");
    fs::create_dir_all(wrapper.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&sccache, &wrapper).unwrap();
    let sandbox = sandbox.variable("RUSTC_WRAPPER", wrapper.to_str().unwrap());
    let sccfg = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
    let own_text = HookText {
        size: None,
        incremental: Incremental::Off,
        wrapper: Wrapper::Sccache,
    };
    let path = |script: &str| left_by(&sandbox, "", script)[5].1.clone();
    let by_sccfg = path(&sccfg);
    assert!(by_sccfg.starts_with(&format!("{}:", wrapper.parent().unwrap().display())));
    assert_eq!(by_sccfg, path(&own_text.render().unwrap()));
    assert_eq!(by_sccfg, path(&format!("{sccfg}\n{sccfg}")));
}
