//! Which files of a seeded worktree are links to those of another one, and which are its own, with its paths.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use rstest::rstest;

use super::build_scripts::{contains, out_dir, with_c_of};
use super::file_stamps::script;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Layout, Project, host, succeeds};
use super::registry::{package, publish, with_home};
use super::seed::{ALL, MAC, occurrences, project, sccfg, seed, state_of};

/// A program of a build script is shared, and nobody writes into it.
#[rstest]
#[requires(sccache)]
fn build_scripts_of_registry_crates_are_links(#[values(Layout::V1, Layout::V2)] layout: Layout) {
    let uses = "[dependencies]\nanyhow = \"1\"\n";
    let main = "fn main() -> anyhow::Result<()> { Ok(()) }\n";
    let project = Project::new()
        .with_layout(layout)
        .with_store()
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    let checkout = project.main();
    checkout.cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.cargo(&["build"]).ok().nothing_to_do();
    let before = state_of(&checkout.path("target"));
    let shared = before.keys().filter(|path| {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = path.metadata().unwrap();
        let here = linked
            .directory
            .join(path.strip_prefix(&checkout.directory).unwrap());
        let is_script = path
            .extension()
            .is_some_and(|extension| extension == "program");
        is_script
            && here
                .metadata()
                .is_ok_and(|other| other.ino() == metadata.ino())
    });
    assert!(shared.count() > 0);
    // cargo compiles it again, and without the wrapper.
    for build in [&["clean", "-p", "anyhow"][..], &["build"], &["clean"]] {
        linked.uncached(build).ok();
    }
    assert!(before == state_of(&checkout.path("target")));
}

/// Whoever writes into a file of one worktree does not write into the other's. Nobody writes into metadata: rustc renames a new
/// file, and refuses to do so over one that is read-only.
#[requires(sccache)]
#[test]
fn files_of_registry_crates_are_not_overwritten_by_accident() {
    let project = project().committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let linked = project.linked("second");
    seed(&linked);
    linked.cargo(&["build"]).ok().nothing_to_do();
    let before = state_of(&main.path("target"));
    // What rustc, cargo and people do.
    for build in [
        &["build", "--release"][..],
        &["clean", "-p", "itoa"],
        &["build"],
        &["clean"],
    ] {
        linked.cargo(build).ok();
    }
    assert!(before == state_of(&main.path("target")));
    let third = project.linked("third");
    seed(&third);
    for (path, _) in state_of(&third.path("target")) {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = path.metadata().unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_metadata = path.extension().is_some_and(|end| end == "rmeta");
        let is_shared = metadata.nlink() > 1 && !name.starts_with("build") && !is_metadata;
        assert!(
            !is_shared || metadata.permissions().readonly(),
            "{}",
            path.display()
        );
    }
}

/// In debug information of C, and in texts of a package that was reviewed.
#[rstest]
#[requires(sccache)]
fn libraries_and_what_links_them_get_the_paths_of_their_checkout(
    #[values("APP_OTHER", "APP_PLACE")] variable: &str,
    #[values("s", "as/deep/and/as/long/as/can/be", "copy")] second: &str,
) {
    let project = with_c_of("openssl-sys");
    project.main().with(variable, "1").cargo(&["build"]).ok();
    let second = project.linked(second).with(variable, "1");
    seed(&second);
    second.cargo(&["build"]).ok().nothing_to_do();
    for file in [
        out_dir(&second).join("libnative.a"),
        second.path("target/debug/app"),
    ] {
        assert!(
            !contains(&file, project.main().text()),
            "{}",
            file.display()
        );
    }
    // What is compiled now finds the library as it is elsewhere.
    second.edit("crates/app/src/main.rs", "fn main", "// changed\nfn main");
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    for placeholder in ["/sccfg-target", "/sccfg-text"] {
        assert!(!contains(&second.path("target/debug/app"), placeholder));
    }
    assert_eq!(
        says_the_same_uncached(&second).starts_with(second.text()),
        variable == "APP_PLACE"
    );
}

/// A library outside of the checkout and the system, to which a build script leads the linker: as packages of Nix do, and
/// `clang-sys` where LLVM has a directory of its own.
#[rstest]
#[requires(sccache)]
fn a_library_in_a_directory_that_a_script_names_is_compared(
    #[values("static", "dylib")] kind: &str,
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = Project::new().with_store().with_layout(layout);
    let directory = project.sandbox.path("installed");
    fs::create_dir(&directory).unwrap();
    let file = directory.join(if kind == "static" {
        "libnative.a"
    } else {
        "libnative.so"
    });
    let make = |number: u8| {
        let source = directory.join("n.c");
        fs::write(
            &source,
            format!("int native(void) {{ return {number}; }}\n"),
        )
        .unwrap();
        let _ = fs::remove_file(&file);
        let mut cc = Command::new("cc");
        cc.current_dir(&directory).arg("-fPIC").arg("n.c").arg("-o");
        if kind == "static" {
            succeeds(cc.args(["n.o", "-c"]));
            succeeds(
                Command::new("ar")
                    .arg("crs")
                    .arg(&file)
                    .arg(directory.join("n.o")),
            );
        } else {
            succeeds(cc.arg(&file).arg("-shared"));
        }
    };
    make(1);
    let directory = directory.to_str().unwrap();
    let script = format!(
        "fn main() {{ println!(\"cargo:rustc-link-search={directory}\"); println!(\"cargo:rustc-link-lib={kind}=native\"); println!(\"cargo:rerun-if-changed=build.rs\"); }}\n"
    );
    let lib = "extern \"C\" { fn native() -> i32; }\npub fn n() -> i32 { unsafe { native() } }\n";
    let main = "fn main() { println!(\"{}\", low::n()); }\n";
    let project = project
        .package("low", "", &[("build.rs", &script), ("src/lib.rs", lib)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", main)],
        )
        .committed();
    let main = project.main().with("LD_LIBRARY_PATH", directory);
    main.cargo(&["build"]).ok();
    let same = project.linked("same").with("LD_LIBRARY_PATH", directory);
    seed(&same);
    same.cargo(&["build"]).ok().nothing_to_do();
    make(2);
    let other = project.linked("other").with("LD_LIBRARY_PATH", directory);
    seed(&other);
    other.cargo(&["build"]).ok().rebuilt("low");
    let mut program = other.command(other.path("target/debug/app"));
    assert_eq!(succeeds(&mut program).stdout, b"2\n");
}

/// A program above a published crate with this manifest and source.
fn above_published(name: &str, manifest: &str, lib: &str, main: &str) -> Project {
    let project = Project::new().with_store();
    package(&project, name, manifest, &[("src/lib.rs", lib)]);
    publish(&project, &[name]);
    let uses = format!("[dependencies]\n{name} = \"0.1\"\n");
    let project = project.package("app", &uses, &[("src/main.rs", main)]);
    project.committed()
}

/// A macro of a registry is shared. Nothing writes into it: linkers remove their output, or rename another file to it.
#[rstest]
#[requires(sccache, mold)]
fn macros_of_registry_crates_are_links(
    // The first is the compiler's own choice.
    #[values("", "-fuse-ld=bfd", "-fuse-ld=mold")] linker: &str,
) {
    use std::os::unix::fs::MetadataExt as _;
    let manifest = "[lib]\nproc-macro = true\n";
    let main = "fn main() { assert_eq!(maccrate::seven!(), 7); }\n";
    let project = above_published("maccrate", manifest, MAC, main);
    let checkout = |checkout| with_home(&project, &checkout, "cargo-home");
    let main = checkout(project.main());
    main.cargo(&["build"]).ok();
    let before = state_of(&main.path("target"));
    let made = before
        .keys()
        .find(|path| path.extension() == Some("so".as_ref()));
    let name = made.unwrap().strip_prefix(&main.directory).unwrap();
    let linked = checkout(project.linked("second"));
    seed(&linked);
    linked.cargo(&["build"]).ok().nothing_to_do();
    let number = |checkout: &Checkout<'_>| checkout.directory.join(name).metadata().unwrap().ino();
    assert_eq!(number(&main) == number(&linked), cfg!(target_os = "linux"));
    // The compiler is started while its output is there.
    let records = linked.path("target/debug/.fingerprint");
    let records = fs::read_dir(records)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let record = records.filter(|path| path.to_str().unwrap().contains("maccrate"));
    record.for_each(|directory| fs::remove_dir_all(directory).unwrap());
    let text = format!("#!/bin/sh\nexec cc \"$@\" {linker}\n");
    let script = script(&project, "linker", &text);
    let setting = format!("target.'cfg(all())'.linker={:?}", script.to_str().unwrap());
    linked.uncached(&["build", "--config", &setting]).ok();
    assert_ne!(number(&main), number(&linked));
    assert!(before == state_of(&main.path("target")));
    main.cargo(&["build"]).ok().nothing_to_do();
}

/// The variable of cargo with the linker of the host.
fn linker_variable() -> String {
    let host = host().to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{host}_LINKER")
}

/// Flags and settings of cargo name another linker, for build scripts and macros as well.
#[rstest]
#[requires(sccache, mold, clang)]
#[case::a_flag_of_the_compiler("RUSTFLAGS", "-Clink-arg=-fuse-ld=mold", "-Clink-arg=-fuse-ld=bfd")]
#[case::a_path("RUSTFLAGS", "-C linker=clang -Clink-args=--ld-path=mold", "")]
#[case::a_setting_of_the_target(&linker_variable(), "clang", "gcc")]
fn what_another_linker_has_linked_is_seeded(
    #[case] name: &str,
    #[case] value: &str,
    #[case] other: &str,
) {
    let manifest = "[lib]\nproc-macro = true\n";
    let main = "fn main() { println!(\"{} {}\", maccrate::seven!(), env!(\"VALUE\")); }\n";
    let script = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\\ncargo::rustc-env=VALUE=8\"); }\n";
    let project = above_published("maccrate", manifest, MAC, main)
        .file("crates/app/build.rs", script)
        .committed();
    let checkout = |checkout| with_home(&project, &checkout, "cargo-home").with(name, value);
    checkout(project.main()).cargo(&["build"]).ok();
    let linked = checkout(project.linked("a/deeper/worktree"));
    seed(&linked);
    linked.uncached(&["build"]).ok().nothing_to_do();
    assert_eq!(linked.says("app"), "7 8\n");
    let by_other = checkout(project.linked("third")).with(name, other);
    seed(&by_other);
    by_other.cargo(&["build"]).ok();
    assert_eq!(by_other.says("app"), "7 8\n");
}

/// cargo makes its path absolute, and does not take what was linked at another path.
#[requires(sccache)]
#[test]
fn what_a_linker_of_the_workspace_has_linked_is_not_seeded() {
    let name = linker_variable();
    let main = "fn main() { println!(\"7\"); }\n";
    let project = Project::new()
        .with_store()
        .package("app", "", &[("src/main.rs", main)])
        .file("tools/linker", "#!/bin/sh\nexec cc \"$@\"\n")
        .committed();
    let executable = |checkout: &Checkout<'_>| {
        let linker = checkout.path("tools/linker");
        fs::set_permissions(&linker, fs::Permissions::from_mode(0o755)).unwrap();
        linker.to_str().unwrap().to_owned()
    };
    let main = project.main();
    main.with(&name, &executable(&main)).cargo(&["build"]).ok();
    let second = project.linked("second");
    let second = second.with(&name, &executable(&second));
    sccfg(&second, &["seed", "--verbose"])
        .status(0)
        .stderr_has("path of the linker");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), "7\n");
}

/// cargo gives it a second name that people know, and programs such as strip write into it.
#[requires(sccache)]
#[test]
fn a_dynamic_library_of_a_registry_is_a_copy() {
    let manifest = "[lib]\ncrate-type = [\"dylib\"]\n";
    let lib = "pub fn one() -> u8 { 1 }\n";
    let main = "fn main() { assert_eq!(lowcrate::one(), 1); }\n";
    let project = above_published("lowcrate", manifest, lib, main);
    let checkout = |checkout| {
        with_home(&project, &checkout, "cargo-home").with("RUSTFLAGS", "-Cprefer-dynamic")
    };
    let main = checkout(project.main());
    main.cargo(&["build"]).ok();
    let before = state_of(&main.path("target"));
    let linked = checkout(project.linked("second"));
    seed(&linked);
    linked.cargo(&["build"]).ok();
    let library = linked.path("target/debug/liblowcrate.so");
    succeeds(Command::new("strip").arg("-g").arg(library));
    assert!(before == state_of(&main.path("target")));
}

/// A dynamic and static library, whose files have no hash in their names, and a program above it.
fn project_with_shared_library() -> Project {
    let lib = "#[no_mangle] pub extern \"C\" fn number() -> u32 { 7 }\n\
        pub fn place() -> &'static str { std::panic::Location::caller().file() }\n\
        #[no_mangle] pub extern \"C\" fn fails() { panic!(\"on purpose\") }\n";
    let kinds = "[lib]\ncrate-type = [\"cdylib\", \"staticlib\", \"rlib\"]\n";
    let main = "fn main() { println!(\"{} {}\", foreign::number(), foreign::place()); }\n";
    Project::new()
        .with_store()
        .package("foreign", kinds, &[("src/lib.rs", lib)])
        .package(
            "app",
            "[dependencies]\nforeign = { path = \"../foreign\" }\n",
            &[("src/main.rs", main)],
        )
}

#[rstest]
#[requires(sccache)]
fn a_shared_library_is_seeded_with_the_paths_of_this_checkout(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let project = project_with_shared_library()
        .with_layout(layout)
        .committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let second = project.linked("a/b/second");
    seed(&second);
    second.cargo(&ALL).ok().nothing_to_do();
    let seeded = ["libforeign.so", "libforeign.a"].map(|name| {
        let file = second.path("target/debug").join(name);
        assert!(occurrences(&file, second.text()) > 0, "{name}");
        assert_eq!(occurrences(&file, main.text()), 0, "{name}");
        fs::read(file).unwrap()
    });
    second.clean();
    second.cargo(&ALL).ok();
    for (name, seeded) in ["libforeign.so", "libforeign.a"].into_iter().zip(seeded) {
        let built = fs::read(second.path("target/debug").join(name)).unwrap();
        assert!(built == seeded, "{name}");
    }
    says_the_same_uncached(&second);
}

/// They write the same files, and those of the last one are there.
#[requires(sccache)]
#[test]
fn a_shared_library_that_was_built_in_two_ways_is_not_seeded() {
    let project = project_with_shared_library().committed();
    let main = project.main();
    main.cargo(&ALL).ok();
    let other = main.with("RUSTFLAGS", "--cfg other");
    other.cargo(&["build", "-p", "foreign"]).ok();
    let second = project.linked("second");
    let said = sccfg(&second, &["seed", "-v"]).status(0).stderr;
    let left_out = "its dependency foreign was not compiled by the wrapper";
    assert!(said.contains(left_out), "{said}");
    second.cargo(&ALL).ok();
    says_the_same_uncached(&second);
}
