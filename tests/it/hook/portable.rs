//! `wrapper = "portable"` in `sccfg.toml`, with `sccfg hook` and `sccfg env`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use indoc::formatdoc;
use rstest::rstest;

use crate::support::{Ran, Sandbox, program, sccache};

const SCCFG: &str = env!("CARGO_BIN_EXE_sccfg");
const SHOWN: [&str; 6] = [
    "RUSTC_WRAPPER",
    "SCCFG_SCCACHE",
    "SCCFG_WRAPPER_HOME",
    "SCCFG_WRAPPER_LINKS",
    "SCCFG_WRAPPER_VERIFY",
    "SCCACHE_DIR",
];

/// A repository, and a machine with one sccache on `PATH` and no server.
struct Shell {
    sandbox: Sandbox,
    sccache: PathBuf,
}

impl Shell {
    /// With this in `sccfg.toml`.
    fn of(policy: &str) -> Self {
        let sccache = sccache();
        let sandbox = Sandbox::new();
        let run = sandbox.path("run");
        fs::create_dir(&run).unwrap();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", sccache.parent().unwrap().display());
        let sandbox = sandbox
            .variable("XDG_RUNTIME_DIR", run.to_str().unwrap())
            .variable("SCCACHE_SERVER_PORT", "1")
            .variable("PATH", &path)
            .file("repo/.git/HEAD", "")
            .file("repo/sccfg.toml", policy);
        Self { sandbox, sccache }
    }

    fn portable() -> Self {
        Self::of(PORTABLE)
    }

    fn variable(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        let value = value.as_ref().to_str().unwrap();
        self.sandbox = self.sandbox.variable(name, value);
        self
    }

    /// The path of the installed wrapper.
    fn front(&self) -> PathBuf {
        self.sandbox.path("home/.local/share/sccfg/wrapper/sccache")
    }

    /// The wrapper of a package of sccfg.
    fn packaged_front(&self) -> PathBuf {
        let front = self.sandbox.path("package/libexec/sccfg/sccache");
        fs::create_dir_all(front.parent().unwrap()).unwrap();
        fs::create_dir_all(self.sandbox.path("package/bin")).unwrap();
        fs::copy(SCCFG, self.sandbox.path("package/bin/sccfg")).unwrap();
        symlink("../../bin/sccfg", &front).unwrap();
        front
    }

    /// The variables of bash after `script`, in the repository.
    fn left_by(&self, script: &str) -> (Left, Ran) {
        let print = SHOWN.map(|name| format!("printf '%s\\0' \"${{{name}-unset}}\"\n"));
        let mut bash = self.sandbox.command("bash");
        let output = bash
            .args(["-c", &format!("set -eu\n{script}\n{}", print.concat())])
            .current_dir(self.sandbox.path("repo"))
            .output()
            .unwrap();
        let ran = Ran::new(script.to_owned(), &output).status(0);
        let values = ran.stdout.split('\0').map(str::to_owned);
        (SHOWN.into_iter().zip(values).collect(), ran)
    }

    fn hook(&self) -> (Left, Ran) {
        self.left_by(&hook())
    }

    /// Asserts that the wrapper is active and runs the sccache of this machine.
    #[track_caller]
    fn assert_portable(&self, left: &Left) {
        let expected = [self.front(), self.sccache.clone()];
        let named = [&left["RUSTC_WRAPPER"], &left["SCCFG_SCCACHE"]].map(PathBuf::from);
        assert_eq!(named, expected);
        let program = fs::canonicalize(SCCFG).unwrap();
        assert_eq!(fs::canonicalize(self.front()).unwrap(), program);
    }
}

type Left = BTreeMap<&'static str, String>;

const PORTABLE: &str = "[cargo]\nwrapper = \"portable\"\n";

fn hook() -> String {
    format!("eval \"$('{SCCFG}' hook bash)\"")
}

#[requires(sccache)]
#[test]
fn the_wrapper_is_installed_and_named_with_the_real_sccache() {
    let shell = Shell::portable();
    let (left, ran) = shell.hook();
    ran.quiet();
    shell.assert_portable(&left);
    assert_eq!(left["SCCFG_WRAPPER_HOME"], "unset");
    assert_eq!(left["SCCFG_WRAPPER_LINKS"], "unset");
    // A second time in the same shell.
    let (again, ran) = shell.left_by(&format!("{}\n{}", hook(), hook()));
    ran.quiet();
    assert_eq!(left, again);
    // And with `sccfg env`.
    let (by_env, ran) = shell.left_by(&format!("source <('{SCCFG}' env)"));
    ran.quiet();
    assert_eq!(left, by_env);
}

#[requires(sccache)]
#[test]
fn the_sccache_of_the_flake_is_the_one_behind_the_wrapper() {
    let shell = Shell::portable();
    let own = shell.sandbox.path("nix/store/0-sccache-1/bin/sccache");
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    symlink(&shell.sccache, &own).unwrap();
    let shell = shell
        .variable("RUSTC_WRAPPER", &own)
        // Set by an outer shell.
        .variable("SCCFG_SCCACHE", "/another/sccache");
    let print = "command -v sccache >found\n";
    for script in [hook(), format!("{}\n{}", hook(), hook())] {
        let (left, ran) = shell.left_by(&format!("{script}\n{print}"));
        ran.quiet();
        assert_eq!(Path::new(&left["RUSTC_WRAPPER"]), shell.front());
        assert_eq!(Path::new(&left["SCCFG_SCCACHE"]), own);
        let found = shell.sandbox.read("repo/found");
        assert_eq!(Path::new(found.trim_end()), own);
    }
}

#[requires(sccache)]
#[test]
fn a_repository_that_requests_sccache_itself_gets_it_back() {
    let shell = Shell::portable();
    let other = formatdoc!(
        r#"
            export SCCFG_WRAPPER_LINKS=off SCCFG_WRAPPER_HOME=shared
            printf '[cargo]\nwrapper = "sccache"\n' >sccfg.toml
            {}"#,
        hook()
    );
    let (left, ran) = shell.left_by(&format!("{}\n{other}", hook()));
    ran.quiet();
    assert_eq!(Path::new(&left["RUSTC_WRAPPER"]), shell.sccache);
    for name in ["SCCFG_SCCACHE", "SCCFG_WRAPPER_HOME", "SCCFG_WRAPPER_LINKS"] {
        assert_eq!(left[name], "unset", "{name}");
    }
}

#[rstest]
#[case("", "[cache.disk]\nsize = 5\n", "unset", "unset")]
#[case("", "[cache.disk]\ndir = \"/c\"\nsize = 5\n", "unset", "unset")]
#[case("", "[cache.redis]\nendpoint = \"redis://x\"\n", "shared", "unset")]
#[case(
    "home = \"exact\"",
    "[cache.redis]\nendpoint = \"redis://x\"\n",
    "exact",
    "unset"
)]
#[case(
    "home = \"shared\"\nlinks = false",
    "[cache.disk]\nsize = 5\n",
    "shared",
    "off"
)]
#[case("links = true", "[cache.disk]\nsize = 5\n", "unset", "unset")]
#[requires(sccache)]
fn the_policy_and_the_machine_decide_what_is_shared(
    #[case] portable: &str,
    #[case] file: &str,
    #[case] home: &str,
    #[case] links: &str,
) {
    let shell = Shell::of(&format!("{PORTABLE}[portable]\n{portable}\n"));
    shell.sandbox.write("home/.config/sccache/config", file);
    // Set by the shell of another repository.
    let shell = shell
        .variable("SCCFG_WRAPPER_HOME", "stale")
        .variable("SCCFG_WRAPPER_LINKS", "stale");
    // Through the text of `sccfg env`: the hook warns that the directory /c cannot be created.
    let (left, _) = shell.left_by(&format!("source <('{SCCFG}' env)"));
    shell.assert_portable(&left);
    assert_eq!(left["SCCFG_WRAPPER_HOME"], home);
    assert_eq!(left["SCCFG_WRAPPER_LINKS"], links);
}

#[requires(sccache)]
#[test]
fn the_policy_has_the_share_of_hits_to_compare() {
    for (policy, share) in [("verify = \"2%\"", "2%"), ("", "unset")] {
        let shell = Shell::of(&format!("{PORTABLE}[portable]\n{policy}\n"));
        // Set by the shell of another repository.
        let shell = shell.variable("SCCFG_WRAPPER_VERIFY", "100%");
        let (left, _) = shell.left_by(&format!("source <('{SCCFG}' env)"));
        assert_eq!(left["SCCFG_WRAPPER_VERIFY"], share);
    }
}

#[requires(sccache)]
#[test]
fn the_settings_of_an_outer_project_end_where_there_is_no_policy() {
    let shell = Shell::of(&format!(
        "{PORTABLE}[portable]\nverify = \"2%\"\nlinks = false\n"
    ));
    let inner = format!("{}\nrm sccfg.toml\n{}", hook(), hook());
    let (left, ran) = shell.left_by(&inner);
    ran.quiet();
    shell.assert_portable(&left);
    assert_eq!(left["SCCFG_WRAPPER_VERIFY"], "unset");
    assert_eq!(left["SCCFG_WRAPPER_LINKS"], "unset");
}

#[requires(sccache)]
#[test]
fn a_wrapper_is_never_taken_for_sccache() {
    let shell = Shell::portable();
    shell.hook();
    let (front, packaged) = (shell.front(), shell.packaged_front());
    let path = std::env::join_paths(
        [front.parent().unwrap(), packaged.parent().unwrap()]
            .map(Path::to_owned)
            .into_iter()
            .chain([shell.sccache.parent().unwrap().to_owned()])
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let shell = shell.variable("PATH", Path::new(&path.unwrap()));
    for wrapper in [front.to_str().unwrap(), "sccache", ""] {
        for behind in ["", "/nowhere/sccache", front.to_str().unwrap()] {
            let set = format!("export RUSTC_WRAPPER='{wrapper}' SCCFG_SCCACHE='{behind}'");
            let (left, ran) = shell.left_by(&format!("{set}\nsource <('{SCCFG}' env)"));
            ran.quiet();
            shell.assert_portable(&left);
            let version = shell.left_by(&format!(
                "{set}\n'{SCCFG}' stats | grep -q 'not running at port 1'"
            ));
            version.1.quiet();
        }
    }
}

#[requires(sccache)]
#[test]
fn without_a_policy_a_wrapper_that_is_set_stays() {
    let shell = Shell::portable();
    let packaged = shell.packaged_front();
    let shell = shell
        .variable("RUSTC_WRAPPER", &packaged)
        .variable("SCCFG_SCCACHE", shell_sccache());
    // With the options of the hook of a Nix module.
    fs::remove_file(shell.sandbox.path("repo/sccfg.toml")).unwrap();
    let module = format!("eval \"$('{SCCFG}' hook bash --incremental=off --size=5)\"");
    let (left, ran) = shell.left_by(&module);
    ran.quiet();
    assert_eq!(Path::new(&left["RUSTC_WRAPPER"]), packaged);
    assert_eq!(Path::new(&left["SCCFG_SCCACHE"]), shell.sccache);
    // A repository that requests it uses this one and installs no other.
    shell.sandbox.write("repo/sccfg.toml", PORTABLE);
    let (left, _) = shell.hook();
    assert_eq!(Path::new(&left["RUSTC_WRAPPER"]), packaged);
    assert!(!shell.front().exists());
    // A wrapper that does not exist breaks cargo.
    fs::remove_file(shell.sandbox.path("repo/sccfg.toml")).unwrap();
    fs::remove_file(&packaged).unwrap();
    let (left, _) = shell.left_by(&module);
    assert_eq!(Path::new(&left["RUSTC_WRAPPER"]), shell.sccache);
    assert_eq!(left["SCCFG_SCCACHE"], "unset");
}

fn shell_sccache() -> PathBuf {
    sccache()
}

#[requires(sccache)]
#[test]
fn the_users_own_wrapper_or_none_is_kept() {
    let shell = Shell::portable();
    let other = shell.sandbox.path("bin/other-wrapper");
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    symlink("/bin/true", &other).unwrap();
    for wrapper in [other.to_str().unwrap(), ""] {
        let set = format!("export RUSTC_WRAPPER='{wrapper}'\n{}", hook());
        let (left, ran) = shell.left_by(&set);
        ran.quiet();
        assert_eq!(left["RUSTC_WRAPPER"], wrapper);
        assert_eq!(left["SCCFG_SCCACHE"], "unset");
    }
}

#[requires(sccache)]
#[test]
fn sccache_runs_by_itself_where_the_wrapper_cannot_be_installed() {
    let shell = Shell::portable();
    shell.hook();
    let front = shell.front();
    let shell = shell.variable("RUSTC_WRAPPER", &front);
    fs::remove_dir_all(shell.sandbox.path("home/.local/share/sccfg")).unwrap();
    shell.sandbox.write("home/.local/share/sccfg", "in the way");
    for script in [hook(), format!("source <('{SCCFG}' env)")] {
        let (left, ran) = shell.left_by(&script);
        ran.says_once(&["sccfg: ", "using plain sccache", front.to_str().unwrap()]);
        assert_eq!(Path::new(&left["RUSTC_WRAPPER"]), shell.sccache);
        assert_eq!(left["SCCFG_SCCACHE"], "unset");
    }
}

#[requires(sccache)]
#[test]
fn a_variable_that_is_not_understood_is_reported() {
    let shell = Shell::portable();
    shell.hook();
    let shell = shell.variable("SCCFG_SEED", Path::new("no"));
    let (left, ran) = shell.hook();
    ran.says_once(&["sccfg: SCCFG_SEED=no is ignored (write on or off, or unset the variable)"]);
    shell.assert_portable(&left);
}

#[requires(sccache)]
#[test]
fn a_link_to_an_earlier_sccfg_is_replaced() {
    let shell = Shell::portable();
    fs::create_dir_all(shell.front().parent().unwrap()).unwrap();
    symlink("/gone/bin/sccfg", shell.front()).unwrap();
    let (left, ran) = shell.hook();
    ran.quiet();
    shell.assert_portable(&left);
}

#[requires(sccache)]
#[test]
fn without_sccache_there_is_no_wrapper_at_all() {
    let shell = Shell::portable();
    shell.hook();
    let front = shell.front();
    let none = shell.sandbox.path("none");
    fs::create_dir(&none).unwrap();
    symlink(program("bash").unwrap(), none.join("bash")).unwrap();
    let shell = shell
        .variable("PATH", &none)
        .variable("RUSTC_WRAPPER", &front)
        .variable("SCCFG_SCCACHE", "/gone/sccache");
    let (left, ran) = shell.hook();
    ran.says_once(&["nothing will be cached"]);
    assert_eq!(left["RUSTC_WRAPPER"], "unset");
    assert_eq!(left["SCCFG_SCCACHE"], "unset");
}

#[requires(sccache, strace, ptrace)]
#[test]
fn a_shell_that_has_the_wrapper_starts_no_process() {
    let shell = Shell::portable();
    shell.hook();
    let front = shell.front();
    let shell = shell
        .variable("RUSTC_WRAPPER", &front)
        .variable("SCCFG_SCCACHE", shell_sccache());
    let trace = shell.sandbox.path("trace");
    let mut strace = shell.sandbox.command("strace");
    let output = strace
        .args(["-f", "-e", "trace=process", "-o"])
        .arg(&trace)
        .args([SCCFG, "hook", "bash"])
        .current_dir(shell.sandbox.path("repo"))
        .output()
        .unwrap();
    Ran::new("strace".into(), &output).status(0);
    let trace = fs::read_to_string(trace).unwrap();
    assert_eq!(trace.matches("execve(").count(), 1, "{trace}");
    for call in ["clone(", "clone3(", "fork("] {
        assert!(!trace.contains(call), "{trace}");
    }
}
