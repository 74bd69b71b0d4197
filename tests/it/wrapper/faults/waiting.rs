//! How long a build waits for a server, also for one that cannot be seen, and what happens after it stopped
//! waiting.

use std::fs;
use std::io::Read as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::thread;

use super::{
    compiler_that, files_below, impatient, is_cached_again, is_right, project, said, says, script,
};
use crate::wrapper::project::{Built, Checkout, Project};

/// `cargo build` in a PID namespace, from which the server's process cannot be seen.
fn without_view_of_server(checkout: &Checkout<'_>) -> Built {
    let mut command = checkout.command("bwrap");
    command.args(["--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc"]);
    command.args(["cargo", "build", "--offline"]);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    checkout.outcome(&["build"], &output)
}

#[requires(sccache, bwrap, mount)]
#[test]
fn a_long_compile_is_waited_for_where_the_server_cannot_be_seen() {
    let project = project();
    let rustc = compiler_that(&project, "slow", "sleep 7");
    let checkout = impatient(&project.linked("first")).with("RUSTC", &rustc);
    let built = without_view_of_server(&checkout).ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    let second = project.linked("second").with("RUSTC", &rustc);
    second.cargo(&["build"]).ok().all_hit();
}

#[requires(sccache, bwrap, mount)]
#[test]
fn a_stopped_server_that_cannot_be_seen_is_given_up() {
    let project = project();
    let pid = project.server_pid().to_string();
    let checkout = project.linked("faulty");
    let kill = |how: &str| crate::lab::kill().args([how, &pid]).status().unwrap();
    assert!(kill("-STOP").success());
    let built = without_view_of_server(&impatient(&checkout));
    assert!(kill("-CONT").success());
    let built = is_right(&checkout, built);
    says(&built, "no answer");
    is_cached_again(&project);
}

/// An sccache that takes two seconds, in which nothing is compiled, and notes that it ran.
fn slow_sccache(project: &Project) -> (String, std::path::PathBuf) {
    let (log, fifo) = (project.sandbox.path("ran"), project.sandbox.path("fifo"));
    let text = format!(
        "#!/bin/bash\necho x >>{}\nexec 9<>{}\nread -t 2 <&9\nexec \"$@\"\n",
        log.display(),
        fifo.display()
    );
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let program = script(&project.sandbox.outer().join("sccache"), &text);
    (program, log)
}

#[requires(sccache)]
#[test]
fn waits_for_c_and_the_like_count_for_the_whole_build() {
    let project = project();
    let (program, log) = slow_sccache(&project);
    fs::write(project.sandbox.path("x.c"), "int x;\n").unwrap();
    // Processes that a shell started together are one build.
    let mut build = project.command("sh");
    build
        .args([
            "-c",
            "for n in 1 2 3 4 5 6; do \"$0\" cc -c x.c -o $n.o || exit 1; done",
        ])
        .arg(project.wrapper())
        .env("SCCFG_SCCACHE", &program)
        .env("SCCFG_SCCACHE_TIMEOUT", "3")
        .current_dir(project.sandbox.path(""));
    std::os::unix::process::CommandExt::process_group(&mut build, 0);
    let output = build.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(project.sandbox.path("6.o").exists());
    assert_eq!(fs::read_to_string(&log).unwrap(), "x\nx\n");
}

/// The number of requests that were sent to a socket whose connections nobody has accepted yet.
fn requests(listener: &UnixListener) -> usize {
    listener.set_nonblocking(true).unwrap();
    let connections = std::iter::from_fn(|| listener.accept().ok());
    let has_request = |(connection, _): &(UnixStream, _)| {
        connection.set_nonblocking(true).unwrap();
        let mut connection = connection;
        connection.read(&mut [0]).is_ok_and(|length| length > 0)
    };
    connections.filter(has_request).count()
}

#[requires(sccache, bwrap, mount)]
#[test]
fn where_no_state_can_be_written_it_is_said_and_waited_for_once() {
    let project = project();
    let mute = project.sandbox.outer().join("mute");
    let listener = UnixListener::bind(&mute).unwrap();
    let checkout = project.linked("faulty");
    let empty = project.sandbox.path("empty");
    fs::create_dir(&empty).unwrap();
    fs::create_dir_all(format!("/tmp/sccfg-{}", user())).unwrap();
    let empty = empty.to_str().unwrap();
    let faulty = impatient(&checkout)
        .with("SCCACHE_SERVER_UDS", mute.to_str().unwrap())
        .with("XDG_RUNTIME_DIR", empty)
        .with("XDG_CACHE_HOME", empty)
        .with("SCCFG_WRAPPER_DIR", empty);
    let mut command = faulty.command("bwrap");
    command.args(["--dev-bind", "/", "/", "--ro-bind", empty, empty]);
    command.args(["--ro-bind", empty, &format!("/tmp/sccfg-{}", user())]);
    // Units that are compiled at the same time may wait at the same time.
    command.args(["cargo", "build", "--offline", "--jobs", "1"]);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let built = is_right(&checkout, faulty.outcome(&["build"], &output));
    says(&built, "no answer");
    assert_eq!(requests(&listener), 1);
    is_cached_again(&project);
}

fn user() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").unwrap().uid()
}

#[requires(sccache)]
#[test]
fn a_server_that_answers_late_writes_to_no_output() {
    let project = project();
    let pid = project.server_pid().to_string();
    let kill = |how: &str| crate::lab::kill().args([how, &pid]).status().unwrap();
    // Such a library has no portable key, and sccache gets it as it is.
    let checkout = project.linked("faulty").with("RUSTFLAGS", "-Crpath=yes");
    let args = ["build", "-p", "helper"];
    assert!(kill("-STOP").success());
    let built = impatient(&checkout).cargo(&args).ok();
    says(&built, "no answer");
    let outputs = || -> Vec<_> {
        use std::os::unix::fs::MetadataExt as _;
        let mut files = files_below(&checkout.path("target"));
        files.retain(|path| path.to_str().unwrap().contains("helper"));
        let ids = files.iter().map(|path| {
            let metadata = fs::metadata(path).unwrap();
            (path.clone(), metadata.ino(), metadata.mtime_nsec())
        });
        ids.filter(|(path, ..)| !path.to_str().unwrap().contains(".sccfg"))
            .collect()
    };
    let before = outputs();
    assert!(before.len() > 2, "{before:?}");
    project.forget_compiles();
    assert!(kill("-CONT").success());
    // What it was asked for it does now. Newer versions notice that nobody waits.
    thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(outputs(), before);
}

/// It has the request of a compile that was given up, and the directory of that.
#[requires(sccache)]
#[test]
fn a_server_that_compiles_late_does_not_disturb_the_compile_without_it() {
    let project = Project::new()
        .with_store()
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    // The compile without the server goes on until the server has done what it was asked for.
    let compiler = "case $name$emit in app*link*)\n\
        if mkdir \"$dir/first\"; then : >\"$dir/go\"; until [ -e \"$dir/ended\" ]; do sleep 0.05; done\n\
        else : >\"$dir/second\"; fi\n\
        esac\n";
    let main = project.main();
    let (checkout, directory) = impatient(&main).with_compiler_script(compiler);
    let [go, ended] = ["go", "ended"].map(|name| directory.join(name).display().to_string());
    let waits = format!(
        "until [ -e {go} ]; do [ -d {} ] || exit; sleep 0.05; done",
        directory.display()
    );
    let late = script(
        &directory.join("late"),
        &format!(
            "#!/bin/sh\n{waits}\ncd /\n\"$@\"\necho $? >{ended}.part\nmv {ended}.part {ended}\n"
        ),
    );
    // Nothing runs below the client, which ends before the server compiles.
    let sccache = script(
        &directory.join("sccache"),
        &format!("#!/bin/sh\n(setsid {late} \"$@\" >/dev/null 2>&1 &)\nexec sleep 1000\n"),
    );
    let built = checkout
        .with("SCCACHE_REDIS_ENDPOINT", "redis://127.0.0.1:1")
        .with("SCCFG_SCCACHE", &sccache)
        .cargo(&["build"])
        .ok();
    says(&built, "no answer");
    assert!(!directory.join("second").exists(), "it was compiled twice");
    let status = fs::read_to_string(directory.join("ended")).unwrap();
    assert_ne!(status, "0\n");
    let left = files_below(&main.path("target"));
    let is_work = |path: &std::path::PathBuf| path.to_str().unwrap().contains("/.sccfg/work/");
    assert!(!left.iter().any(is_work), "{left:?}");
}
