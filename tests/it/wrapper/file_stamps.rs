//! What is written without another size, time of modification or name is another file all the same.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::project::{Project, cargo_home};
use super::registry::{package, publish, unpacked};
use crate::lab::CompileLog;

/// Waits until files that were just written have a time that any later write differs from.
pub(super) fn settle(path: &Path) {
    let is_old = || {
        let changed = u64::try_from(fs::metadata(path).unwrap().ctime()).unwrap();
        let age = SystemTime::now().duration_since(UNIX_EPOCH + Duration::from_secs(changed));
        age.is_ok_and(|age| age > Duration::from_secs(4))
    };
    while !is_old() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Writes another text as long into the same file, and puts its time back.
fn rewrite(path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    let before = fs::metadata(path).unwrap();
    let mode = before.permissions();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(path, text.replace(from, to)).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    fs::set_permissions(path, mode).unwrap();
    let after = fs::metadata(path).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec()),
        (after.ino(), after.mtime_nsec())
    );
}

pub(super) fn script(project: &Project, name: &str, text: &str) -> PathBuf {
    project.sandbox.write(name, text);
    let path = project.sandbox.path(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[requires(sccache)]
#[test]
fn a_compiler() {
    let project = Project::new();
    let main = "fn main() { println!(\"{}\", if cfg!(two) { 2 } else { 1 }); }\n";
    let project = project
        .package("app", "", &[("src/main.rs", main)])
        .committed();
    let text = format!(
        "#!/bin/sh\nexec {} --cfg one \"$@\"\n",
        CompileLog::rustc().display()
    );
    let rustc = script(&project, "own/rustc", &text);
    let checkout = project.main().with("RUSTC", rustc.to_str().unwrap());
    settle(&rustc);
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "1\n");
    rewrite(&rustc, "one", "two");
    checkout.clean();
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "2\n");
}

#[requires(sccache)]
#[test]
fn a_linker() {
    let project = Project::new();
    let project = project
        .package("app", "", &[("src/main.rs", "fn main() {}\n")])
        .committed();
    let noted = project.sandbox.path("noted");
    let text = format!("#!/bin/sh\necho one >{}\nexec cc \"$@\"\n", noted.display());
    let linker = script(&project, "own/linker", &text);
    let checkout = project
        .main()
        .with("RUSTFLAGS", &format!("-Clinker={}", linker.display()));
    settle(&linker);
    checkout.cargo(&["build"]).ok();
    assert_eq!(fs::read_to_string(&noted).unwrap(), "one\n");
    rewrite(&linker, "one", "two");
    checkout.clean();
    checkout.cargo(&["build"]).ok();
    assert_eq!(fs::read_to_string(&noted).unwrap(), "two\n");
}

#[requires(sccache)]
#[test]
fn a_source_of_a_registry() {
    let project = Project::new();
    package(
        &project,
        "stamped",
        "",
        &[("src/lib.rs", "pub fn f() -> u32 { 1 }\n")],
    );
    publish(&project, &["stamped"]);
    let main = "fn main() { println!(\"{}\", stamped::f()); }\n";
    let project = project
        .package(
            "app",
            "[dependencies]\nstamped = \"0.1.0\"\n",
            &[("src/main.rs", main)],
        )
        .committed();
    let home = project.sandbox.path("cargo-home");
    let checkout = project.main().with("CARGO_HOME", home.to_str().unwrap());
    checkout.cargo(&["fetch"]).ok();
    let source = unpacked(&home).join("stamped-0.1.0/src/lib.rs");
    assert!(source.starts_with(&home) && !source.starts_with(cargo_home()));
    settle(&source);
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "1\n");
    rewrite(&source, "1", "2");
    checkout.clean();
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "2\n");
}

#[requires(sccache)]
#[test]
fn a_file_of_the_workspace_that_a_macro_reads() {
    let project = Project::new();
    let code = "extern crate proc_macro;\n#[proc_macro]\npub fn number(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    std::fs::read_to_string(format!(\"{}/number\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap())).unwrap().parse().unwrap()\n}\n";
    let project = project
        .package(
            "reads",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", code)],
        )
        .package(
            "app",
            "[dependencies]\nreads = { path = \"../reads\" }\n",
            &[
                (
                    "src/main.rs",
                    "fn main() { println!(\"{}\", reads::number!()); }\n",
                ),
                ("number", "1"),
            ],
        )
        .committed();
    let checkout = project.main();
    let file = checkout.path("crates/app/number");
    settle(&file);
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "1\n");
    rewrite(&file, "1", "2");
    checkout.clean();
    checkout.cargo(&["build"]).ok();
    assert_eq!(checkout.says("app"), "2\n");
}

/// A hard link moves the change time of a file, and nothing else.
#[requires(sccache)]
#[test]
fn a_library_with_another_link_is_still_known() {
    let project = Project::new();
    let project = project
        .package("low", "", &[("src/lib.rs", "pub fn f() -> u32 { 1 }\n")])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::f()); }\n")],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build", "-p", "low"]).ok().all_hit();
    for name in second.left_in_deps("debug") {
        let deps = second.path("target/debug/deps");
        fs::hard_link(deps.join(&name), second.path("target").join(&name)).unwrap();
    }
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), "1\n");
}

/// The library that a program is linked with is another one than its record says.
#[requires(sccache)]
#[test]
fn a_library_that_was_overwritten() {
    let project = Project::new();
    let project = project
        .package(
            "low",
            "",
            &[(
                "src/lib.rs",
                "pub fn f() -> &'static str { \"aaaaaaaa\" }\n",
            )],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{}\", low::f()); }\n")],
        )
        .committed();
    project.main().cargo(&["build", "-p", "low"]).ok();
    let second = project.linked("second");
    second.cargo(&["build", "-p", "low"]).ok();
    let deps = second.path("target/debug/deps");
    for name in second.left_in_deps("debug") {
        let path = deps.join(&name);
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(8).position(|window| window == b"aaaaaaaa");
        let Some(at) = at.filter(|_| {
            path.extension()
                .is_some_and(|extension| extension == "rlib")
        }) else {
            continue;
        };
        bytes[at..at + 8].copy_from_slice(b"bbbbbbbb");
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, bytes).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
    }
    second.cargo(&["build"]).ok();
    let plain = project.linked("plain");
    plain.cargo(&["build"]).ok();
    assert_eq!(plain.says("app"), "aaaaaaaa\n");
}
