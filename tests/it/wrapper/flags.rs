//! Flags of the compiler: other flags, other results; and none that the wrapper cannot take.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use super::build_scripts::{contains, publish};
use super::command::said;
use super::project::{Checkout, Project, succeeds};
use indoc::indoc;
use rstest::rstest;

const LOW: &str = indoc! {r#"
    pub fn f<T: Default>() -> T { T::default() }
    #[inline(never)] pub fn word() -> &'static str { if cfg!(odd) { "odd" } else { "even" } }
    pub fn feature() -> bool { cfg!(feature = "extra") }
"#};
const MAIN: &str = "fn main() { let _ = std::env::args().count(); println!(\"{} {} {} {}\", low::word(), low::feature(), low::f::<u8>(), cfg!(debug_assertions)); }\n";

fn project() -> Project {
    Project::new()
        .package(
            "low",
            "[features]\nextra = []\n[lints.rust]\nunexpected_cfgs = \"allow\"\n",
            &[("src/lib.rs", LOW)],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n[features]\nextra = [\"low/extra\"]\n",
            &[("src/main.rs", MAIN)],
        )
        .committed()
}

/// Builds in a second worktree what was built in the first, and looks whether it is all there.
#[track_caller]
fn is_shared(project: &Project, flags: &str, args: &[&str], place: &str) {
    let main = project.main().with("RUSTFLAGS", flags);
    main.clean();
    main.cargo(args).ok();
    let second = project.linked(place).with("RUSTFLAGS", flags);
    second.cargo(args).ok().all_hit();
    second.cargo(args).ok().nothing_to_do();
    let profile = if args.contains(&"--release") {
        "release"
    } else {
        "debug"
    };
    let said = |checkout: &Checkout<'_>| {
        checkout.says_of(&checkout.path(&format!("target/{profile}/app")), &[])
    };
    assert_eq!(said(&main), said(&second));
}

/// As `cargo asm` asks for it. The library is from the cache, and its function is inlined.
#[requires(sccache)]
#[test]
fn assembler_code_has_the_paths_of_the_checkout() {
    let project = project();
    project.main().cargo(&["build", "--release"]).ok();
    let second = project.linked("second");
    let args = "rustc --release -p app -- -C debuginfo=2 -C codegen-units=1 --emit asm,obj,llvm-ir=named.ll,link";
    let args: Vec<&str> = args.split(' ').collect();
    let texts = || {
        let deps = second.path("target/release/deps");
        let names = fs::read_dir(&deps).unwrap();
        let names = names.map(|entry| entry.unwrap().path());
        let is_text = |path: &PathBuf| path.extension().is_some_and(|it| it == "s" || it == "ll");
        let mut files: Vec<_> = names.filter(is_text).collect();
        files.push(second.path("named.ll"));
        files.retain(|path| path.exists());
        files.sort();
        let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
        texts.collect::<Vec<_>>()
    };
    second.cargo(&args).ok();
    let built = texts();
    assert_eq!(built.len(), 2);
    for text in &built {
        assert!(text.contains(second.text()));
        assert!(!text.contains("/sccfg-workspace/"), "{text}");
    }
    let deps = second.left_in_deps("release");
    let is_object = |name: &&String| {
        Path::new(name.as_str())
            .extension()
            .is_some_and(|it| it == "o")
    };
    let object = deps.iter().find(is_object).unwrap();
    let object = fs::read(second.path("target/release/deps").join(object)).unwrap();
    assert!(memchr::memmem::find(&object, b"/sccfg-workspace/").is_none());
    second.clean();
    second.uncached(&args).ok();
    assert!(built == texts());
}

#[requires(sccache)]
#[test]
fn flags_that_are_shared() {
    let project = project();
    for (number, flags) in [
        "-C target-cpu=native",
        "-C opt-level=1 -C debuginfo=1",
        "-C panic=abort",
        "-C link-arg=-Wl,--build-id=sha1",
        "-C codegen-units=1 -C overflow-checks=off",
        "--cfg odd --cfg key=\"value\"",
        "-C relocation-model=static",
        "-D warnings",
    ]
    .iter()
    .enumerate()
    {
        is_shared(&project, flags, &["build"], &format!("worktree{number}"));
    }
}

#[requires(sccache)]
#[test]
fn profiles_that_are_shared() {
    for (number, profile) in [
        "lto = \"thin\"",
        "lto = true",
        "panic = \"abort\"",
        "strip = true",
        "lto = \"off\"\ncodegen-units = 1",
    ]
    .iter()
    .enumerate()
    {
        let project = project();
        let main = project.main();
        main.append("Cargo.toml", &format!("[profile.release]\n{profile}\n"));
        project.commit(&main.directory);
        is_shared(
            &project,
            "",
            &["build", "--release"],
            &format!("worktree{number}"),
        );
    }
}

#[requires(sccache)]
#[test]
fn other_flags_make_other_results() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    let odd = second.with("RUSTFLAGS", "--cfg odd");
    odd.cargo(&["build"]).ok();
    assert_eq!(odd.says("app"), "odd false 0 true\n");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "even false 0 true\n");
    second.cargo(&["build", "--features", "extra"]).ok();
    assert_eq!(second.says("app"), "even true 0 true\n");
    second.write(
        ".cargo/config.toml",
        "[build]\nrustflags = [\"--cfg\", \"odd\"]\n",
    );
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "odd false 0 true\n");
    second.write(
        ".cargo/config.toml",
        "[profile.dev]\ndebug-assertions = false\n",
    );
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "even false 0 false\n");
    let third = project.linked("third");
    third.cargo(&["build"]).ok().all_hit();
    assert_eq!(third.says("app"), "even false 0 true\n");
}

#[requires(sccache)]
#[test]
fn incremental_compilation_passes_through() {
    let project = project();
    let main = project.main().with("CARGO_INCREMENTAL", "1");
    main.cargo(&["build"]).ok();
    let second = project.linked("second").with("CARGO_INCREMENTAL", "1");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "even false 0 true\n");
    assert!(
        fs::read_dir(second.path("target/debug/incremental"))
            .unwrap()
            .count()
            > 0
    );
    second.edit("crates/low/src/lib.rs", "\"even\"", "\"EVEN\"");
    second.cargo(&["build"]).ok();
    assert_eq!(second.says("app"), "EVEN false 0 true\n");
    let third = project.linked("third").without("CARGO_INCREMENTAL");
    third.cargo(&["build"]).ok();
    third.edit("crates/low/src/lib.rs", "\"even\"", "\"EvEn\"");
    third.cargo(&["build"]).ok();
    assert_eq!(third.says("app"), "EvEn false 0 true\n");
}

#[requires(sccache)]
#[test]
fn coverage_has_the_paths_of_this_checkout() {
    let project = project();
    let flags = "-C instrument-coverage";
    project
        .main()
        .with("RUSTFLAGS", flags)
        .cargo(&["build"])
        .ok();
    let second = project.linked("second").with("RUSTFLAGS", flags);
    second.cargo(&["build"]).ok();
    let raw = second.path("target/cover.profraw");
    let mut command = second.command(second.path("target/debug/app"));
    super::project::succeeds(command.env("LLVM_PROFILE_FILE", &raw));
    assert!(fs::metadata(raw).unwrap().len() > 0);
    // The map of the source's places must not name another checkout.
    let program = fs::read(second.path("target/debug/app")).unwrap();
    let other = project.main();
    let name = other.text().as_bytes();
    assert!(
        !program.windows(name.len()).any(|part| part == name),
        "it names {}",
        other.text()
    );
}

#[requires(sccache)]
#[test]
fn unstable_flags_with_a_stable_compiler() {
    let project = project();
    let with = |checkout: Checkout<'_>| -> Vec<String> {
        let checkout = checkout.with("RUSTC_BOOTSTRAP", "1");
        let flagged = checkout.with("RUSTFLAGS", "-Z fewer-names=yes -Z location-detail=line");
        flagged.cargo(&["build"]).ok();
        vec![flagged.says("app")]
    };
    assert_eq!(with(project.main()), with(project.linked("second")));
    // Without the permission there is an error, and no result of somebody who had it.
    let third = project
        .linked("third")
        .with("RUSTFLAGS", "-Z fewer-names=yes -Z location-detail=line");
    third.cargo(&["build"]).fails();
}

#[requires(sccache)]
#[test]
fn unstable_flags_of_daily_use_are_shared() {
    let project = project();
    // The third is that of `cargo udeps`, the last that of `-Z build-std`.
    let flags = "-Z threads=2 -Zshare-generics=y -Zbinary-dep-depinfo -Zunstable-options -Zforce-unstable-if-unmarked";
    let with = |checkout: Checkout<'_>| {
        let checkout = checkout.with("RUSTC_BOOTSTRAP", "1");
        checkout.with("RUSTFLAGS", flags).cargo(&["build"]).ok()
    };
    with(project.main());
    let second = project.linked("second");
    with(second.clone()).all_hit();
    with(second.clone()).nothing_to_do();
    let dep_info = fs::read_to_string(second.path("target/debug/app.d")).unwrap();
    let main = project.main();
    assert!(!dep_info.contains(main.text()), "{dep_info}");
}

/// A sanitizer writes no path that cannot be found, and reports the sources of this checkout.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
#[requires(sccache)]
#[test]
fn programs_with_a_sanitizer_are_shared() {
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    let main = "fn main() { let v = vec![1u8; 9]; let p = v.as_ptr(); drop(v); println!(\"{} {}\", low::word(), unsafe { *p.add(std::env::args().count()) }); }\n";
    let low = [("src/lib.rs", LOW), ("build.rs", "fn main() {}\n")];
    let project = Project::new()
        .package(
            "low",
            "[features]\nextra = []\n[lints.rust]\nunexpected_cfgs = \"allow\"\n",
            &low,
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/main.rs", main)],
        )
        .committed();
    let args = ["build", "--target", TARGET];
    let [main, second] = [project.main(), project.linked("second")].map(|checkout| {
        let checkout = checkout.with("RUSTC_BOOTSTRAP", "1");
        checkout.with("RUSTFLAGS", "-Zsanitizer=address")
    });
    main.cargo(&args).ok();
    second.cargo(&args).ok().all_hit();
    let summary = || {
        let program = second.path(&format!("target/{TARGET}/debug/app"));
        let output = project.sandbox.command(program).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let summary = said.lines().find(|line| line.starts_with("SUMMARY: "));
        summary.unwrap_or(&said).to_owned()
    };
    let cached = summary();
    assert!(cached.contains("heap-use-after-free"), "{cached}");
    second.clean();
    second.uncached(&args).ok();
    assert_eq!(cached, summary());
}

#[requires(sccache)]
#[test]
fn a_feature_gate_needs_its_permission() {
    let project = Project::new();
    let project = project
        .package(
            "low",
            "",
            &[(
                "src/lib.rs",
                "#![feature(never_type)]\npub fn f() -> u8 { 1 }\n",
            )],
        )
        .committed();
    project
        .main()
        .with("RUSTC_BOOTSTRAP", "1")
        .cargo(&["build"])
        .ok();
    let second = project.linked("second");
    second.cargo(&["build"]).fails().stderr_has("E0554");
    second.with("RUSTC_BOOTSTRAP", "1").cargo(&["build"]).ok();
}

#[rstest]
#[case::packed("packed", "")]
#[case::unpacked("unpacked", "")]
#[case::off("off", "")]
#[case::in_objects("unpacked", "-Zsplit-dwarf-kind=single")]
#[case::of_a_checkout_that_is_replaced("unpacked", "--remap-path-prefix=CHECKOUT=/src")]
#[case::of_programs_and_a_checkout_that_is_replaced("packed", "--remap-path-prefix=CHECKOUT=/src")]
#[requires(sccache)]
fn separate_debug_information_is_delivered(#[case] kind: &str, #[case] flags: &str) {
    let project = project();
    let main = project.main();
    main.append(
        "Cargo.toml",
        &format!("[profile.dev]\nsplit-debuginfo = \"{kind}\"\n"),
    );
    project.commit(&main.directory);
    for checkout in [main, project.linked("second")] {
        let flags = flags.replace("CHECKOUT", checkout.text());
        let checkout = checkout
            .with("RUSTFLAGS", &flags)
            .with("RUSTC_BOOTSTRAP", "1");
        let files = || {
            let names = checkout.left_in_deps("debug");
            let has_path = |name: &String| {
                let is_archive = [".rlib", ".rmeta", ".d"]
                    .iter()
                    .any(|end| name.ends_with(end));
                let file = checkout.path("target/debug/deps").join(name);
                !is_archive && contains(&file, checkout.text())
            };
            let with_path: Vec<_> = names
                .iter()
                .filter(|name| has_path(name))
                .cloned()
                .collect();
            (names, with_path)
        };
        checkout.cargo(&["build"]).ok();
        let cached = files();
        checkout.clean();
        checkout.uncached(&["build"]).ok();
        assert_eq!(cached, files());
    }
}

#[requires(sccache)]
#[test]
fn another_linker_links_again() {
    let project = project();
    let linker = project.sandbox.path("bin/some-cc");
    let write = |text: &str| {
        fs::create_dir_all(linker.parent().unwrap()).unwrap();
        fs::write(&linker, text).unwrap();
        fs::set_permissions(&linker, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let flags = format!("-C linker={}", linker.display());
    let stamped = |checkout: &Checkout<'_>, stamp: &str| {
        let program = fs::read(checkout.path("target/debug/app")).unwrap();
        program
            .windows(stamp.len())
            .any(|part| part == stamp.as_bytes())
    };
    write(
        "#!/bin/sh\nexec cc \"$@\" -Wl,-soname=first-stamp -Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2 -Wl,-rpath,/first/stamp\n",
    );
    let main = project.main().with("RUSTFLAGS", &flags);
    main.cargo(&["build"]).ok();
    assert!(stamped(&main, "/first/stamp"));
    // The same path, another linker.
    write("#!/bin/sh\nexec cc \"$@\" -Wl,-rpath,/second/stamp\n");
    let second = project.linked("second").with("RUSTFLAGS", &flags);
    second.cargo(&["build"]).ok();
    assert!(stamped(&second, "/second/stamp") && !stamped(&second, "/first/stamp"));
}

/// The default linker is whatever `cc` is on the path: here two that differ.
#[requires(sccache)]
#[test]
fn a_linker_that_is_a_script_is_run_again_for_another_variable() {
    let project = project();
    let linker = project.sandbox.path("linker");
    let text = "#!/bin/sh\nexec cc \"$@\" -Wl,-rpath,/stamp/${LINK_STAMP}/end\n";
    fs::write(&linker, text).unwrap();
    fs::set_permissions(&linker, fs::Permissions::from_mode(0o755)).unwrap();
    let flags = format!("-C linker={}", linker.display());
    for (place, stamp) in [("first", "one"), ("second", "two"), ("third", "one")] {
        let checkout = project.linked(place).with("RUSTFLAGS", &flags);
        checkout.with("LINK_STAMP", stamp).cargo(&["build"]).ok();
        let program = fs::read(checkout.path("target/debug/app")).unwrap();
        let wanted = format!("/stamp/{stamp}/end");
        assert!(
            memchr::memmem::find(&program, wanted.as_bytes()).is_some(),
            "{place}"
        );
    }
}

#[requires(sccache)]
#[test]
fn another_cc_on_the_path_links_again() {
    let project = project();
    let path = std::env::var("PATH").unwrap();
    let with = |name: &str| {
        let directory = project.sandbox.path(name);
        let cc = directory.join("cc");
        fs::create_dir_all(&directory).unwrap();
        fs::write(
            &cc,
            format!("#!/bin/sh\nexec /usr/bin/cc \"$@\" -Wl,-rpath,/{name}/stamp\n"),
        )
        .unwrap();
        fs::set_permissions(&cc, fs::Permissions::from_mode(0o755)).unwrap();
        format!("{}:{path}", directory.display())
    };
    let (one, two) = (with("one"), with("two"));
    let stamped = |checkout: &Checkout<'_>, stamp: &str| {
        let program = fs::read(checkout.path("target/debug/app")).unwrap();
        program
            .windows(stamp.len())
            .any(|part| part == stamp.as_bytes())
    };
    let main = project.main().with("PATH", &one);
    main.cargo(&["build"]).ok();
    assert!(stamped(&main, "/one/stamp"));
    let second = project.linked("second").with("PATH", &two);
    second.cargo(&["build"]).ok();
    assert!(stamped(&second, "/two/stamp") && !stamped(&second, "/one/stamp"));
    let third = project.linked("third").with("PATH", &one);
    third.cargo(&["build"]).ok().all_hit();
    assert!(stamped(&third, "/one/stamp"));
}

/// What `cargo rustc` and others ask for next to a program.
#[requires(sccache)]
#[test]
fn other_results_than_programs() {
    let project = project();
    for emit in ["asm", "llvm-ir", "obj", "mir", "dep-info"] {
        let args = ["rustc", "-p", "low", "--", "--emit", emit];
        project.main().clean();
        project.main().cargo(&args).ok();
        let second = project.linked(&format!("for/{emit}"));
        let names = || second.left_in_deps("debug");
        second.cargo(&args).ok();
        let cached = names();
        second.clean();
        second.uncached(&args).ok();
        assert_eq!(cached, names(), "{emit}");
    }
}

/// The user's own remapping of paths is kept. What it leaves of a path may be another one in another checkout.
#[rstest]
#[case::relative("--remap-path-prefix=crates=/from/somewhere", true)]
#[case::of_the_checkout("--remap-path-prefix=CHECKOUT=/src", true)]
#[case::of_its_target_directory("--remap-path-prefix=CHECKOUT/target=/made", true)]
#[case::of_both(
    "--remap-path-prefix=CHECKOUT=/src --remap-path-prefix=CHECKOUT/target=/made",
    true
)]
#[case::of_a_directory_around_it("--remap-path-prefix=ROOT=/root", false)]
#[case::of_units_without_a_key("--remap-path-prefix=CHECKOUT=/src -Csave-temps", false)]
#[requires(sccache)]
fn paths_that_the_user_remaps(#[case] flags: &str, #[case] is_shared: bool) {
    const LOW: &str = "pub fn f() -> &'static str { file!() }\n\
        pub fn l() -> &'static std::panic::Location<'static> { std::panic::Location::caller() }\n\
        include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n";
    const SCRIPT: &str = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
        let file = std::path::Path::new(&std::env::var_os(\"OUT_DIR\").unwrap()).join(\"g.rs\");\n    \
        std::fs::write(file, \"pub fn g(n: usize) -> usize { std::hint::black_box(n) }\").unwrap();\n}\n";
    let uses = "[dependencies]\nlow = { path = \"../low\" }\n";
    let program =
        "fn main() { println!(\"{} {} {} {}\", low::f(), low::l(), low::g(1), file!()); }\n";
    let project = Project::new()
        .package("low", "", &[("src/lib.rs", LOW), ("build.rs", SCRIPT)])
        .package("app", uses, &[("src/main.rs", program)])
        .committed();
    let root = project.sandbox.path("");
    let root = root.to_str().unwrap().trim_end_matches('/');
    let flags_in = |checkout: &Checkout<'_>| {
        let flags = flags.replace("CHECKOUT", checkout.text());
        flags.replace("ROOT", root)
    };
    let main = project.main();
    main.with("RUSTFLAGS", &flags_in(&main))
        .cargo(&["build"])
        .ok();
    let second = project.linked("a/b/second");
    let second = second.with("RUSTFLAGS", &flags_in(&second));
    let built = second.cargo(&["build"]).ok();
    if is_shared {
        built.all_hit();
    }
    let cached = (second.says("app"), paths_in_program(&second));
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(cached, (second.says("app"), paths_in_program(&second)));
}

/// The names of the crates' sources in the debug information of the program.
fn paths_in_program(checkout: &Checkout<'_>) -> Vec<String> {
    let mut readelf = std::process::Command::new("readelf");
    readelf.args(["--debug-dump=info", "--wide"]);
    let output = succeeds(readelf.arg(checkout.path("target/debug/app")));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text
        .lines()
        .filter(|line| line.contains("DW_AT_comp_dir") || line.contains("src/lib.rs/@"));
    let names = lines.filter_map(|line| Some(line.rsplit_once("): ")?.1.to_owned()));
    let names: Vec<_> = names.collect();
    assert!(!names.is_empty(), "{text}");
    names
}

#[requires(sccache)]
#[test]
fn editions_and_versions_make_other_results() {
    let project = Project::new();
    // Temporaries at a block's end live longer before 2024.
    let lib = "pub fn edition() -> &'static str { macro_rules! m { ($e:expr) => { \"old\" }; (const $b:block) => { \"new\" } } m!(const { 1 }) }\n";
    let project = project
        .package("low", "", &[("src/lib.rs", lib)])
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", low::edition()); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let before = project.main().says("app");
    let second = project.linked("second");
    second.edit("crates/low/Cargo.toml", "2021", "2024");
    second.cargo(&["build"]).ok();
    let cached = second.says("app");
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(cached, second.says("app"));
    let third = project.linked("third");
    third.cargo(&["build"]).ok().all_hit();
    assert_eq!(third.says("app"), before);
}

/// More arguments than the system takes: cargo then writes them to a file.
#[requires(sccache)]
#[test]
fn a_command_line_with_very_many_arguments() {
    let files = [("src/lib.rs", LOW)];
    let lints = "[lints.rust]\nunexpected_cfgs = \"allow\"\n";
    // What it reads is the same whatever the directory's path, which two expansions show.
    let mac = "extern crate proc_macro;\n#[proc_macro] pub fn text(_: proc_macro::TokenStream) -> proc_macro::TokenStream { let directory = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap(); let text = std::fs::read_to_string(format!(\"{directory}/text\")).unwrap(); format!(\"{text:?}\").parse().unwrap() }\n";
    let main =
        "fn main() { println!(\"{} {} {}\", low::word(), published::word(), mac::text!()); }\n";
    let uses = "[dependencies]\nlow = { path = \"../low\" }\nmac = { path = \"../mac\" }\npublished = \"0.1.0\"\n";
    let project = publish(Project::new(), "published", &files)
        .package("low", lints, &files)
        .package("mac", "[lib]\nproc-macro = true\n", &[("src/lib.rs", mac)])
        .package("app", uses, &[("src/main.rs", main), ("text", "read")]);
    let many = (0..60_000).map(|number| format!("--cfg=a_rather_long_name_for_a_cfg_{number}"));
    let many: Vec<String> = many.chain(["--cfg=odd".to_owned()]).collect();
    // Too many for one variable: a config file.
    let main = project.main();
    let config = main.read(".cargo/config.toml");
    main.write(
        ".cargo/config.toml",
        &format!("{config}[build]\nrustflags = {many:?}\n"),
    );
    let project = project.committed();
    let main = project.main();
    let (scripted, noted) = main.with_compiler_script("case $1 in @*) : >\"$dir/file\";; esac\n");
    scripted.uncached(&["build"]).ok();
    assert!(noted.join("file").exists(), "cargo wrote no file");
    main.clean();
    main.cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    second.cargo(&["build"]).ok().nothing_to_do();
    for checkout in [main, second] {
        assert_eq!(checkout.says("app"), "odd odd read\n");
    }
}

/// sccache does not read arguments in a file.
#[requires(sccache)]
#[test]
fn arguments_in_a_file_that_prevent_portable_keys() {
    let project = Project::new();
    let out_dir = project.sandbox.path("out");
    fs::create_dir(&out_dir).unwrap();
    project.sandbox.write("low.rs", LOW);
    let arguments = format!(
        "--crate-name\nlow\n--crate-type\nlib\n--emit=dep-info,link\n--out-dir\n{}\n-C\nrpath\n{}\n",
        out_dir.display(),
        project.sandbox.path("low.rs").display()
    );
    project.sandbox.write("arguments", &arguments);
    let mut wrapper = project.command(project.wrapper());
    let in_file = format!("@{}", project.sandbox.path("arguments").display());
    let output = succeeds(wrapper.args(["rustc", &in_file]));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(out_dir.join("liblow.rlib").exists());
}

/// A profile of the compiler is no output that cargo knows of, but whoever asks for it wants it.
#[requires(sccache)]
#[test]
fn other_files_that_the_compiler_writes_are_there_in_each_build() {
    let project = project();
    let profiles = project.sandbox.path("profiles");
    let flags = format!("-Zself-profile={}", profiles.display());
    for place in ["first", "second", "third"] {
        let checkout = project.linked(place).with("RUSTFLAGS", &flags);
        checkout.with("RUSTC_BOOTSTRAP", "1").cargo(&["build"]).ok();
        let entries = fs::read_dir(&profiles).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(names.any(|name| name.starts_with("app-")), "{place}");
        fs::remove_dir_all(&profiles).unwrap();
    }
}

/// What the compiler prints about itself is not stored.
#[rstest]
#[case::times("-Ztime-passes", "time:")]
#[case::source("-Zunpretty=hir", "fn main()")]
#[requires(sccache)]
fn the_compiler_prints_it_in_each_build(#[case] flag: &str, #[case] expected: &str) {
    let project = project();
    for place in ["first", "second"] {
        let checkout = project.linked(place).with("RUSTC_BOOTSTRAP", "1");
        let built = checkout.cargo(&["rustc", "-p", "app", "--", flag]).ok();
        let printed = format!("{}{}", built.ran.stdout, built.ran.stderr);
        assert!(printed.contains(expected), "{printed}");
        let why = said(&checkout, &["explain", "app"]);
        let expected = "RUSTC_LOG or -Z has the compiler print more than messages";
        assert!(why.contains(expected), "{why}");
    }
}

/// With such a flag, units have no portable key. sccache would look them up, and does not know what macros read.
#[requires(sccache)]
#[test]
fn macros_are_expanded_again_if_a_flag_prevents_portable_keys() {
    let mac = "#[proc_macro] pub fn word(_: proc_macro::TokenStream) -> proc_macro::TokenStream { let text = std::fs::read_to_string(\"crates/low/word\").unwrap(); format!(\"{text:?}\").parse().unwrap() }\n";
    let project = Project::new()
        .package(
            "mac",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", &format!("extern crate proc_macro;\n{mac}"))],
        )
        .package(
            "low",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[
                ("src/lib.rs", "pub const WORD: &str = mac::word!();\n"),
                ("word", "one"),
            ],
        )
        .package(
            "app",
            "[dependencies]\nlow = { path = \"../low\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", low::WORD); }\n",
            )],
        )
        .committed();
    let checkout = project.linked("second").with("RUSTFLAGS", "-C rpath");
    for word in ["one", "two"] {
        checkout.write("crates/low/word", word);
        checkout.clean();
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{word}\n"));
    }
}
