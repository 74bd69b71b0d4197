//! What a run of a published build script depends on although its source does not name it: another worktree gets what an uncached
//! build there makes, whether it starts empty or is seeded.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use rstest::rstest;

use super::build_scripts::{
    DECLARES_ITSELF, app, app_of, app_with_helper, put_together, saying, take_runs,
};
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project, succeeds};
use super::seed::seed;
use crate::support::Sandbox;

/// How another worktree begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Empty,
    Seeded,
}

/// A function of scripts that returns what a program prints.
const RUNS_PROGRAMS: &str = "#[allow(dead_code)] fn p(name: &str, arguments: &[&str]) -> String { \
    let ran = std::process::Command::new(name).args(arguments).output().unwrap(); \
    String::from_utf8(ran.stdout).unwrap().trim().to_owned() }";

/// A project whose published build script says the value of this expression. `ROOT` in it is the directory of the test, put
/// together.
fn project(value: &str) -> Project {
    let project = app_of(|sandbox| {
        let value = value.replace("ROOT", &put_together(&sandbox.path("")));
        let script = saying(&format!("{{ {DECLARES_ITSELF} {value} }}"));
        format!("{script}{RUNS_PROGRAMS}\n")
    });
    project.committed()
}

/// The worktree with a variable, in whose value `ROOT` is the directory of the test.
fn with<'p>(checkout: &Checkout<'p>, project: &Project, name: &str, value: &str) -> Checkout<'p> {
    let value = value.replace("ROOT/", project.sandbox.path("").to_str().unwrap());
    let value = value.replace("PATH", &std::env::var("PATH").unwrap());
    checkout.with(name, &value)
}

/// Builds the worktree `second`, and compares.
#[track_caller]
pub(super) fn is_right(second: &Checkout<'_>, start: Start) -> String {
    if start == Start::Seeded {
        seed(second);
    }
    second.cargo(&["build"]).ok();
    says_the_same_uncached(second)
}

fn program(sandbox: &Sandbox, path: &str, script: &str) {
    sandbox.write(path, &format!("#!/bin/sh\n{script}\n"));
    let path = sandbox.path(path);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Compiles C to `path`.
fn compiled(sandbox: &Sandbox, path: &str, source: &str, arguments: &[&str]) {
    sandbox.write("source.c", source);
    let path = sandbox.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut compiler = Command::new("cc");
    compiler.arg("-o").arg(path).arg(sandbox.path("source.c"));
    succeeds(compiler.args(arguments));
}

const WALKS: &str = "#include <stdio.h>\n#include <string.h>\nextern char **environ;\n\
    int main() { for (char **e = environ; *e; e++) if (!strncmp(*e, \"ABC\", 3)) puts(*e); return 0; }\n";
/// Runs the program that its argument names.
const RUNS: &str =
    "#include <unistd.h>\nint main(int n, char **a) { return execvp(a[1], a + 1); }\n";
/// Rust that finds the variable `ABCX` at the pointer `e`, whose name no text has.
const FINDS: &str = "while !(*e).is_null() { let s = std::ffi::CStr::from_ptr(*e).to_string_lossy(); \
    if let Some(value) = s.strip_prefix(\"AB\").and_then(|rest| rest.strip_prefix(\"CX=\")) { return value.to_owned(); } e = e.add(1); } String::new()";

/// What the programs need that a script runs.
fn prepare(sandbox: &Sandbox) {
    program(sandbox, "own/llvm-config", "echo \"-L$SDK_PLACE\"");
    compiled(sandbox, "own/gen-cc", WALKS, &[]);
    compiled(sandbox, "own/runs", RUNS, &["-static"]);
    for name in ["a", "b"] {
        program(sandbox, &format!("{name}/says"), "echo \"$0\"");
        let tells = format!("#include <stdio.h>\nint main() {{ return puts(\"{name}\") < 0; }}\n");
        compiled(sandbox, &format!("{name}/tells"), &tells, &["-static"]);
        sandbox.write(&format!("{name}/file"), name);
        sandbox.write(
            &format!("{name}/.gitconfig"),
            &format!("[own]\nx = {name}\n"),
        );
        let source = format!(
            "int value() {{ return {}; }}\n",
            name.len() + usize::from(name == "b")
        );
        compiled(
            sandbox,
            &format!("{name}/libown.so"),
            &source,
            &["-shared", "-fPIC"],
        );
    }
}

#[rstest]
#[requires(sccache)]
#[case::by_a_script_that_is_called_like_a_tool(
    "{ p(\"c99-gcc\", &[\"-dumpversion\"]); p(\"llvm-config\", &[\"--libs\"]) }",
    "SDK_PLACE", ["one", "two"]
)]
#[case::by_a_program_that_is_called_like_a_tool("p(\"gen-cc\", &[])", "ABCX", ["one", "two"])]
#[case::of_a_session_by_a_shell(
    "{ fs::write(format!(\"{out}/x.sh\"), [\"echo $NO_CO\", \"LOR\"].concat()).unwrap(); p(\"sh\", &[&format!(\"{out}/x.sh\")]) }",
    "NO_COLOR", ["1", "2"]
)]
#[case::of_the_user_by_make(
    "{ fs::write(format!(\"{out}/Makefile\"), [\"all:\\n\\t@echo $(US\", \"ER)\\n\"].concat()).unwrap(); p(\"make\", &[\"-sC\", &out]) }",
    "USER", ["one", "two"]
)]
#[case::with_options_of_make(
    "{ fs::write(format!(\"{out}/Makefile\"), \"X ?= none\\nall:\\n\\t@echo $(X)\\n\").unwrap(); p(\"make\", &[\"-sC\", &out]) }",
    "MAKEFLAGS", [" -- X=one", " -- X=two"]
)]
#[case::by_the_c_compiler("p(\"cc\", &[\"-Q\", \"--help=warnings\"]).len().to_string()", "COLUMNS", ["60", "200"])]
#[case::by_a_name_that_is_put_together("env::var([\"HO\", \"ME\"].concat()).unwrap()", "HOME", ["ROOT/a", "ROOT/b"])]
#[case::with_a_file_in_the_home_directory("p(\"sh\", &[\"-c\", \"cat ~/file\"])", "HOME", ["ROOT/a", "ROOT/b"])]
#[case::with_settings_of_git("p(\"git\", &[\"config\", \"--get\", \"own.x\"])", "HOME", ["ROOT/a", "ROOT/b"])]
#[case::with_a_temporary_file("fs::read_to_string(env::temp_dir().join(\"file\")).unwrap()", "TMPDIR", ["ROOT/a", "ROOT/b"])]
#[case::with_directories_of_programs(
    "env::var([\"PA\", \"TH\"].concat()).unwrap().rsplit(':').next().unwrap().to_owned()",
    "PATH", ["PATH:ROOT/a", "PATH:ROOT/b"]
)]
#[case::with_the_place_of_a_program("p(\"says\", &[])", "PATH", ["PATH:ROOT/a", "PATH:ROOT/b"])]
#[case::with_a_program_that_a_static_one_runs("p(\"runs\", &[\"tells\"])", "PATH", ["PATH:ROOT/own:ROOT/a", "PATH:ROOT/own:ROOT/b"])]
#[case::with_a_library_of_its_own(
    "{ extern \"C\" { fn dlopen(name: *const u8, flags: i32) -> usize; fn dlsym(library: usize, name: *const u8) -> usize; } \
    unsafe { let f: extern \"C\" fn() -> i32 = std::mem::transmute(dlsym(dlopen(c\"libown.so\".as_ptr().cast(), 1), c\"value\".as_ptr().cast())); f().to_string() } }",
    "LD_LIBRARY_PATH", ["ROOT/a", "ROOT/b"]
)]
#[case::in_its_memory(
    "{ extern \"C\" { fn dlsym(library: usize, name: *const u8) -> usize; } fn find() -> String { unsafe { \
    let mut e = *(dlsym(0, c\"environ\".as_ptr().cast()) as *const *const *const std::ffi::c_char); FINDS } } find() }",
    "ABCX", ["one", "two"]
)]
#[case::in_a_file_of_the_kernel(
    "{ let path = [\"/pr\", \"oc/se\", \"lf/envi\", \"ron\"].concat(); fs::read_to_string(path).unwrap().split('\\0') \
    .find_map(|all| all.strip_prefix(\"AB\")?.strip_prefix(\"CX=\").map(str::to_owned)).unwrap() }",
    "ABCX", ["one", "two"]
)]
fn a_variable_is_that_of_this_shell(
    #[case] value: &str,
    #[case] name: &str,
    #[case] values: [&str; 2],
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let project = project(&value.replace("FINDS", FINDS));
    prepare(&project.sandbox);
    let [main, second] = [project.main(), project.linked("second")];
    let own = [main, second].map(|checkout| with(&checkout, &project, "PATH", "ROOT/own:PATH"));
    with(&own[0], &project, name, values[0])
        .cargo(&["build"])
        .ok();
    is_right(&with(&own[1], &project, name, values[1]), start);
}

/// Programs write into such directories all the time, also the paths of checkouts.
#[rstest]
#[case::home("HOME")]
#[case::settings("XDG_CONFIG_HOME")]
#[case::temporary("TMPDIR")]
#[requires(sccache)]
fn only_files_that_are_read_count_in_a_directory_of_the_user(#[case] name: &str) {
    let project = project(&format!(
        "fs::read_to_string(std::path::Path::new(&env::var(\"{name}\").unwrap()).join(\"file\")).unwrap()"
    ));
    let main = project.main();
    project.sandbox.write("a/file", "one");
    project.sandbox.write("a/history", main.text());
    let build = |checkout: &Checkout<'_>, runs: bool| {
        take_runs(&project);
        let checkout = with(checkout, &project, name, "ROOT/a");
        checkout.cargo(&["build"]).ok();
        assert_eq!(take_runs(&project), usize::from(runs));
        says_the_same_uncached(&checkout)
    };
    build(&main, true);
    project.sandbox.write("a/history", "other");
    assert_eq!(build(&project.linked("second"), false), "one\n");
    project.sandbox.write("a/file", "two");
    assert_eq!(build(&project.linked("third"), true), "two\n");
}

/// autocfg asks for this variable, and each build writes into the directory.
#[rstest]
#[requires(sccache)]
fn only_files_that_are_read_count_in_the_target_directory(#[values(false, true)] is_read: bool) {
    let reads = "fs::read_to_string(std::path::Path::new(&target).join(\"file\")).unwrap()";
    let project = project(&format!(
        "{{ let target = env::var(\"CARGO_TARGET_DIR\").unwrap(); {} }}",
        if is_read {
            reads
        } else {
            "target.replace(&target, \"named\")"
        }
    ));
    let [one, two] = [
        ("main", project.main()),
        ("second", project.linked("second")),
    ]
    .map(|(text, checkout)| {
        checkout.write("target/file", text);
        checkout.write(&format!("target/debug/build/{text}/out/made.rs"), text);
        let target = checkout.path("target");
        let checkout = checkout.with("CARGO_TARGET_DIR", target.to_str().unwrap());
        take_runs(&project);
        checkout.cargo(&["build"]).ok();
        (take_runs(&project), checkout.says("app"))
    });
    if is_read {
        assert_eq!([one.1, two.1], ["main\n", "second\n"]);
    } else {
        assert_eq!([one, two], [1, 0].map(|runs| (runs, "named\n".to_owned())));
    }
}

/// How a crate that the script uses finds a variable.
#[rstest]
#[requires(sccache)]
#[case::itself(
    "extern \"C\" { static environ: *const *const std::ffi::c_char; }\npub fn find() -> String { unsafe { let mut e = environ; FINDS } }\n",
    ""
)]
#[case::in_c(
    "extern \"C\" { fn find_it() -> *const std::ffi::c_char; }\n\
    pub fn find() -> String { unsafe { std::ffi::CStr::from_ptr(find_it()).to_str().unwrap().to_owned() } }\n",
    "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap(); \
    let run = |name: &str, args: &[&str]| assert!(std::process::Command::new(name).args(args).status().unwrap().success()); \
    run(\"cc\", &[\"-c\", \"find.c\", \"-o\", &format!(\"{out}/find.o\")]); \
    run(\"ar\", &[\"rc\", &format!(\"{out}/libfind.a\"), &format!(\"{out}/find.o\")]); \
    println!(\"cargo::rustc-link-search=native={out}\\ncargo::rustc-link-lib=static=find\"); }\n"
)]
fn a_variable_that_a_crate_finds_is_that_of_this_shell(
    #[case] lib: &str,
    #[case] script: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let lib = lib.replace("FINDS", FINDS);
    let c = "#include <string.h>\nextern char **environ;\nconst char *find_it() { \
        for (char **e = environ; *e; e++) if (!strncmp(*e, \"ABCX=\", 5)) return *e + 5; return \"\"; }\n";
    let mut helper = vec![("src/lib.rs", &*lib), ("find.c", c)];
    helper.extend(Some(("build.rs", script)).filter(|_| !script.is_empty()));
    let finds = saying(&format!("{{ {DECLARES_ITSELF} helper::find() }}"));
    let project = app_with_helper(&finds, &helper).committed();
    project.main().with("ABCX", "one").cargo(&["build"]).ok();
    let second = project.linked("second").with("ABCX", "two");
    assert_eq!(is_right(&second, start), "two\n");
}

const ROOT_OF_CHECKOUT: &str = "std::path::Path::new(&out).ancestors().find(|above| above.join(\"Cargo.lock\").exists()).unwrap()";

#[rstest]
#[requires(sccache)]
#[case::read("fs::read_to_string(CHECKOUT.join(\"conf/x.cfg\")).unwrap()")]
#[case::looked_for("CHECKOUT.join(\"conf/new.cfg\").exists().to_string()")]
#[case::listed("fs::read_dir(CHECKOUT.join(\"conf\")).unwrap().count().to_string()")]
#[case::commit("p(\"git\", &[\"-C\", &out, \"log\", \"-1\", \"--format=%s\"])")]
#[case::state_of_git(
    "fs::read_to_string(CHECKOUT.join(\".git\")).unwrap_or(\"directory\".to_owned())"
)]
fn what_it_finds_from_its_directory_is_that_of_this_checkout(
    #[case] value: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let project = project(&value.replace("CHECKOUT", ROOT_OF_CHECKOUT));
    project.sandbox.write("main/conf/x.cfg", "one");
    project.commit(&project.sandbox.path("main"));
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.write("conf/x.cfg", "two");
    second.write("conf/new.cfg", "two");
    project.git(&second.path(""), &["add", "--all"]);
    project.git(
        &second.path(""),
        &["commit", "--quiet", "--message=of the second"],
    );
    is_right(&second, start);
}

/// `change` is a command of a shell in `ext`, where the link `l` leads to the directory `one` next to `two`, and `file` is.
#[rstest]
#[requires(sccache)]
#[case::link(
    "fs::read_link(EXT.join(\"l\")).unwrap().display().to_string()",
    "ln -sfn two l"
)]
#[case::behind_a_link(
    "EXT.join(\"l/f\").canonicalize().unwrap().display().to_string()",
    "ln -sfn two l"
)]
#[case::mode(
    "{ use std::os::unix::fs::PermissionsExt as _; fs::metadata(EXT.join(\"file\")).unwrap().permissions().mode().to_string() }",
    "chmod 600 file"
)]
#[case::kind_in_a_list(
    "fs::read_dir(EXT).unwrap().filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir()).count().to_string()",
    "rm file; mkdir file"
)]
#[case::age(
    "p(\"sh\", &[\"-c\", \"cd $0; if test file -nt one/f; then echo newer; else echo older; fi\", EXT.to_str().unwrap()])",
    "touch -d 2001-01-01 file"
)]
#[case::by_a_call_with_a_number(
    "{ extern \"C\" { fn syscall(number: i64, ...) -> i64; } let path = std::ffi::CString::new(EXT.join(\"file\").to_str().unwrap()).unwrap(); \
    let file = unsafe { let at = syscall(257, -100_i64, path.as_ptr(), 0_i64, 0_i64); std::os::fd::FromRawFd::from_raw_fd(at as i32) }; \
    std::io::read_to_string::<fs::File>(file).unwrap() }",
    "echo two > file"
)]
#[case::by_a_walk(
    "{ extern \"C\" { fn nftw(path: *const u8, each: extern \"C\" fn(usize, usize, i32, usize) -> i32, open: i32, flags: i32) -> i32; } \
    use std::sync::atomic::*; static COUNT: AtomicUsize = AtomicUsize::new(0); \
    extern \"C\" fn each(_: usize, _: usize, _: i32, _: usize) -> i32 { COUNT.fetch_add(1, Ordering::Relaxed); 0 } \
    let path = std::ffi::CString::new(EXT.to_str().unwrap()).unwrap(); unsafe { nftw(path.as_ptr().cast(), each, 4, 0); } \
    COUNT.load(Ordering::Relaxed).to_string() }",
    "echo new > one/new"
)]
#[case::that_it_left_in_the_directory_for_temporary_files(
    "{ let file = env::temp_dir().join(\"left\"); let text = fs::read_to_string(&file).unwrap_or(\"first\".to_owned()); \
    fs::write(file, \"another\").unwrap(); text }",
    ":"
)]
fn files_elsewhere_are_the_current_ones(
    #[case] value: &str,
    #[case] change: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    if cfg!(not(target_arch = "x86_64")) && value.contains("syscall(257") {
        return;
    }
    let project = project(&value.replace("EXT", "ROOT.join(\"ext\")"));
    for name in ["one/f", "two/f", "file"] {
        project.sandbox.write(&format!("ext/{name}"), "text");
    }
    symlink("one", project.sandbox.path("ext/l")).unwrap();
    project.main().cargo(&["build"]).ok();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", change])
        .current_dir(project.sandbox.path("ext"));
    succeeds(&mut shell);
    is_right(&project.linked("second"), start);
}

#[rstest]
#[requires(sccache)]
#[case::program(
    "p(\"protoc\", &[\"--version\"])",
    "own/protoc",
    "#!/bin/sh\necho two\n"
)]
#[case::header(
    "{ fs::write(format!(\"{out}/x.c\"), \"#include <own.h>\\n\").unwrap(); p(\"cc\", &[\"-E\", \"-P\", &format!(\"{out}/x.c\")]) }",
    "include/own.h",
    "two!\n"
)]
fn a_program_or_header_that_changed_counts(
    #[case] value: &str,
    #[case] file: &str,
    #[case] text: &str,
    #[values(Start::Empty, Start::Seeded)] start: Start,
) {
    let project = project(value);
    program(&project.sandbox, "own/protoc", "echo one");
    project.sandbox.write("include/own.h", "one\n");
    let [main, second] = [project.main(), project.linked("second")];
    let own = [main, second].map(|checkout| {
        let checkout = with(&checkout, &project, "PATH", "ROOT/own:PATH");
        with(&checkout, &project, "CPATH", "ROOT/include")
    });
    own[0].cargo(&["build"]).ok();
    project.sandbox.write(file, text);
    is_right(&own[1], start);
}

#[rstest]
#[requires(sccache)]
#[case::clock("std::time::SystemTime::now().elapsed().is_ok().to_string()", 1)]
#[case::network("std::net::TcpStream::connect(\"localhost:1\").is_ok().to_string()", 1)]
#[case::clock_that_it_does_not_read(
    "if out.is_empty() { std::time::SystemTime::now().elapsed().is_ok().to_string() } else { \"none\".to_owned() }",
    0
)]
#[case::network_that_it_does_not_use(
    "if out.is_empty() { std::net::TcpStream::connect(\"localhost:1\").is_ok().to_string() } else { \"none\".to_owned() }",
    0
)]
#[case::directories_of_programs("env::var(\"PATH\").unwrap().is_empty().to_string()", 0)]
fn what_a_script_does_counts_and_not_what_it_names(#[case] value: &str, #[case] runs: usize) {
    let project = project(value);
    project.main().cargo(&["build"]).ok();
    take_runs(&project);
    let second = with(
        &project.linked("second"),
        &project,
        "PATH",
        "ROOT/none:PATH",
    );
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), runs);
    says_the_same_uncached(&second);
}

#[rstest]
#[requires(sccache)]
#[case::of_a_log("config.log", 0)]
#[case::of_another_file("settings", 1)]
#[case::of_a_large_file("large", 1)]
fn directories_of_programs_count_if_they_are_in_a_file(#[case] file: &str, #[case] runs: usize) {
    let size = if file == "large" { 3_000_000 } else { 0 };
    let project = project(&format!(
        "{{ let path = env::var([\"PA\", \"TH\"].concat()).unwrap(); \
        fs::write(format!(\"{{out}}/{file}\"), \"-\".repeat({size}) + \" \" + &path).unwrap(); \"none\" }}"
    ));
    with(&project.main(), &project, "PATH", "ROOT/a:PATH")
        .cargo(&["build"])
        .ok();
    take_runs(&project);
    let second = with(&project.linked("second"), &project, "PATH", "ROOT/b:PATH");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), runs);
}

/// Has the compiler try something, as rustix 1.1.2 does. The result is in the directory for temporary files, which all builds use.
const TRIES: &str = "{ let tried = std::env::temp_dir().join(format!(\"tri{}\", \"ed\")); ASKS \
    let mut child = std::process::Command::new(env::var(\"RUSTC\").unwrap()).args([\"--crate-type=rlib\", \"--emit=metadata\", \"-o\"]) \
        .arg(&tried).arg(\"-\").stdin(std::process::Stdio::piped()).spawn().unwrap(); \
    child.stdin.take().unwrap().write_all(b\"pub fn f() {}\").unwrap(); \
    format!(\"{} {asked}\", child.wait().unwrap().success()) }";

#[rstest]
#[case::it_does_not_ask("let asked = false;", true)]
#[case::it_asks("let asked = tried.exists();", false)]
#[case::it_is_not_temporary(
    "let asked = true; let tried = tried.parent().unwrap().parent().unwrap().join(\"elsewhere\");",
    false
)]
#[requires(sccache)]
fn a_file_that_the_compiler_replaces_is_an_input_if_the_script_asks_for_it(
    #[case] asks: &str,
    #[case] is_shared: bool,
) {
    let value = TRIES.replace("ASKS", asks);
    let project = app(&saying(&format!("{{ {DECLARES_ITSELF} {value} }}"))).committed();
    let temporary = project.sandbox.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let in_shell = |checkout: Checkout<'_>| {
        let checkout = checkout.with("TMPDIR", temporary.to_str().unwrap());
        checkout.cargo(&["build"]).ok();
        checkout.says("app")
    };
    in_shell(project.main());
    // Of an earlier run.
    let written = [temporary.join("tried"), project.sandbox.path("elsewhere")];
    assert!(written.iter().any(|path| path.is_file()));
    let [_, last] = ["one", "two"].map(|place| in_shell(project.linked(place)));
    assert_eq!(take_runs(&project), if is_shared { 1 } else { 3 });
    assert!(
        last.contains(if is_shared { "true false" } else { "true true" }),
        "{last}"
    );
}
