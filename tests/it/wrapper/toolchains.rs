//! Several compilers, the programs that stand before them, and cargo's other commands.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::command::{said, sccfg};
use super::environment::PROC_MACRO;
use super::file_stamps::settle;
use super::project::{Checkout, Project};
use super::registry::{PRINTS, above, with_home};

const LOW: &str = "pub fn f<T: Default>() -> T { T::default() }\npub fn version() -> &'static str { env!(\"V\") }\n";
/// Says which compiler it was built for.
const SCRIPT: &str = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); let out = std::process::Command::new(std::env::var_os(\"RUSTC\").unwrap()).arg(\"-V\").output().unwrap(); println!(\"cargo::rustc-env=V={}\", String::from_utf8(out.stdout).unwrap().trim()); }\n";

/// A macro that reads a variable and asks for no path.
pub(super) const ZERO: &str = "use proc_macro::TokenStream;\n#[proc_macro] pub fn zero(_: TokenStream) -> TokenStream { \
    std::env::var(\"CARGO_PKG_NAME\").unwrap(); \"0\".parse().unwrap() }\n";

fn project() -> Project {
    Project::new()
        .package("low", "", &[("src/lib.rs", LOW), ("build.rs", SCRIPT)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", "fn main() { println!(\"{} {}\", low::version(), low::f::<u8>()); }\n#[test] fn t() { assert_eq!(low::f::<u8>(), 0); }\n")],
        )
        .committed()
}

/// The compilers of this machine, each of another version.
fn compilers() -> Vec<(PathBuf, String)> {
    let version = |rustc: &Path| -> Option<String> {
        let output = Command::new(rustc).arg("-V").output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let mut found: Vec<(PathBuf, String)> = Vec::new();
    let toolchains = super::project::rustup_home().join("toolchains");
    for entry in fs::read_dir(toolchains).into_iter().flatten().flatten() {
        let rustc = entry.path().join("bin/rustc");
        if let Some(version) = version(&rustc)
            && found.iter().all(|(_, other)| *other != version)
        {
            found.push((rustc, version));
        }
    }
    found
}

/// Two of them.
pub(super) fn two() -> [(PathBuf, String); 2] {
    let found: Vec<_> = compilers().into_iter().take(2).collect();
    found.try_into().unwrap()
}

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What compiled the program, by its own words and by what the linker wrote down.
#[track_caller]
fn is_of(checkout: &Checkout<'_>, version: &str) {
    let said = checkout.says("app");
    assert!(said.contains(version), "{said}, not {version}");
    let bytes = fs::read(checkout.path("target/debug/app")).unwrap();
    let comment = version.replacen("rustc ", "rustc version ", 1);
    let comment = comment.split(" (").next().unwrap().as_bytes();
    assert!(
        bytes.windows(comment.len()).any(|part| part == comment),
        "no {version} in the program"
    );
}

#[requires(sccache, second_toolchain)]
#[test]
fn two_toolchains_keep_apart() {
    let (project, two) = (project(), two());
    let main = project.main();
    for (rustc, version) in &two {
        let main = main.with("RUSTC", rustc.to_str().unwrap());
        main.cargo(&["build"]).ok();
        is_of(&main, version);
    }
    for place in ["second", "third"] {
        let linked = project.linked(place);
        for (rustc, version) in two.iter().rev() {
            let linked = linked.with("RUSTC", rustc.to_str().unwrap());
            linked.cargo(&["build"]).ok();
            is_of(&linked, version);
        }
    }
}

/// As in `~/.nix-profile/bin`, `/run/current-system/sw/bin` and `/usr/bin` of Ubuntu. The compiler looks for its libraries next to
/// the link first, which is not something that a macro reads.
#[requires(sccache)]
#[test]
fn a_compiler_behind_a_link_shares_units_with_macros() {
    let uses = "[dependencies]\nmakes = { path = \"../makes\" }\n";
    let lib = "pub fn f() -> u32 { makes::zero!() }\n";
    let project = Project::new()
        .package("makes", PROC_MACRO, &[("src/lib.rs", ZERO)])
        .package("low", uses, &[("src/lib.rs", lib)])
        .committed();
    let link = project.sandbox.path("profile/bin/rustc");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(&compilers()[0].0, &link).unwrap();
    let [first, second] = ["first", "second"].map(|name| {
        let checkout = project.linked(name);
        checkout.with("RUSTC", link.to_str().unwrap())
    });
    first.cargo(&["build"]).ok();
    second.cargo(&["build"]).ok().all_hit();
    let low = said(&second, &["explain", "low"]);
    assert!(low.contains("shared between all checkouts"), "{low}");
}

/// What `rustup update` does: another compiler at the same path.
#[requires(sccache, second_toolchain)]
#[test]
fn a_compiler_that_is_replaced_is_another_one() {
    let (project, two) = (project(), two());
    let rustc = project.sandbox.path("toolchain/bin/rustc");
    let becomes = |real: &Path| {
        script(
            &rustc,
            &format!("#!/bin/sh\nexec '{}' \"$@\"\n", real.display()),
        );
    };
    becomes(&two[0].0);
    let main = project.main().with("RUSTC", rustc.to_str().unwrap());
    main.cargo(&["build"]).ok();
    is_of(&main, &two[0].1);
    becomes(&two[1].0);
    // cargo knows compilers by the second of their time.
    let later = SystemTime::now() + Duration::from_secs(2);
    File::open(&rustc).unwrap().set_modified(later).unwrap();
    let second = project
        .linked("second")
        .with("RUSTC", rustc.to_str().unwrap());
    second.cargo(&["build"]).ok();
    is_of(&second, &two[1].1);
    main.cargo(&["build"]).ok();
    is_of(&main, &two[1].1);
}

/// With rustup: `cargo +nightly`, and a file in the checkout that decides.
#[requires(sccache, second_toolchain, rustup)]
#[test]
fn rustup_decides_on_the_compiler() {
    let (project, two) = (project(), two());
    let name = |rustc: &Path| {
        rustc
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    let main = project.main().without("RUSTC");
    for (rustc, version) in &two {
        let mut cargo = main.command("cargo");
        super::project::succeeds(
            cargo
                .arg(format!("+{}", name(rustc)))
                .args(["build", "--offline"]),
        );
        is_of(&main, version);
    }
    let second = project.linked("second").without("RUSTC");
    for (rustc, version) in two.iter().rev() {
        second.write(
            "rust-toolchain.toml",
            &format!("[toolchain]\nchannel = \"{}\"\n", name(rustc)),
        );
        second.cargo(&["build"]).ok();
        is_of(&second, version);
    }
}

/// asdf and mise have one program that runs one of several compilers.
#[requires(sccache, second_toolchain)]
#[test]
fn a_version_manager_decides_on_the_compiler() {
    let (project, two) = (project(), two());
    let shim = project.sandbox.path("shims/rustc");
    script(&shim, "#!/bin/sh\nexec \"$CHOSEN\" \"$@\"\n");
    settle(&shim);
    for ((rustc, version), place) in two.iter().zip(["first", "second"]) {
        let linked = project
            .linked(place)
            .with("RUSTC", shim.to_str().unwrap())
            .with("CHOSEN", rustc.to_str().unwrap());
        linked.cargo(&["build"]).ok();
        is_of(&linked, version);
        let known_to_cargo = fs::read_to_string(linked.path("target/.rustc_info.json")).unwrap();
        assert!(known_to_cargo.contains(version), "{known_to_cargo}");
    }
}

#[requires(sccache)]
#[test]
fn a_wrapper_for_the_workspace_is_run() {
    let project = project();
    let wrapper = project.sandbox.path("wrapper/flavoured");
    let write = |word: &str| {
        script(
            &wrapper,
            &format!("#!/bin/sh\nrustc=$1; shift\nV='{word}' exec \"$rustc\" \"$@\"\n"),
        );
    };
    write("first flavour");
    let main = project
        .main()
        .with("RUSTC_WORKSPACE_WRAPPER", wrapper.to_str().unwrap());
    main.cargo(&["build"]).ok();
    assert!(
        main.says("app").starts_with("first flavour"),
        "{}",
        main.says("app")
    );
    // Another wrapper at the same path.
    write("second flavour");
    let second = project
        .linked("second")
        .with("RUSTC_WORKSPACE_WRAPPER", wrapper.to_str().unwrap());
    second.cargo(&["build"]).ok();
    assert!(
        second.says("app").starts_with("second flavour"),
        "{}",
        second.says("app")
    );
    // And none.
    let third = project.linked("third");
    third.cargo(&["build"]).ok();
    assert!(
        third.says("app").starts_with("rustc "),
        "{}",
        third.says("app")
    );
}

/// Its arguments are cargo's, so libraries of registries have placeholders, which the program may not have.
#[requires(sccache)]
#[test]
fn what_a_wrapper_for_the_workspace_compiles_has_no_placeholders() {
    let generates = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(format!(\"{out}/made.rs\"), \"pub fn text() -> u8 { 1 }\").unwrap(); }\n";
    let library = "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n";
    let project = above(library, generates, PRINTS);
    let wrapper = project.sandbox.path("wrapper/plain");
    script(
        &wrapper,
        "#!/bin/sh\ncase \"$*\" in */sccfg-target/*) exit 1;; esac\nexec \"$@\"\n",
    );
    let main = with_home(&project, &project.main(), "cargo-home")
        .with("RUSTC_WORKSPACE_WRAPPER", wrapper.to_str().unwrap());
    main.cargo(&["build"]).ok();
    let program = fs::read(main.path("target/debug/app")).unwrap();
    assert!(memchr::memmem::find(&program, b"/sccfg-target/").is_none());
    let text = said(&main, &["explain", "app"]);
    assert!(
        text.contains("why: RUSTC_WORKSPACE_WRAPPER runs the compiler"),
        "{text}"
    );
    assert!(
        text.contains("hint: unset RUSTC_WORKSPACE_WRAPPER"),
        "{text}"
    );
    let record = said(&main, &["report"]);
    assert!(record.contains("RUSTC_WORKSPACE_WRAPPER"), "{record}");
}

/// As the packages of Ubuntu name it.
#[requires(sccache)]
#[test]
fn the_name_of_a_compiler_may_have_a_version() {
    let project = project();
    let named = project.sandbox.path("compilers/rustc-1.95");
    fs::create_dir_all(named.parent().unwrap()).unwrap();
    let main = project.main();
    let rustc = crate::support::project().join("tests/tools/rustc");
    symlink(rustc, &named).unwrap();
    let named = named.to_str().unwrap();
    main.with("RUSTC", named).cargo(&["build"]).ok();
    let second = project.linked("second").with("RUSTC", named);
    second.cargo(&["build"]).ok().all_hit();
    // Others get no portable keys, which the report says.
    let other = project.sandbox.path("compilers/other");
    symlink(named, &other).unwrap();
    let third = project
        .linked("third")
        .with("RUSTC", other.to_str().unwrap());
    third.cargo(&["build"]).ok();
    let report = sccfg(&third, &["report"]);
    let text = String::from_utf8(report.stdout).unwrap();
    assert!(text.contains("name the compiler of cargo rustc"), "{text}");
}

#[requires(sccache)]
#[test]
fn every_command_of_cargo_works_and_is_shared() {
    let project = project();
    let commands = [
        &["check"][..],
        &["check", "--all-targets"],
        &["build"],
        &["test"],
        &["build", "--release"],
        &["bench"],
        &["run"],
        &["clippy"],
        &["test", "--release"],
    ];
    let main = project.main();
    for command in commands {
        main.cargo(command).ok();
    }
    main.cargo(&["doc", "--no-deps"]).ok();
    let second = project.linked("second");
    for command in commands {
        second.cargo(command).ok().compiled(&[]);
    }
    second.cargo(&["doc", "--no-deps"]).ok();
    assert!(second.path("target/doc/low/index.html").is_file());
    let said = second.cargo(&["test", "--doc"]).ok();
    drop(said);
}

#[requires(sccache)]
#[test]
fn examples_in_documentation_are_run() {
    let project = Project::new();
    let doc = "/// ```\n/// assert_eq!(low::f(), 1);\n/// println!(\"from {}\", file!());\n/// ```\npub fn f() -> u32 { 1 }\n";
    let project = project
        .package("low", "", &[("src/lib.rs", doc)])
        .committed();
    project.main().cargo(&["test", "--doc"]).ok();
    let second = project.linked("second");
    let built = second.cargo(&["test", "--doc"]).ok();
    assert!(built.ran.stdout.contains("1 passed"), "{:?}", built.ran);
    second.edit("crates/low/src/lib.rs", "{ 1 }", "{ 2 }");
    second.cargo(&["test", "--doc"]).fails();
}

/// cargo's own switch has to go on working.
#[requires(sccache)]
#[test]
fn it_can_be_switched_off_for_a_build() {
    let project = project();
    let main = project.main();
    main.with("SCCFG_WRAPPER", "off").cargo(&["build"]).ok();
    let counts = project.counts();
    assert_eq!((counts.rust_hits, counts.rust_misses), (0, 0));
    let second = project.linked("second");
    second
        .with("SCCFG_WRAPPER", "off")
        .cargo(&["build"])
        .ok()
        .compiled_some();
    second.cargo(&["build"]).ok().nothing_to_do();
}
