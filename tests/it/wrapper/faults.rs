//! Whatever becomes of sccache, its server, its settings or its storage: a build ends as it does without
//! a cache, says so once, and the next build is cached again.

mod damage;
mod home;
mod sandbox;
mod waiting;

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;

use rstest::rstest;

use super::project::{Built, Checkout, Project, Store};
use crate::lab::CompileLog;
use crate::support::{files_below, other_sccache};

const SCRIPT: &str = r#"use std::{env, path::Path, process::Command};
fn main() {
    println!("cargo::rerun-if-changed=native");
    let out = env::var("OUT_DIR").unwrap();
    let wrapper = env::var("RUSTC_WRAPPER").unwrap_or_default();
    let is_sccache = Path::new(&wrapper).file_stem().is_some_and(|stem| stem == "sccache");
    // One object speaks of this checkout, and one does not.
    for (source, flag) in [("native/one.c", "-g"), ("native/two.c", "-O1")] {
        let mut command = if is_sccache {
            let mut it = Command::new(&wrapper); it.arg("cc"); it
        } else { Command::new("cc") };
        let object = format!("{out}/{}.o", Path::new(source).file_stem().unwrap().to_str().unwrap());
        assert!(command.args([flag, "-c", source, "-o", &object]).status().unwrap().success());
    }
    let archive = format!("{out}/libnative.a");
    let _ = std::fs::remove_file(&archive);
    assert!(Command::new("ar").args(["crs", &archive]).arg(format!("{out}/one.o")).arg(format!("{out}/two.o")).status().unwrap().success());
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static=native");
}
"#;
const MACRO: &str = "extern crate proc_macro;\nuse proc_macro::TokenStream;\n#[proc_macro]\npub fn seven(_: TokenStream) -> TokenStream { format!(\"{}\", helper::seven()).parse().unwrap() }\n";
const NATIVE: &str = "extern \"C\" { fn one() -> i32; fn two() -> i32; }\npub fn sum() -> i32 { unsafe { one() + two() } }\n";
const MAIN: &str =
    "fn main() { println!(\"{} {} {}\", seven::seven!(), native::sum(), file!()); }\n";
const SAID: &str = "7 3 crates/app/src/main.rs\n";

/// A program above a macro, above a library, and above C.
fn project() -> Project {
    Project::new()
        .without_store()
        .package(
            "helper",
            "",
            &[("src/lib.rs", "pub fn seven() -> i32 { 7 }\n")],
        )
        .package(
            "seven",
            "[lib]\nproc-macro = true\n[dependencies]\nhelper = { path = \"../helper\" }\n",
            &[("src/lib.rs", MACRO)],
        )
        .package(
            "native",
            "",
            &[
                ("build.rs", SCRIPT),
                ("src/lib.rs", NATIVE),
                ("native/one.c", "int one(void) { return 1; }\n"),
                ("native/two.c", "int two(void) { return 2; }\n"),
            ],
        )
        .package(
            "app",
            "[dependencies]\nseven = { path = \"../seven\" }\nnative = { path = \"../native\" }\n",
            &[("src/main.rs", MAIN)],
        )
        .committed()
}

/// Nobody is to wait long for these tests.
fn impatient<'a>(checkout: &Checkout<'a>) -> Checkout<'a> {
    checkout.with("SCCFG_SCCACHE_TIMEOUT", "3")
}

/// The lines on standard error that are not cargo's.
fn said(built: &Built) -> Vec<&str> {
    const CARGOS: [&str; 6] = [
        "Compiling",
        "Finished",
        "Locking",
        "Fresh",
        "Dirty",
        "Blocking",
    ];
    let is_cargos = |line: &&str| CARGOS.iter().any(|word| line.trim().starts_with(word));
    let lines = built.ran.stderr.lines();
    lines.filter(|line| !is_cargos(line)).collect()
}

/// That the build has made what it should, and that it was said once at most why it went without sccache.
#[track_caller]
fn is_right(checkout: &Checkout<'_>, built: Built) -> Built {
    let built = built.ok();
    assert_eq!(checkout.says("app"), SAID);
    let lines = said(&built);
    match lines[..] {
        [] => {}
        [why, hint] if why.starts_with("sccfg: ") && hint.starts_with("hint: ") => {}
        _ => panic!("{lines:#?}"),
    }
    built
}

/// That it was said once why.
#[track_caller]
fn says(built: &Built, words: &str) {
    let lines = said(built);
    assert!(lines.len() == 2 && lines[0].contains(words), "{lines:#?}");
}

/// That builds without the fault are cached: the first may have to compile, the second not.
#[track_caller]
fn is_cached_again(project: &Project) {
    for (round, name) in ["after", "again"].into_iter().enumerate() {
        let checkout = project.linked(name);
        let built = checkout.cargo(&["build"]).ok();
        assert!(said(&built).is_empty(), "{:?}", built.ran);
        assert_eq!(checkout.says("app"), SAID);
        if round == 1 {
            built.all_hit();
        }
    }
}

/// A build with `fault`, then builds without.
#[track_caller]
fn survives(project: &Project, fault: impl Fn(&Checkout<'_>) -> Built, words: &str) {
    let checkout = project.linked("faulty");
    let built = is_right(&checkout, fault(&impatient(&checkout)));
    says(&built, words);
    is_cached_again(project);
}

fn script(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A program in place of sccache.
#[track_caller]
fn survives_program(text: &str, words: &str) {
    let project = project();
    let directory = project.sandbox.outer().join("bin");
    fs::create_dir(&directory).unwrap();
    let program = script(&directory.join("sccache"), text);
    survives(
        &project,
        |checkout| checkout.with("SCCFG_SCCACHE", &program).cargo(&["build"]),
        words,
    );
}

/// A server of its own that a fault may kill: none is left behind.
struct Servers(String);

impl Drop for Servers {
    fn drop(&mut self) {
        let wanted = format!("SCCACHE_SERVER_UDS={}", self.0);
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let has = |text: &str| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == text.as_bytes())
            };
            if has(&wanted) && has("SCCACHE_START_SERVER=1") {
                let pid = entry.file_name().into_string().unwrap();
                let _ = crate::lab::kill().args(["-9", &pid]).output();
            }
        }
    }
}

/// A socket where no server is yet, and what ends those that come.
fn no_server(project: &Project) -> (String, Servers) {
    let socket = project
        .sandbox
        .outer()
        .join("own")
        .to_str()
        .unwrap()
        .to_owned();
    (socket.clone(), Servers(socket))
}

#[requires(sccache)]
#[test]
fn a_config_file_that_does_not_parse() {
    let project = project();
    project.sandbox.write("broken", "cache = [\n");
    let broken = project.sandbox.path("broken");
    let broken = broken.to_str().unwrap();
    survives(
        &project,
        |checkout| checkout.with("SCCACHE_CONF", broken).cargo(&["build"]),
        "config",
    );
}

#[requires(sccache)]
#[test]
fn a_program_that_fails() {
    survives_program("#!/bin/sh\nexit 1\n", "it printed nothing");
}

#[requires(sccache)]
#[test]
fn a_program_that_prints_garbage() {
    survives_program(
        "#!/bin/sh\nhead -c 100000 /dev/urandom; head -c 100 /dev/urandom >&2; exit 3\n",
        "sccfg:",
    );
}

#[requires(sccache)]
#[test]
fn a_program_that_does_nothing_successfully() {
    survives_program("#!/bin/sh\nexit 0\n", "delivered no output");
}

#[requires(sccache)]
#[test]
fn a_program_that_crashes() {
    survives_program("#!/bin/sh\nkill -SEGV $$\n", "signal: 11");
}

#[requires(sccache)]
#[test]
fn a_program_for_another_machine() {
    survives_program(
        "\u{7f}ELF\u{2}\u{1}\u{1}not for any machine",
        "could not run ",
    );
}

#[requires(sccache)]
#[test]
fn a_program_that_never_ends() {
    survives_program("#!/bin/sh\nexec sleep 1000\n", "no answer");
}

#[requires(sccache)]
#[test]
fn a_server_that_accepts_and_never_answers() {
    let project = project();
    let socket = project.sandbox.outer().join("mute");
    let _listener = UnixListener::bind(&socket).unwrap();
    let socket = socket.to_str().unwrap();
    survives(
        &project,
        |checkout| {
            checkout
                .with("SCCACHE_SERVER_UDS", socket)
                .cargo(&["build"])
        },
        "no answer",
    );
}

#[requires(sccache)]
#[test]
fn a_server_that_hangs_up() {
    let project = project();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::spawn(move || {
        for connection in listener.incoming() {
            drop(connection);
        }
    });
    let fault = |checkout: &Checkout<'_>| {
        let at = checkout.without("SCCACHE_SERVER_UDS");
        at.with("SCCACHE_SERVER_PORT", &port).cargo(&["build"])
    };
    survives(&project, fault, "sccfg:");
}

#[requires(sccache)]
#[test]
fn a_server_that_is_stopped_for_a_while() {
    let project = project();
    let pid = project.server_pid().to_string();
    let kill = |how: &str| {
        assert!(
            crate::lab::kill()
                .args([how, &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    let checkout = project.linked("faulty");
    kill("-STOP");
    let built = is_right(&checkout, impatient(&checkout).cargo(&["build"]));
    says(&built, "no answer");
    // What it was asked for it does now, for nobody.
    kill("-CONT");
    is_cached_again(&project);
    checkout.cargo(&["build"]).ok().nothing_to_do();
    assert_eq!(checkout.says("app"), SAID);
}

/// Waits for the compiler's file that says that it runs.
fn await_compile(cargo: &mut Child, started: &Path) {
    while !started.exists() && cargo.try_wait().unwrap().is_none() {
        thread::yield_now();
    }
}

#[requires(sccache)]
#[test]
fn a_server_that_is_killed_while_it_compiles() {
    let project = project();
    // Compiles of this crate say that they run, and wait to be told to go on.
    let (started, go) = (project.sandbox.path("started"), project.sandbox.path("go"));
    let slow = format!(
        "#!/bin/sh\ncase \"$*\" in *--crate-name\\ helper\\ *--emit=dep-info,metadata,link*|*--emit=dep-info,metadata,link*--crate-name\\ helper\\ *) : >{}; while ! [ -e {} ]; do sleep 0.05; done;; esac\nexec {} \"$@\"\n",
        started.display(),
        go.display(),
        CompileLog::command(),
    );
    fs::create_dir(project.sandbox.path("slow")).unwrap();
    let slow = script(&project.sandbox.path("slow/rustc"), &slow);
    let checkout = project.linked("faulty");
    let mut cargo = impatient(&checkout)
        .with("RUSTC", &slow)
        .started(&["build"]);
    await_compile(&mut cargo, &started);
    project.replace_server();
    fs::write(&go, "").unwrap();
    let output = cargo.wait_with_output().unwrap();
    is_right(&checkout, checkout.outcome(&["build"], &output));
    is_cached_again(&project);
}

#[requires(sccache)]
#[test]
fn a_compile_that_takes_long_is_waited_for() {
    let project = project();
    let slow = format!(
        "#!/bin/sh\ncase \"$*\" in *--crate-name\\ helper\\ *--emit=dep-info,metadata,link*|*--emit=dep-info,metadata,link*--crate-name\\ helper\\ *) sleep 12;; esac\nexec {} \"$@\"\n",
        CompileLog::command(),
    );
    fs::create_dir(project.sandbox.path("slow")).unwrap();
    let slow = script(&project.sandbox.path("slow/rustc"), &slow);
    let checkout = project.linked("first").with("RUSTC", &slow);
    let built = checkout
        .with("SCCFG_SCCACHE_TIMEOUT", "6")
        .cargo(&["build"])
        .ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    let second = project.linked("second").with("RUSTC", &slow);
    second.cargo(&["build"]).ok().all_hit();
}

#[requires(sccache)]
#[test]
fn a_remote_cache_that_is_down() {
    let project = project();
    let (socket, _servers) = no_server(&project);
    let fault = |checkout: &Checkout<'_>| {
        let at = checkout.with("SCCACHE_SERVER_UDS", &socket);
        at.with("SCCACHE_REDIS_ENDPOINT", "redis://user:sesame@127.0.0.1:1")
            .cargo(&["build"])
            .never_says("sesame")
    };
    survives(&project, fault, "sccfg:");
}

#[requires(sccache)]
#[test]
fn a_remote_cache_that_never_answers() {
    let project = project();
    let (socket, _servers) = no_server(&project);
    let remote = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("redis://{}", remote.local_addr().unwrap());
    let fault = |checkout: &Checkout<'_>| {
        let at = checkout.with("SCCACHE_SERVER_UDS", &socket);
        at.with("SCCACHE_REDIS_ENDPOINT", &address)
            .cargo(&["build"])
    };
    survives(&project, fault, "no answer");
}

#[requires(sccache)]
#[test]
fn a_remote_cache_that_replies_with_garbage() {
    let project = project();
    let (socket, _servers) = no_server(&project);
    let remote = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", remote.local_addr().unwrap());
    thread::spawn(move || {
        for connection in remote.incoming().flatten() {
            let mut connection = connection;
            let _ = connection.read(&mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut connection, b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlater");
        }
    });
    let fault = |checkout: &Checkout<'_>| {
        checkout
            .with("SCCACHE_SERVER_UDS", &socket)
            .with("SCCACHE_BUCKET", "b")
            .with("SCCACHE_REGION", "auto")
            .with("SCCACHE_ENDPOINT", &address)
            .with("SCCACHE_S3_USE_SSL", "false")
            .with("AWS_ACCESS_KEY_ID", "sesame")
            .with("AWS_SECRET_ACCESS_KEY", "sesame")
            .cargo(&["build"])
            .never_says("sesame")
    };
    survives(&project, fault, "sccfg:");
}

#[requires(sccache)]
#[test]
fn a_socket_whose_path_is_too_long() {
    let project = project();
    let socket = project.sandbox.path(&"s".repeat(120));
    let socket = socket.to_str().unwrap();
    survives(
        &project,
        |checkout| {
            checkout
                .with("SCCACHE_SERVER_UDS", socket)
                .cargo(&["build"])
        },
        "sccfg:",
    );
}

#[requires(sccache)]
#[test]
fn a_cache_that_is_read_only_or_gone_in_the_middle() {
    let project = project();
    let cache = project.sandbox.outer().join("sv/cache");
    for (name, gone) in [("readonly", false), ("gone", true)] {
        project.main().cargo(&["build"]).ok();
        if gone {
            fs::remove_dir_all(&cache).unwrap();
        } else {
            fs::set_permissions(&cache, fs::Permissions::from_mode(0o500)).unwrap();
        }
        let checkout = project.linked(name);
        is_right(&checkout, impatient(&checkout).cargo(&["build"]));
        if !gone {
            fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    project.replace_server();
    is_cached_again(&project);
}

#[requires(sccache)]
#[test]
fn no_home_and_no_place_to_write() {
    let project = project();
    let none = project.sandbox.path("none");
    fs::write(&none, "").unwrap();
    let fault = |checkout: &Checkout<'_>| {
        let none = none.to_str().unwrap();
        let at = checkout
            .with("XDG_CACHE_HOME", none)
            .with("XDG_RUNTIME_DIR", none);
        at.with("HOME", none).cargo(&["build"])
    };
    let checkout = project.linked("faulty");
    is_right(&checkout, fault(&impatient(&checkout)));
    is_cached_again(&project);
}

#[requires(sccache, other_sccache)]
#[test]
fn a_server_of_a_later_version() {
    let project = project();
    let other = other_sccache();
    let other = other.to_str().unwrap();
    // The older client asks the newer server.
    let checkout = project.linked("faulty");
    let built = impatient(&checkout)
        .with("SCCFG_SCCACHE", other)
        .cargo(&["build"]);
    is_right(&checkout, built);
    is_cached_again(&project);
}

#[requires(sccache)]
#[test]
fn an_error_in_the_source_is_shown_once_as_without_a_cache() {
    let project = project();
    let checkout = project.linked("faulty");
    checkout.edit("crates/helper/src/lib.rs", "7", "\"seven\"");
    let plain = checkout.uncached(&["build"]).fails();
    let failing = project.sandbox.outer().join("sccache");
    let failing = script(&failing, "#!/bin/sh\nexit 1\n");
    for program in [project.sccache().to_str().unwrap(), &failing] {
        let built = checkout
            .with("SCCFG_SCCACHE", program)
            .cargo(&["build"])
            .fails();
        let errors = |built: &Built| -> Vec<String> {
            let lines = built.ran.stderr.lines().map(str::to_owned);
            lines
                .filter(|line| {
                    line.contains("error") || line.contains("-->") || line.contains("seven\"")
                })
                .collect()
        };
        assert_eq!(errors(&built), errors(&plain));
    }
}

#[requires(sccache)]
#[test]
fn an_error_in_c_is_shown_once() {
    let project = project();
    let checkout = project.linked("faulty");
    checkout.write(
        "crates/native/native/two.c",
        "int two(void) { return nothing; }\n",
    );
    let built = checkout.cargo(&["build"]).fails();
    assert_eq!(
        built.ran.stderr.matches("error: ‘nothing’").count()
            + built.ran.stderr.matches("error: 'nothing'").count(),
        1,
        "{:?}",
        built.ran
    );
}

#[requires(sccache)]
#[test]
fn parallel_compiles_print_the_message_once_and_cargo_does_not_repeat_it() {
    let mut project = project();
    for number in 0..12 {
        project = project.package(
            &format!("leaf{number}"),
            "",
            &[("src/lib.rs", "pub fn f() {}\n")],
        );
    }
    project.commit(&project.sandbox.path("main"));
    let socket = project.sandbox.outer().join("mute");
    let _listener = UnixListener::bind(&socket).unwrap();
    let checkout = project
        .linked("faulty")
        .with("SCCACHE_SERVER_UDS", socket.to_str().unwrap());
    let built = is_right(&checkout, impatient(&checkout).cargo(&["build", "-j", "8"]));
    says(&built, "no answer");
    let again = checkout.cargo(&["build", "-j", "8"]).ok().nothing_to_do();
    assert!(said(&again).is_empty(), "{:?}", again.ran);
}

#[requires(sccache, bwrap, mount)]
#[test]
fn a_disk_that_is_full_is_no_reason_to_fail() {
    let project = project();
    let (socket, _servers) = no_server(&project);
    let cache = project.sandbox.path("full");
    fs::create_dir(&cache).unwrap();
    let checkout = impatient(&project.linked("faulty")).with("SCCACHE_SERVER_UDS", &socket);
    let mut command = checkout.command("bwrap");
    let path = cache.to_str().unwrap();
    command.args([
        "--dev-bind",
        "/",
        "/",
        "--size",
        "16384",
        "--tmpfs",
        path,
        "--setenv",
        "SCCACHE_DIR",
        path,
    ]);
    command.args(["cargo", "build", "--offline"]);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    is_right(&checkout, checkout.outcome(&["build"], &output));
    is_cached_again(&project);
}

/// A file of notes in memory is larger than this limit. Nothing is observed then, and nothing fails.
#[requires(sccache)]
#[rstest]
fn a_limit_of_file_sizes_is_no_reason_to_fail(#[values(Store::On, Store::Off)] store: Store) {
    let project = project().with(store);
    let checkout = project.linked("faulty");
    let mut command = checkout.command("bash");
    // In KiB.
    let limited = "ulimit -f 15000 && exec cargo build --offline";
    command.args(["-c", limited]).stderr(Stdio::piped());
    let output = command.output().unwrap();
    let built = is_right(&checkout, checkout.outcome(&["build"], &output));
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    is_cached_again(&project);
}

/// A compiler that does something else where it is told to, in `sh`, before it compiles `helper`.
fn compiler_that(project: &Project, name: &str, does: &str) -> String {
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in\n*--crate-name\\ helper\\ *--emit=dep-info,metadata,link*|*--emit=dep-info,metadata,link*--crate-name\\ helper\\ *)\n{does}\n;;\nesac\nexec {} \"$@\"\n",
        CompileLog::command(),
    );
    let directory = project.sandbox.path(name);
    fs::create_dir(&directory).unwrap();
    script(&directory.join("rustc"), &text)
}

/// Starts a server that its compilers can tell from a build by its limit of open files.
fn limited_server(project: &Project, socket: &str) {
    let mut server = project.command("sh");
    server
        .args(["-c", "ulimit -n 333; exec \"$0\" --start-server"])
        .arg(project.sccache())
        .env("SCCACHE_SERVER_UDS", socket)
        .current_dir("/");
    assert!(server.output().unwrap().status.success());
}

const FAILS_AT_LIMIT: &str = "if [ \"$(ulimit -n)\" = 333 ]; then echo MESSAGE >&2; exit 1; fi";

#[requires(sccache)]
#[test]
fn a_limit_of_the_server_is_no_failure_of_the_build() {
    for (name, message) in [
        ("bare", "'error: No space left on device (os error 28)'"),
        (
            "json",
            r#"'{"message":"linking with `cc` failed","level":"error","spans":[],"rendered":"error: linking failed"}'"#,
        ),
    ] {
        let project = project();
        let (socket, _servers) = no_server(&project);
        limited_server(&project, &socket);
        let does = FAILS_AT_LIMIT.replace("MESSAGE", message);
        let rustc = compiler_that(&project, name, &does);
        let checkout = project.linked("faulty");
        let built = impatient(&checkout)
            .with("SCCACHE_SERVER_UDS", &socket)
            .with("RUSTC", &rustc)
            .cargo(&["build"]);
        let built = is_right(&checkout, built);
        says(&built, "helper failed to compile below the server");
        is_cached_again(&project);
    }
}

#[requires(sccache)]
#[test]
fn a_server_that_crashes_at_each_compile_is_not_used_further() {
    let project = project();
    let (socket, _servers) = no_server(&project);
    let log = project.sandbox.path("killed");
    // Below a server, not below a client that compiles by itself.
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in\n*--emit=dep-info,metadata,link*)\nread -r _ _ _ pid _ </proc/$PPID/stat\nif tr '\\0' '\\n' </proc/$pid/environ | grep -qx SCCACHE_START_SERVER=1; then echo x >>{}; kill -9 $pid; fi\n;;\nesac\nexec {} \"$@\"\n",
        log.display(),
        CompileLog::command(),
    );
    fs::create_dir(project.sandbox.path("kills")).unwrap();
    let rustc = script(&project.sandbox.path("kills/rustc"), &text);
    let checkout = project.linked("faulty");
    let built = impatient(&checkout)
        .with("SCCACHE_SERVER_UDS", &socket)
        .with("RUSTC", &rustc)
        .cargo(&["build", "-j1"]);
    let built = is_right(&checkout, built);
    says(&built, "compiling locally");
    assert_eq!(fs::read_to_string(&log).unwrap(), "x\n");
    is_cached_again(&project);
}

/// What ends the wrapper ends the compiler, which else would write on; and cargo hears of the signal.
#[requires(sccache)]
#[test]
fn a_signal_to_the_wrapper_reaches_the_compiler() {
    let project = project();
    for signal in ["TERM", "INT", "HUP"] {
        let directory = project.sandbox.path(signal);
        fs::create_dir(&directory).unwrap();
        let started = directory.join("started");
        let text = format!(
            "#!/bin/sh\necho $$ >{0}.new; mv {0}.new {0}; exec sleep 1000\n",
            started.display()
        );
        let rustc = script(&directory.join("rustc"), &text);
        // A wrapper as a terminal's shell starts it, with nothing ignored: what runs the tests may
        // itself have been started in the background.
        let mut wrapper = project.command("env");
        wrapper
            .arg("--default-signal=HUP,INT,TERM")
            .arg(project.wrapper())
            .args([&rustc, "--crate-name", "x", "x.rs"])
            .env("SCCFG_WRAPPER", "off")
            .stderr(Stdio::piped());
        let mut wrapper = wrapper.spawn().unwrap();
        await_compile(&mut wrapper, &started);
        let compiler = fs::read_to_string(&started).unwrap();
        let pid = wrapper.id().to_string();
        let sent = crate::lab::kill()
            .args([&format!("-{signal}"), &pid])
            .status();
        assert!(sent.unwrap().success());
        let ended = wrapper.wait().unwrap();
        let number = std::os::unix::process::ExitStatusExt::signal(&ended);
        assert_eq!(
            number,
            Some(match signal {
                "TERM" => 15,
                "INT" => 2,
                _ => 1,
            })
        );
        let compiler = format!("/proc/{}", compiler.trim());
        assert!(
            !Path::new(&compiler).exists(),
            "{signal}: the compiler goes on"
        );
    }
}
